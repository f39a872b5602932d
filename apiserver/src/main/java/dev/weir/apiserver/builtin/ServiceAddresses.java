package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.store.VersionedStore;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Cluster addresses and node ports of Services, after the allocators of Kubernetes' service registry.
 *
 * <p>What is in use is what the stored Services hold, as {@link #written} sees them, so nothing leaks when a write is
 * refused, only tried, or undone by a deletion. Between a proposal and its write nothing is reserved; the next free
 * address is looked for behind the last proposed one, so that it takes 65,000 proposals until one comes twice.
 *
 * <p>Safe for concurrent use.
 */
public final class ServiceAddresses {
    private static final String NONE = "None";
    private static final Pattern CLUSTER_RANGE = Pattern.compile("10\\.96\\.\\d{1,3}\\.\\d{1,3}");
    private static final int FIRST_NODE_PORT = 30_000;
    private static final int NODE_PORTS = 2768;
    private static final List<String> FAMILY_FIELDS = List.of("ipFamilies", "ipFamilyPolicy");

    /** What one stored Service holds. */
    private record Held(Set<String> addresses, Set<Integer> ports) {}

    private final Map<VersionedStore.Key, Held> held = new ConcurrentHashMap<>();
    private final AtomicInteger nextAddress = new AtomicInteger(1);
    private final AtomicInteger nextPort = new AtomicInteger();

    /** To be called after every write to the store. */
    public void written(VersionedStore.Event event) {
        if (!event.entry().key().resource().equals("services")) {
            return;
        }
        if (event.change() == VersionedStore.Change.DELETED) {
            held.remove(event.entry().key());
            return;
        }
        JsonNode spec = event.entry().object().path("spec");
        Set<String> addresses = new HashSet<>();
        spec.path("clusterIPs").forEach(address -> addresses.add(address.asText()));
        addresses.remove(NONE);
        Set<Integer> ports = new HashSet<>();
        spec.path("ports").forEach(port -> {
            if (port.path("nodePort").asInt() != 0) {
                ports.add(port.path("nodePort").asInt());
            }
        });
        held.put(event.entry().key(), new Held(addresses, ports));
    }

    /** Gives a new Service what its type needs. */
    void allocate(ObjectNode service) {
        ObjectNode spec = service.withObject("/spec");
        String asked = spec.path("clusterIP").asText("");
        if (!asked.isEmpty() && spec.path("clusterIPs").isEmpty()) {
            spec.putArray("clusterIPs").add(asked);
        }
        give(spec);
    }

    /**
     * Keeps what was allocated when an update leaves it out, gives what a new type needs, and takes what it does not
     * need unless the user asks for something else at the same time.
     */
    void carryOver(ObjectNode service, ObjectNode old) {
        ObjectNode spec = service.withObject("/spec");
        JsonNode before = old.path("spec");
        if (needsAddress(before) && needsAddress(spec)) {
            keepIfAbsent(spec, before, "clusterIP");
            keepIfAbsent(spec, before, "clusterIPs");
            FAMILY_FIELDS.forEach(field -> keepIfAbsent(spec, before, field));
        }
        if (needsNodePort(before) && needsNodePort(spec)) {
            keepNodePorts(spec, before);
        }
        followSingular(spec, before);
        give(spec);
        dropUnneeded(service, spec, before);
    }

    private static void keepIfAbsent(ObjectNode spec, JsonNode before, String field) {
        JsonNode present = spec.path(field);
        if ((present.isMissingNode() || present.asText("").isEmpty() && present.isEmpty()) && before.has(field)) {
            spec.set(field, before.get(field).deepCopy());
        }
    }

    /** Node ports follow the port's name, whatever else of it changes. */
    private static void keepNodePorts(ObjectNode spec, JsonNode before) {
        Set<Integer> kept = nodePorts(spec);
        kept.retainAll(nodePorts(before));
        for (JsonNode node : spec.path("ports")) {
            if (node.path("nodePort").asInt() != 0) {
                continue;
            }
            for (JsonNode old : before.path("ports")) {
                boolean same =
                        old.path("name").asText("").equals(node.path("name").asText(""));
                int port = old.path("nodePort").asInt();
                if (same && port != 0 && !kept.contains(port)) {
                    ((ObjectNode) node).put("nodePort", port);
                }
            }
        }
    }

    private static Set<Integer> nodePorts(JsonNode spec) {
        Set<Integer> ports = new HashSet<>();
        spec.path("ports").forEach(port -> ports.add(port.path("nodePort").asInt()));
        ports.remove(0);
        return ports;
    }

    /** A client that knows only {@code clusterIP} speaks for {@code clusterIPs} too. */
    private static void followSingular(ObjectNode spec, JsonNode before) {
        String now = spec.path("clusterIP").asText("");
        String was = before.path("clusterIP").asText("");
        JsonNode present = spec.path("clusterIPs");
        if (present.isEmpty() && !before.path("clusterIPs").isEmpty() && now.equals(was)) {
            spec.set("clusterIPs", before.path("clusterIPs").deepCopy());
        }
        boolean samePlural = Json.same(plural(spec), plural(before));
        if (!now.equals(was) && samePlural) {
            if (!was.isEmpty() && now.isEmpty()) {
                spec.remove("clusterIPs");
            } else {
                spec.putArray("clusterIPs").add(now);
            }
        }
    }

    private static JsonNode plural(JsonNode spec) {
        JsonNode list = spec.path("clusterIPs");
        return list.isMissingNode() ? Json.MAPPER.createArrayNode() : list;
    }

    private void give(ObjectNode spec) {
        if (needsAddress(spec)) {
            if (!spec.has("ipFamilyPolicy")) {
                boolean both = spec.path("clusterIP").asText("").equals(NONE)
                        && spec.path("selector").isEmpty()
                        && !spec.has("ipFamilies");
                spec.put("ipFamilyPolicy", both ? "RequireDualStack" : "SingleStack");
                if (both) {
                    spec.putArray("ipFamilies").add("IPv4").add("IPv6");
                }
            }
            if (spec.path("ipFamilies").isEmpty()) {
                spec.putArray("ipFamilies").add("IPv4");
            }
            if (spec.path("clusterIPs").isEmpty()) {
                String address = freeAddress();
                spec.put("clusterIP", address);
                spec.putArray("clusterIPs").add(address);
            }
        }
        boolean nodePorts = needsNodePort(spec)
                && !(spec.path("type").asText().equals("LoadBalancer")
                        && !spec.path("allocateLoadBalancerNodePorts").asBoolean(true));
        if (nodePorts) {
            for (JsonNode port : spec.path("ports")) {
                if (port.path("nodePort").asInt() == 0) {
                    ((ObjectNode) port).put("nodePort", freePort());
                }
            }
        }
    }

    private String freeAddress() {
        while (true) {
            int n = nextAddress.getAndIncrement() & 0xffff;
            String address = "10.96." + (n >> 8) + "." + (n & 0xff);
            boolean usable = (n & 0xff) != 0 && (n & 0xff) != 0xff;
            if (usable && held.values().stream().noneMatch(h -> h.addresses().contains(address))) {
                return address;
            }
        }
    }

    private int freePort() {
        int port = FIRST_NODE_PORT;
        for (int tries = 0; tries < NODE_PORTS; tries++) {
            int candidate = FIRST_NODE_PORT + Math.floorMod(nextPort.getAndIncrement(), NODE_PORTS);
            port = candidate;
            if (held.values().stream().noneMatch(h -> h.ports().contains(candidate))) {
                break;
            }
        }
        return port;
    }

    /** Wipes fields that the new type does not have, where the user did not also try to change them. */
    private static void dropUnneeded(ObjectNode service, ObjectNode spec, JsonNode before) {
        if (needsAddress(before) && !needsAddress(spec)) {
            boolean same = spec.path("clusterIP")
                            .asText("")
                            .equals(before.path("clusterIP").asText(""))
                    && Json.same(plural(spec), plural(before));
            if (same) {
                spec.remove(List.of("clusterIP", "clusterIPs"));
            }
            FAMILY_FIELDS.forEach(field -> dropIfSame(spec, before, field));
        }
        if (needsNodePort(before) && !needsNodePort(spec) && nodePorts(before).containsAll(nodePorts(spec))) {
            spec.path("ports").forEach(port -> ((ObjectNode) port).remove("nodePort"));
        }
        if (isLoadBalancer(before) && !isLoadBalancer(spec)) {
            List.of("allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort")
                    .forEach(field -> dropIfSame(spec, before, field));
        }
        if (needsNodePort(before) && !needsNodePort(spec)) {
            dropIfSame(spec, before, "externalTrafficPolicy");
        }
        if (!isLoadBalancer(spec)) {
            service.withObject("/status").putObject("loadBalancer");
        }
    }

    private static void dropIfSame(ObjectNode spec, JsonNode before, String field) {
        if (Json.same(spec.get(field), before.get(field))) {
            spec.remove(field);
        }
    }

    static boolean needsAddress(JsonNode spec) {
        return !spec.path("type").asText().equals("ExternalName");
    }

    private static boolean needsNodePort(JsonNode spec) {
        return isLoadBalancer(spec) || spec.path("type").asText().equals("NodePort");
    }

    private static boolean isLoadBalancer(JsonNode spec) {
        return spec.path("type").asText().equals("LoadBalancer");
    }

    /** What is wrong with the addresses and ports that a Service asks for by itself. */
    List<FieldError> problems(ObjectNode service, @Nullable ObjectNode old) {
        List<FieldError> errors = new ArrayList<>();
        JsonNode spec = service.path("spec");
        JsonNode before = old == null ? Json.MAPPER.createObjectNode() : old.path("spec");
        String address = spec.path("clusterIPs").path(0).asText("");
        boolean numbered = needsAddress(spec) && !address.isEmpty() && !address.equals(NONE);
        if (numbered && !address.equals(before.path("clusterIPs").path(0).asText(""))) {
            String shown = Json.write(plural(spec));
            if (!CLUSTER_RANGE.matcher(address).matches()) {
                errors.add(new FieldError(
                        Kind.INVALID,
                        "spec.clusterIPs",
                        shown,
                        "failed to allocate IP " + address + ": the provided IP (" + address
                                + ") is not in the valid range. The range of valid IPs is 10.96.0.0/16"));
            } else if (takenByOther(service, h -> h.addresses().contains(address))) {
                errors.add(new FieldError(
                        Kind.INVALID,
                        "spec.clusterIPs",
                        shown,
                        "failed to allocate IP " + address + ": provided IP is already allocated"));
            }
        }
        Set<Integer> kept = nodePorts(before);
        for (int i = 0; i < spec.path("ports").size(); i++) {
            int port = spec.path("ports").path(i).path("nodePort").asInt();
            if (port != 0 && !kept.contains(port)) {
                nodePort(service, port, "spec.ports[" + i + "].nodePort", errors);
            }
        }
        return errors;
    }

    private void nodePort(ObjectNode service, int port, String field, List<FieldError> errors) {
        String problem = null;
        if (port < FIRST_NODE_PORT || port >= FIRST_NODE_PORT + NODE_PORTS) {
            problem = "provided port is not in the valid range. The range of valid ports is " + FIRST_NODE_PORT + "-"
                    + (FIRST_NODE_PORT + NODE_PORTS - 1);
        } else if (takenByOther(service, h -> h.ports().contains(port))) {
            problem = "provided port is already allocated";
        }
        if (problem != null) {
            errors.add(new FieldError(Kind.INVALID, field, Integer.toString(port), problem));
        }
    }

    private boolean takenByOther(ObjectNode service, java.util.function.Predicate<Held> holds) {
        JsonNode metadata = service.path("metadata");
        VersionedStore.Key self = new VersionedStore.Key(
                "services",
                metadata.path("namespace").asText(""),
                metadata.path("name").asText(""));
        return held.entrySet().stream().anyMatch(entry -> !entry.getKey().equals(self) && holds.test(entry.getValue()));
    }

    /** What is accepted but has no effect. */
    static List<String> warnings(ObjectNode service) {
        List<String> warnings = new ArrayList<>();
        JsonNode spec = service.path("spec");
        boolean external = !needsAddress(spec);
        boolean headless = spec.path("type").asText().equals("ClusterIP")
                && spec.path("clusterIP").asText("").equals(NONE);
        if (service.path("metadata").path("annotations").has("service.kubernetes.io/topology-aware-hints")) {
            warnings.add("annotation service.kubernetes.io/topology-aware-hints is deprecated, please use"
                    + " service.kubernetes.io/topology-mode instead");
        }
        if (headless) {
            if (!spec.path("loadBalancerIP").asText("").isEmpty()) {
                warnings.add("spec.loadBalancerIP is ignored for headless services");
            }
            if (!spec.path("externalIPs").isEmpty()) {
                warnings.add("spec.externalIPs is ignored for headless services");
            }
            if (!spec.path("sessionAffinity").asText("").equals(NONE)) {
                warnings.add("spec.SessionAffinity is ignored for headless services");
            }
        }
        if (external && !spec.path("externalIPs").isEmpty()) {
            warnings.add("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
        }
        if (!external && !spec.path("externalName").asText("").isEmpty()) {
            warnings.add("spec.externalName is ignored when spec.type is not \"ExternalName\"");
        }
        return warnings;
    }
}
