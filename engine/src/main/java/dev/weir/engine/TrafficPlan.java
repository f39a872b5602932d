package dev.weir.engine;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Where the requests of an application go, in words that every router understands.
 *
 * @param port of the Service of that name, which clients ask for
 * @param hosts the names that clients ask for
 * @param gateways attachment points besides the mesh, each {@code name} or {@code namespace/name}
 * @param rules in order; the first that matches decides, and the last one matches everything
 */
public record TrafficPlan(
        String name, String namespace, int port, List<String> hosts, List<String> gateways, List<Rule> rules) {
    public TrafficPlan {
        hosts = List.copyOf(hosts);
        gateways = List.copyOf(gateways);
        rules = List.copyOf(rules);
    }

    /**
     * @param matches any of them suffices; empty for every request
     * @param backends never empty; their shares add up to all
     */
    public record Rule(List<Match> matches, List<Backend> backends, List<Mirror> mirrors) {
        public Rule {
            // one that always holds makes the others idle
            matches = matches.contains(Match.Http.ALWAYS) ? List.of() : List.copyOf(matches);
            backends = List.copyOf(backends);
            mirrors = List.copyOf(mirrors);
        }

        /** Which requests it is about, for people. */
        public String words() {
            return matches.isEmpty()
                    ? "all requests"
                    : "requests with " + matches.stream().map(Match::words).collect(Collectors.joining(", or with "));
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

    /** A version's service that answers. */
    public record Backend(String service, int port, Share share) {}

    /** A version's service that gets copies. */
    public record Mirror(String service, int port, MirrorPercent percent) {}
}
