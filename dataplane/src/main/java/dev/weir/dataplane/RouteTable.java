package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** {@link MeshConfig} compiled: hosts to routes, services to endpoints. Immutable. */
final class RouteTable {
    private static final String DOMAIN = ".svc.cluster.local";

    /** Header changes; set overwrites, add appends. */
    record HeaderChanges(Map<String, String> set, Map<String, String> add, List<String> remove) {
        static HeaderChanges of(JsonNode node) {
            Map<String, String> set = new LinkedHashMap<>();
            node.path("set")
                    .properties()
                    .forEach(e -> set.put(e.getKey(), e.getValue().asText()));
            Map<String, String> add = new LinkedHashMap<>();
            node.path("add")
                    .properties()
                    .forEach(e -> add.put(e.getKey(), e.getValue().asText()));
            List<String> remove = new ArrayList<>();
            node.path("remove").forEach(name -> remove.add(name.asText()));
            return new HeaderChanges(set, add, remove);
        }
    }

    /** A weighted destination; {@code port} 0 takes the service's only port or the request's. */
    record Destination(String host, int port, int weight, List<HeaderChanges> request, List<HeaderChanges> response) {}

    /** A copy of {@code percent} of the requests, 0 to 100. */
    record Mirror(String host, int port, double percent) {}

    record Route(
            Predicate<Matcher.Subject> match, List<Destination> destinations, List<Mirror> mirrors, JsonNode raw) {}

    /** One ready address of a service. */
    record Endpoint(String podAddress, InetSocketAddress address, Workload workload) {}

    /** @param aliasOf the external name, for such services */
    record Service(
            String name,
            String namespace,
            Map<Integer, List<Endpoint>> endpoints,
            @Nullable String aliasOf) {
        String fqdn() {
            return name + "." + namespace + DOMAIN;
        }
    }

    private final Map<String, Service> services = new HashMap<>();
    private final Map<String, List<Route>> mesh = new HashMap<>();
    private final Map<String, Map<String, List<Route>>> byGateway = new HashMap<>();
    private final List<JsonNode> gateways;

