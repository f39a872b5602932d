package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Cluster addresses and node ports of Services. Safe for concurrent use. */
public final class ServiceAddresses {
    private static final int FIRST_NODE_PORT = 30_000;
    private static final int NODE_PORTS = 2768;

    private final Set<String> used = ConcurrentHashMap.newKeySet();
    private final AtomicInteger next = new AtomicInteger(1);
    private final AtomicInteger nextPort = new AtomicInteger();

    /** Gives a new Service what its type needs. */
    void allocate(ObjectNode service) {
        ObjectNode spec = service.withObject("/spec");
        if (spec.path("type").asText().equals("ExternalName")) {
            return;
        }
        String asked = spec.path("clusterIP").asText("");
        String address = asked.isEmpty() ? free() : asked;
        used.add(address);
        spec.put("clusterIP", address);
        spec.putArray("clusterIPs").add(address);
        if (!spec.has("ipFamilies")) {
            spec.putArray("ipFamilies").add("IPv4");
        }
        if (!spec.has("ipFamilyPolicy")) {
            spec.put("ipFamilyPolicy", "SingleStack");
        }
        if (!spec.path("type").asText().equals("ClusterIP")) {
            for (JsonNode port : spec.path("ports")) {
                if (!port.has("nodePort")) {
                    ((ObjectNode) port).put("nodePort", FIRST_NODE_PORT + nextPort.getAndIncrement() % NODE_PORTS);
                }
            }
        }
    }

    private String free() {
        while (true) {
            int n = next.getAndIncrement() & 0xffff;
            String address = "10.96." + (n >> 8) + "." + (n & 0xff);
            if ((n & 0xff) != 0 && used.add(address)) {
                return address;
            }
        }
    }

    /** Keeps what was allocated when an update leaves it out, and gives or takes it when the type changes. */
    void carryOver(ObjectNode service, ObjectNode old) {
        ObjectNode spec = service.withObject("/spec");
        JsonNode before = old.path("spec");
        boolean external = spec.path("type").asText().equals("ExternalName");
        boolean wasExternal = before.path("type").asText().equals("ExternalName");
        if (external && !wasExternal) {
            if (!spec.has("clusterIP")
                    || spec.path("clusterIP")
                            .asText()
                            .equals(before.path("clusterIP").asText())) {
                spec.remove("clusterIP");
            }
            return;
        }
        if (external) {
            return;
        }
        if (wasExternal) {
            allocate(service);
            return;
        }
        for (String field : Set.of("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")) {
            if (!spec.has(field) && before.has(field)) {
                spec.set(field, before.get(field).deepCopy());
            }
        }
        if (!spec.path("type").asText().equals("ClusterIP")) {
            allocate(service);
        }
    }
}
