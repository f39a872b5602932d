package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.dataplane.MeshConfig.Kind;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Services and their ready endpoints, compiled. Immutable. */
final class ServiceTable {
    static final String DOMAIN = ".svc.cluster.local";

    private final Map<String, Service> services = new HashMap<>();
    private final Map<String, Workload> workloads = new HashMap<>();
    private final Set<InetSocketAddress> addresses = new HashSet<>();

    /**
     * One ready address of a service.
     *
     * @param protocol as its port says
     */
    record Endpoint(String podAddress, InetSocketAddress address, Workload workload, Protocol protocol) {
        /** @param grpc true for a request of gRPC, which is sent as it came where the port says nothing */
        boolean http2(boolean grpc) {
            return protocol == Protocol.HTTP2 || grpc && protocol == Protocol.UNKNOWN;
        }
    }

    /** What is spoken with pods. */
    enum Protocol {
        HTTP1,
        HTTP2,
        UNKNOWN;

        private static final Set<String> TWO = Set.of("grpc", "http2", "h2c", "kubernetes.io/h2c");

        /** As Istio reads it: {@code appProtocol}, or the port's name up to the first dash. */
        static Protocol of(JsonNode port) {
            String application = port.path("appProtocol").asText("").toLowerCase(Locale.ROOT);
            String name = port.path("name").asText("").toLowerCase(Locale.ROOT);
            int dash = name.indexOf('-');
            String word = !application.isEmpty() ? application : dash < 0 ? name : name.substring(0, dash);
            if (TWO.contains(word)) {
                return HTTP2;
            }
            return word.equals("http") || word.startsWith("kubernetes.io/ws") ? HTTP1 : UNKNOWN;
        }
    }

    /**
     * A service.
     *
     * @param endpoints by the service's port
     * @param aliasOf the external name, for such services
     */
    record Service(
            String name,
            String namespace,
            Map<Integer, List<Endpoint>> endpoints,
            @Nullable String aliasOf) {
        String fqdn() {
            return name + "." + namespace + DOMAIN;
        }
    }

    ServiceTable(MeshConfig config) {
        config.of(Kind.POD).forEach(pod -> {
            Workload workload = workload(pod);
            workloads.put(workload.namespace() + "/" + workload.pod(), workload);
        });
        Map<String, List<JsonNode>> slices = new HashMap<>();
        for (JsonNode slice : config.of(Kind.ENDPOINT_SLICE)) {
            JsonNode metadata = slice.path("metadata");
            String service =
                    metadata.path("labels").path("kubernetes.io/service-name").asText();
            slices.computeIfAbsent(metadata.path("namespace").asText() + "/" + service, _ -> new ArrayList<>())
                    .add(slice);
        }
        for (JsonNode service : config.of(Kind.SERVICE)) {
            Service compiled = service(service, slices, config.boundAddresses());
            services.put(compiled.fqdn(), compiled);
            named(compiled, slices.getOrDefault(compiled.namespace() + "/" + compiled.name(), List.of()));
        }
    }

    /** Pods with a name of their own in a service, as StatefulSets' are, are each reached by it. */
    private void named(Service service, List<JsonNode> slices) {
        for (JsonNode slice : slices) {
            for (JsonNode endpoint : slice.path("endpoints")) {
                String hostname = endpoint.path("hostname").asText("");
                String address = endpoint.path("addresses").path(0).asText();
                if (!hostname.isEmpty()) {
                    Map<Integer, List<Endpoint>> own = new LinkedHashMap<>();
                    service.endpoints()
                            .forEach((port, all) -> own.put(
                                    port,
                                    all.stream()
                                            .filter(candidate ->
                                                    candidate.podAddress().startsWith(address + ":"))
                                            .toList()));
                    Service one = new Service(hostname + "." + service.name(), service.namespace(), own, null);
                    services.put(one.fqdn(), one);
                }
            }
        }
    }