    RouteTable(MeshConfig config) {
        this.gateways = config.gateways();
        Map<String, Workload> workloads = new HashMap<>();
        config.pods()
                .forEach(pod -> workloads.put(
                        pod.path("metadata").path("namespace").asText() + "/"
                                + pod.path("metadata").path("name").asText(),
                        workload(pod)));
        config.services().forEach(service -> {
            Service compiled = service(service, config, workloads);
            services.put(compiled.fqdn(), compiled);
        });
        config.virtualServices().stream()
                .sorted(Comparator.comparing(
                        vs -> vs.path("metadata").path("creationTimestamp").asText()))
                .forEach(this::virtualService);
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

    private static Service service(JsonNode service, MeshConfig config, Map<String, Workload> workloads) {
        String name = service.path("metadata").path("name").asText();
        String namespace = service.path("metadata").path("namespace").asText();
        JsonNode spec = service.path("spec");
        Map<Integer, List<Endpoint>> endpoints = new LinkedHashMap<>();
        for (JsonNode port : spec.path("ports")) {
            List<Endpoint> list = new ArrayList<>();
            for (JsonNode slice : config.endpointSlices()) {
                JsonNode metadata = slice.path("metadata");
                if (metadata.path("namespace").asText().equals(namespace)
                        && metadata.path("labels")
                                .path("kubernetes.io/service-name")
                                .asText()
                                .equals(name)) {
                    addEndpoints(slice, port.path("name").asText(""), namespace, config, workloads, list);
                }
            }
            endpoints.put(port.path("port").asInt(), List.copyOf(list));
        }
        String external = spec.path("externalName").asText("");
        return new Service(name, namespace, endpoints, external.isEmpty() ? null : external);
    }

    private static void addEndpoints(
            JsonNode slice,
            String portName,
            String namespace,
            MeshConfig config,
            Map<String, Workload> workloads,
            List<Endpoint> list) {
        for (JsonNode slicePort : slice.path("ports")) {
            if (!slicePort.path("name").asText("").equals(portName)) {
                continue;
            }
            int number = slicePort.path("port").asInt();
            for (JsonNode endpoint : slice.path("endpoints")) {
                if (!endpoint.path("conditions").path("ready").asBoolean(true)) {
                    continue;
                }
                Workload workload = workloads.getOrDefault(
                        namespace + "/"
                                + endpoint.path("targetRef").path("name").asText(),
                        Workload.UNKNOWN);
                for (JsonNode address : endpoint.path("addresses")) {
                    String at = address.asText() + ":" + number;
                    InetSocketAddress bound = config.boundAddresses().get(at);
                    list.add(new Endpoint(
                            at, bound != null ? bound : new InetSocketAddress(address.asText(), number), workload));
                }
            }
        }
    }

    private void virtualService(JsonNode vs) {
        String namespace = vs.path("metadata").path("namespace").asText();
        List<Route> routes = new ArrayList<>();
        vs.path("spec").path("http").forEach(http -> routes.add(route(http, namespace)));
        Set<String> attached = new HashSet<>();
        vs.path("spec").path("gateways").forEach(gateway -> attached.add(gateway.asText()));
        if (attached.isEmpty()) {
            attached.add("mesh");
        }
        for (JsonNode node : vs.path("spec").path("hosts")) {
            String host = node.asText();
            for (String gateway : attached) {
                if (gateway.equals("mesh")) {
                    aliases(host, namespace).forEach(alias -> mesh.putIfAbsent(alias, routes));
                } else {
                    String qualified = gateway.contains("/") ? gateway : namespace + "/" + gateway;
                    byGateway
                            .computeIfAbsent(qualified, _ -> new HashMap<>())
                            .computeIfAbsent(host, _ -> new ArrayList<>())
                            .addAll(routes);
                }
            }
        }
    }

    /** The names under which a mesh host is asked for. */
    private static Set<String> aliases(String host, String namespace) {
        if (!host.contains(".")) {
            return Set.of(host + "." + namespace + DOMAIN, host + "." + namespace, host + "." + namespace + ".svc");
        }
        return Set.of(host);
    }

    private static Route route(JsonNode http, String namespace) {
        List<Destination> destinations = new ArrayList<>();
        for (JsonNode route : http.path("route")) {
            destinations.add(new Destination(
                    qualify(route.path("destination").path("host").asText(), namespace),
                    route.path("destination").path("port").path("number").asInt(),
                    route.path("weight").asInt(),
                    List.of(
                            HeaderChanges.of(http.path("headers").path("request")),
                            HeaderChanges.of(route.path("headers").path("request"))),
                    List.of(
                            HeaderChanges.of(http.path("headers").path("response")),
                            HeaderChanges.of(route.path("headers").path("response")))));
        }
        List<Mirror> mirrors = new ArrayList<>();
        if (http.path("mirror").isObject()) {
            mirrors.add(mirror(http.path("mirror"), http.path("mirrorPercentage"), namespace));
        }
        http.path("mirrors").forEach(m -> mirrors.add(mirror(m.path("destination"), m.path("percentage"), namespace)));
        return new Route(Matcher.compile(http.path("match")), destinations, mirrors, http);
    }

    private static Mirror mirror(JsonNode destination, JsonNode percentage, String namespace) {
        return new Mirror(
                qualify(destination.path("host").asText(), namespace),
                destination.path("port").path("number").asInt(),
                percentage.path("value").asDouble(percentage.isObject() ? 0 : 100));
    }

    private static String qualify(String host, String namespace) {
        return host.contains(".") ? host : host + "." + namespace + DOMAIN;
    }

    /** The routes for a mesh caller's host; null if no VirtualService claims it. */
    @Nullable
    List<Route> meshRoutes(String host, String callerNamespace) {
        List<Route> direct = mesh.get(host);
        if (direct != null) {
            return direct;
        }
        Service service = service(host, callerNamespace);
        return service == null ? null : mesh.get(service.fqdn());
    }

    /** The service that a host names: short for the caller's namespace, or with its namespace. */
    @Nullable
    Service service(String host, String callerNamespace) {
        String name = host.endsWith(DOMAIN)
                ? host.substring(0, host.length() - DOMAIN.length())
                : host.endsWith(".svc") ? host.substring(0, host.length() - 4) : host;
        String fqdn = (name.contains(".") ? name : name + "." + callerNamespace) + DOMAIN;
        return services.get(fqdn);
    }

    /** The routes of the Gateways that a gateway workload carries on a port; empty means 404. */
    List<Route> gatewayRoutes(Workload gateway, int port, String host) {
        List<Route> routes = new ArrayList<>();
        for (JsonNode candidate : gateways) {
            boolean selected = candidate.path("spec").path("selector").properties().stream()
                    .allMatch(e -> e.getValue().asText().equals(gateway.labels().get(e.getKey())));
            if (!selected || !listens(candidate, port, host)) {
                continue;
            }
            String name = candidate.path("metadata").path("namespace").asText() + "/"
                    + candidate.path("metadata").path("name").asText();
            Map<String, List<Route>> hosts = byGateway.getOrDefault(name, Map.of());
            hosts.forEach((pattern, list) -> {
                if (covers(pattern, host)) {
                    routes.addAll(list);
                }
            });
        }
        return routes;
    }

    private static boolean listens(JsonNode gateway, int port, String host) {
        for (JsonNode server : gateway.path("spec").path("servers")) {
            if (server.path("port").path("number").asInt() != port) {
                continue;
            }
            for (JsonNode allowed : server.path("hosts")) {
                String pattern = allowed.asText();
                if (covers(pattern.substring(pattern.indexOf('/') + 1), host)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean covers(String pattern, String host) {
        return pattern.equals("*")
                || pattern.equals(host)
                || pattern.startsWith("*.") && host.endsWith(pattern.substring(1));
    }

    /** Ready endpoints of a destination; null if the service is unknown. */
    @Nullable
    List<Endpoint> endpoints(String host, int port) {
        Service service = services.get(host);
        if (service == null) {
            return null;
        }
        if (port == 0 && service.endpoints().size() == 1) {
            return service.endpoints().values().iterator().next();
        }
        return service.endpoints().getOrDefault(port == 0 ? 80 : port, List.of());
    }

    /** Every address that any service may send to. */
    Set<InetSocketAddress> addresses() {
        Set<InetSocketAddress> all = new HashSet<>();
        services.values()
                .forEach(service -> service.endpoints()
                        .values()
                        .forEach(list -> list.forEach(endpoint -> all.add(endpoint.address()))));
        return all;
    }
}
