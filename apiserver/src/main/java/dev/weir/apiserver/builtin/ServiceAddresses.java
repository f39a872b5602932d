package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import java.util.List;
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
        if (external) {
            dropAddresses(spec, before);
        } else if (wasExternal) {
            allocate(service);
        } else {
            for (String field : List.of("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")) {
                if (!spec.has(field) && before.has(field)) {
                    spec.set(field, before.get(field).deepCopy());
                }
            }
            nodePorts(spec, before);
        }
    }

    /** A Service that becomes an ExternalName gives its addresses back, unless the user asks for others. */
    private static void dropAddresses(ObjectNode spec, JsonNode before) {
        for (String field :
                List.of("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")) {
            if (Json.same(spec.get(field), before.get(field))) {
                spec.remove(field);
            }
        }
    }

    private void nodePorts(ObjectNode spec, JsonNode before) {
        boolean cluster = spec.path("type").asText().equals("ClusterIP");
        for (JsonNode node : spec.path("ports")) {
            ObjectNode port = (ObjectNode) node;
            if (cluster) {
                port.remove("nodePort");
            } else if (!port.has("nodePort")) {
                port.put("nodePort", previous(port, before));
            }
        }
    }

    private int previous(JsonNode port, JsonNode before) {
        for (JsonNode old : before.path("ports")) {
            if (Json.same(old.get("port"), port.get("port"))
                    && Json.same(old.get("protocol"), port.get("protocol"))
                    && old.has("nodePort")) {
                return old.path("nodePort").asInt();
            }
        }
        return FIRST_NODE_PORT + nextPort.getAndIncrement() % NODE_PORTS;
    }
}