    private static Workload workload(JsonNode pod) {
        JsonNode metadata = pod.path("metadata");
        Map<String, String> labels = new HashMap<>();
        metadata.path("labels")
                .properties()
                .forEach(e -> labels.put(e.getKey(), e.getValue().asText()));
        String name = metadata.path("name").asText();
        String hash = labels.get("pod-template-hash");
        int cut = hash == null ? -1 : name.indexOf("-" + hash);
        return new Workload(metadata.path("namespace").asText(), name, cut > 0 ? name.substring(0, cut) : name, labels);
    }

    private Service service(
            JsonNode service, Map<String, List<JsonNode>> slices, Map<String, InetSocketAddress> bound) {
        String name = service.path("metadata").path("name").asText();
        String namespace = service.path("metadata").path("namespace").asText();
        Map<Integer, List<Endpoint>> endpoints = new LinkedHashMap<>();
        for (JsonNode port : service.path("spec").path("ports")) {
            List<Endpoint> list = new ArrayList<>();
            for (JsonNode slice : slices.getOrDefault(namespace + "/" + name, List.of())) {
                addEndpoints(slice, port, bound, list);
            }
            list.forEach(endpoint -> addresses.add(endpoint.address()));
            endpoints.put(port.path("port").asInt(), List.copyOf(list));
        }
        String external = service.path("spec").path("externalName").asText("");
        return new Service(name, namespace, endpoints, external.isEmpty() ? null : external);
    }

    private void addEndpoints(
            JsonNode slice, JsonNode port, Map<String, InetSocketAddress> bound, List<Endpoint> into) {
        String portName = port.path("name").asText("");
        Protocol protocol = Protocol.of(port);
        String namespace = slice.path("metadata").path("namespace").asText();
        for (JsonNode slicePort : slice.path("ports")) {
            if (!slicePort.path("name").asText("").equals(portName)) {
                continue;
            }
            int number = slicePort.path("port").asInt();
            for (JsonNode endpoint : slice.path("endpoints")) {
                if (!endpoint.path("conditions").path("ready").asBoolean(true)) {
                    continue;
                }
                String pod = endpoint.path("targetRef").path("name").asText();
                Workload workload = workloads.getOrDefault(namespace + "/" + pod, Workload.UNKNOWN);
                for (JsonNode address : endpoint.path("addresses")) {
                    String at = address.asText() + ":" + number;
                    InetSocketAddress real = bound.get(at);
                    into.add(new Endpoint(
                            at,
                            real != null ? real : new InetSocketAddress(address.asText(), number),
                            workload,
                            protocol));
                }
            }
        }
    }

    /** The service, or pod of one, that a host names: short in the caller's namespace, or with its namespace, .svc, or in full. */
    @Nullable
    Service named(String host, String callerNamespace) {
        String name = host.endsWith(DOMAIN)
                ? host.substring(0, host.length() - DOMAIN.length())
                : host.endsWith(".svc") ? host.substring(0, host.length() - 4) : host;
        Service near = host.equals(name) ? services.get(name + "." + callerNamespace + DOMAIN) : null;
        return near != null ? near : services.get(name + DOMAIN);
    }

    /** By its full name. */
    @Nullable
    Service service(String fqdn) {
        return services.get(fqdn);
    }

    /**
     * Ready endpoints of a destination, or null if there is no such service or it has no such port.
     *
     * @param port 0 takes the service's only port, or the one that the request came for
     */
    @Nullable
    List<Endpoint> endpoints(String fqdn, int port, int requested) {
        Service service = services.get(fqdn);
        if (service == null) {
            return null;
        }
        if (port == 0 && service.endpoints().size() == 1) {
            return service.endpoints().values().iterator().next();
        }
        return service.endpoints().get(port == 0 ? requested : port);
    }

    /** Every address that any service may send to. */
    Set<InetSocketAddress> addresses() {
        return addresses;
    }

    /** Every pod, ready or not. */
    Iterable<Workload> workloads() {
        return workloads.values();
    }
}
