package dev.weir.engine;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Where the requests of an application go, in words that every router understands.
 *
 * @param hosts the names that clients ask for
 * @param gateways attachment points besides the mesh, each {@code name} or {@code namespace/name}
 * @param rules in order; the first that matches decides
 */
public record TrafficPlan(String name, String namespace, List<String> hosts, List<String> gateways, List<Rule> rules) {
    public TrafficPlan {
        hosts = List.copyOf(hosts);
        gateways = List.copyOf(gateways);
        rules = List.copyOf(rules);
    }

    /** @param backends never empty; their shares add up to all */
    public record Rule(String name, List<Backend> backends, List<Mirror> mirrors) {
        public Rule {
            backends = List.copyOf(backends);
            mirrors = List.copyOf(mirrors);
        }
    }

    /** True if a service gets requests or copies of some. */
    public boolean leadsTo(String service) {
        return rules.stream()
                .anyMatch(rule -> rule.backends().stream()
                                .anyMatch(backend -> backend.service().equals(service))
                        || rule.mirrors().stream()
                                .anyMatch(mirror -> mirror.service().equals(service)));
    }

    /** Eight hexadecimal digits that tell this plan from others; the same in every process of one build. */
    public String fingerprint() {
        CRC32 crc = new CRC32();
        crc.update(toString().getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** A version's service that answers. */
    public record Backend(String service, int port, Share share) {}

    /** A version's service that gets copies. */
    public record Mirror(String service, int port, MirrorPercent percent) {}
}
