package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.dataplane.GatewayApi.MeshHost;
import dev.weir.dataplane.MeshConfig.Kind;
import dev.weir.dataplane.RequestMatch.Subject;
import dev.weir.dataplane.ServiceTable.Endpoint;
import dev.weir.dataplane.ServiceTable.Service;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * {@link MeshConfig} compiled: where a request goes that comes in somewhere for some host.
 *
 * <p>Immutable as seen from outside. What a listener sees is put together when it is first asked for.
 */
final class RouteTable {
    private static final Comparator<JsonNode> OLDEST_FIRST = Comparator.comparing((JsonNode object) ->
                    object.path("metadata").path("creationTimestamp").asText())
            .thenComparing(RouteTable::name);

    private final ServiceTable services;
    private final DestinationRules rules;
    private final GatewayApi gatewayApi;
    private final Secrets secrets;
    private final Map<Listening.Gateway, HostIndex<TlsIdentity>> identities = new ConcurrentHashMap<>();
    private final List<Compiled> virtualServices;
    private final List<GatewayServer> servers = new ArrayList<>();
    private final List<ObjectFindings> findings = new ArrayList<>();
    private final Map<String, HostIndex<VirtualHost>> byNamespace = new ConcurrentHashMap<>();
    private final Map<Listening.Gateway, HostIndex<VirtualHost>> byGateway = new ConcurrentHashMap<>();

    /** What is known about a request's way. */
    sealed interface Found {
        /** A route, and which of its matches the request fulfils. */
        record Matched(Route route, RequestMatch match) implements Found {}

        /** No VirtualService speaks for the host, but a service has the name. */
        record Plain(Service service) implements Found {}

        /** To the same address by https: a gateway says so. */
        record ToHttps() implements Found {}

        /** The host is served, this request is not; or, at a gateway, nothing serves the host. */
        record NoRoute() implements Found {}

        /** Nothing in the mesh has the name. */
        record NoHost() implements Found {}
    }

    /** What one object asks for in vain. */
    record ObjectFindings(String object, String version, List<String> texts) {}

    /**
     * Routes of one host, in order.
     *
     * @param ports for which they speak; empty for all
     */
    record VirtualHost(List<Route> routes, boolean toHttps, Set<Integer> ports) {}

    private record Compiled(
            String namespace,
            String created,
            Set<String> hosts,
            Set<String> gateways,
            Set<String> exportTo,
            List<Route> routes) {
        /** 0 for the namespace's own, 1 for those exported to it by name, 2 for all others that it sees, 3 for none. */
        int distance(String from) {
            boolean own = namespace.equals(from);
            if (exportTo.isEmpty() || exportTo.contains("*")) {
                return 2;
            }
            return exportTo.contains(".") && own ? 0 : exportTo.contains(from) ? 1 : 3;
        }
    }

    private record GatewayServer(
            String gateway,
            String namespace,
            Map<String, String> selector,
            int port,
            Set<String> hosts,
            boolean toHttps,
            String credential) {}

    RouteTable(MeshConfig config) {
        services = new ServiceTable(config);
        List<JsonNode> destinationRules = config.of(Kind.DESTINATION_RULE);
        rules = new DestinationRules(
                destinationRules.stream().sorted(OLDEST_FIRST).toList());
        destinationRules.forEach(rule -> report("DestinationRule", rule, DestinationRules.findings(rule)));
        secrets = new Secrets(config.of(Kind.SECRET));
        gatewayApi = new GatewayApi(config, services, secrets, (route, found) -> report("HTTPRoute", route, found));
        virtualServices = config.of(Kind.VIRTUAL_SERVICE).stream()
                .sorted(OLDEST_FIRST)
                .map(this::compile)
                .toList();
        config.of(Kind.ISTIO_GATEWAY).forEach(this::servers);
    }

    /** {@code namespace/name}. */
    static String name(JsonNode object) {
        JsonNode metadata = object.path("metadata");
        return metadata.path("namespace").asText() + "/" + metadata.path("name").asText();
    }

    private static Set<String> texts(JsonNode list) {
        Set<String> texts = new HashSet<>();
        list.forEach(node -> texts.add(node.asText()));
        return texts;
    }

    private void report(String kind, JsonNode object, Findings found) {
        JsonNode metadata = object.path("metadata");
        String version = metadata.path("uid").asText() + "/"
                + metadata.path("generation").asText();
        if (!found.texts().isEmpty()) {
            findings.add(new ObjectFindings(kind + " " + name(object), version, found.texts()));
        }
    }

    private Compiled compile(JsonNode object) {
        String namespace = object.path("metadata").path("namespace").asText();
        Findings found = new Findings();
        List<Route> routes = RouteCompiler.compile(object, found);
        report("VirtualService", object, found);
        Set<String> hosts = new HashSet<>();
        object.path("spec")
                .path("hosts")
                .forEach(host -> hosts.add(
                        RouteCompiler.qualify(host.asText(), namespace).toLowerCase(Locale.ROOT)));
        Set<String> gateways = RouteCompiler.gateways(object.path("spec").path("gateways"), namespace);
        return new Compiled(
                namespace,
                object.path("metadata").path("creationTimestamp").asText(),
                hosts,
                gateways.isEmpty() ? Set.of("mesh") : gateways,
                texts(object.path("spec").path("exportTo")),
                routes);
    }

    private void servers(JsonNode gateway) {
        Findings found = new Findings();
        Map<String, String> selector = new LinkedHashMap<>();
        gateway.path("spec")
                .path("selector")
                .properties()
                .forEach(e -> selector.put(e.getKey(), e.getValue().asText()));
        int index = 0;
        for (JsonNode server : gateway.path("spec").path("servers")) {
            String path = "spec.servers[" + index++ + "]";
            String protocol = server.path("port").path("protocol").asText().toUpperCase(Locale.ROOT);
            String mode = server.path("tls").path("mode").asText();
            boolean secure = protocol.equals("HTTPS");
            if (!Set.of("HTTP", "HTTP2", "GRPC", "HTTPS").contains(protocol)) {
                found.add(path + ".port.protocol", protocol + " is not served");
                continue;
            }
            if (secure
                    && (!mode.equals("SIMPLE")
                            || server.path("tls")
                                    .path("credentialName")
                                    .asText("")
                                    .isEmpty())) {
                found.add(path + ".tls", "only mode SIMPLE with a credentialName is served");
                continue;
            }
            findings(server.path("tls"), path + ".tls", found);
            servers.add(new GatewayServer(
                    name(gateway),
                    gateway.path("metadata").path("namespace").asText(),
                    selector,
                    server.path("port").path("number").asInt(),
                    texts(server.path("hosts")),
                    server.path("tls").path("httpsRedirect").asBoolean(),
                    secure ? server.path("tls").path("credentialName").asText() : ""));
        }
        report("Gateway", gateway, found);
    }

    private static void findings(JsonNode tls, String path, Findings found) {
        found.onlyServed(tls, path, Set.of("mode", "credentialName", "httpsRedirect"));
    }

    /** Certificates by the hosts that they are for; none if the port is for plain HTTP. */
    HostIndex<TlsIdentity> identities(Listening.Gateway gateway) {
        return identities.computeIfAbsent(gateway, this::identityIndex);
    }

    private HostIndex<TlsIdentity> identityIndex(Listening.Gateway gateway) {
        Map<String, TlsIdentity> byHost = new LinkedHashMap<>(gatewayApi.identities(gateway));
        for (GatewayServer server : servers) {
            if (carries(gateway, server) && !server.credential().isEmpty()) {
                // as in Istio, where the gateway's workload is
                secrets.find(gateway.caller().namespace(), server.credential()).ifPresent(identity -> {
                    for (String host : server.hosts()) {
                        byHost.putIfAbsent(host.substring(host.indexOf('/') + 1).toLowerCase(Locale.ROOT), identity);
                    }
                });
            }
        }
        return new HostIndex<>(byHost);
    }

    /** True if the port is for TLS, with whatever certificates there are. */
    boolean secure(Listening.Gateway gateway) {
        return gatewayApi.secure(gateway)
                || servers.stream()
                        .anyMatch(server ->
                                carries(gateway, server) && !server.credential().isEmpty());
    }

    Secrets secrets() {
        return secrets;
    }

    GatewayApi gatewayApi() {
        return gatewayApi;
    }

    ServiceTable services() {
        return services;
    }

    /**
     * Ready endpoints of a destination, or null if the service or the subset is unknown.
     *
     * @param subset empty for all pods
     * @param port 0 takes the service's only port, or the one that the request came for
     * @param caller the namespace whose rules come first
     */
    @Nullable
    List<Endpoint> endpoints(String fqdn, String subset, int port, int requested, String caller) {
        List<Endpoint> all = services.endpoints(fqdn, port, requested);
        if (all == null || subset.isEmpty()) {
            return all;
        }
        Map<String, String> labels = rules.labels(fqdn, subset, caller);
        return labels == null
                ? null
                : all.stream()
                        .filter(endpoint ->
                                endpoint.workload().labels().entrySet().containsAll(labels.entrySet()))
                        .toList();
    }

    /** What objects ask for and is not done. */
    List<ObjectFindings> findings() {
        return findings;
    }

    /** @param host in lower case, without a port */
    Found find(Listening listening, String host, Subject subject) {
        VirtualHost found = switch (listening) {
            case Listening.Sidecar(Workload caller) -> meshHost(host, caller.namespace());
            case Listening.Gateway gateway -> gatewayHost(gateway, host);
        };
        if (found == null || !found.ports().isEmpty() && !found.ports().contains(subject.port())) {
            Service service = listening instanceof Listening.Sidecar(Workload caller)
                    ? services.named(host, caller.namespace())
                    : null;
            if (service != null && service.aliasOf() == null) {
                return new Found.Plain(service);
            }
            return listening instanceof Listening.Sidecar ? new Found.NoHost() : new Found.NoRoute();
        }
        if (found.toHttps()) {
            return new Found.ToHttps();
        }
        for (Route route : found.routes()) {
            RequestMatch match = route.matching(subject);
            if (match != null) {
                return new Found.Matched(route, match);
            }
        }
        return new Found.NoRoute();
    }

    private @Nullable VirtualHost meshHost(String host, String namespace) {
        HostIndex<VirtualHost> index = hosts(namespace);
        VirtualHost direct = index.exact(host);
        if (direct != null) {
            return direct;
        }
        Service service = services.named(host, namespace);
        return index.find(service == null ? RouteCompiler.qualify(host, namespace) : service.fqdn());
    }

    private @Nullable VirtualHost gatewayHost(Listening.Gateway gateway, String host) {
        VirtualHost found = gatewayApi.find(gateway, host);
        return found != null ? found : hosts(gateway).find(host);
    }

    /** What a pod of a namespace sees. */
    HostIndex<VirtualHost> hosts(String namespace) {
        return byNamespace.computeIfAbsent(namespace, this::meshIndex);
    }

    private HostIndex<VirtualHost> meshIndex(String namespace) {
        List<Candidate> candidates = new ArrayList<>();
        for (Compiled vs : virtualServices) {
            int distance = vs.distance(namespace);
            if (vs.gateways().contains("mesh") && distance < 3) {
                VirtualHost host = new VirtualHost(through(vs, "mesh"), false, Set.of());
                candidates.add(new Candidate(distance < 2 ? distance : 3, vs.created(), vs.hosts(), host));
            }
        }
        for (MeshHost mesh : gatewayApi.meshHosts()) {
            boolean own = mesh.namespace().equals(namespace);
            if (own || !mesh.consumers()) {
                candidates.add(new Candidate(own ? 2 : 3, mesh.created(), Set.of(mesh.fqdn()), mesh.host()));
            }
        }
        candidates.sort(Comparator.comparingInt(Candidate::rank).thenComparing(Candidate::created));
        Map<String, VirtualHost> hosts = new LinkedHashMap<>();
        for (Candidate candidate : candidates) {
            for (String name : candidate.hosts()) {
                aliases(name).forEach(alias -> hosts.putIfAbsent(alias, candidate.virtualHost()));
            }
        }
        return new HostIndex<>(hosts);
    }

    /**
     * What wants to speak for hosts; the first of them does.
     *
     * @param rank 0 and 1 for VirtualServices that only this namespace, or few, can see, 2 for HTTPRoutes of this
     *     namespace, 3 for everything else; as in Istio the older comes first then
     */
    private record Candidate(int rank, String created, Set<String> hosts, VirtualHost virtualHost) {}

    /** A service's full name stands for its shorter ones, whether or not the service is there yet. */
    private static List<String> aliases(String host) {
        if (!host.endsWith(ServiceTable.DOMAIN) || host.startsWith("*")) {
            return List.of(host);
        }
        String name = host.substring(0, host.length() - ServiceTable.DOMAIN.length());
        return List.of(host, name, name + ".svc");
    }

    /** The routes that hold there, up to the first that catches all. */
    private static List<Route> through(Compiled vs, String gateway) {
        List<Route> routes = new ArrayList<>();
        for (Route route : vs.routes()) {
            Optional<Route> kept = route.through(gateway);
            kept.ifPresent(routes::add);
            if (kept.isPresent() && kept.get().catchesAll()) {
                break;
            }
        }
        return List.copyOf(routes);
    }

    /** What a gateway workload serves on a port. */
    HostIndex<VirtualHost> hosts(Listening.Gateway gateway) {
        return byGateway.computeIfAbsent(gateway, this::gatewayIndex);
    }

    private HostIndex<VirtualHost> gatewayIndex(Listening.Gateway gateway) {
        Map<String, VirtualHost> hosts = new LinkedHashMap<>();
        for (Compiled vs : virtualServices) {
            Map<String, VirtualHost> own = new LinkedHashMap<>();
            for (GatewayServer server : servers) {
                if (carries(gateway, server)
                        && vs.gateways().contains(server.gateway())
                        && vs.distance(server.namespace()) < 3) {
                    VirtualHost host = new VirtualHost(through(vs, server.gateway()), server.toHttps(), Set.of());
                    domains(vs, server).forEach(domain -> own.putIfAbsent(domain, host));
                }
            }
            own.forEach((domain, host) -> hosts.merge(domain, host, RouteTable::concatenate));
        }
        servers.stream()
                .filter(server -> server.toHttps() && carries(gateway, server))
                .flatMap(server -> server.hosts().stream())
                .map(host -> host.substring(host.indexOf('/') + 1).toLowerCase(Locale.ROOT))
                .forEach(host -> hosts.putIfAbsent(host, new VirtualHost(List.of(), true, Set.of())));
        return new HostIndex<>(hosts);
    }

    private static boolean carries(Listening.Gateway gateway, GatewayServer server) {
        return server.port() == gateway.port()
                && gateway.caller()
                        .labels()
                        .entrySet()
                        .containsAll(server.selector().entrySet());
    }

    private static VirtualHost concatenate(VirtualHost older, VirtualHost younger) {
        List<Route> all = new ArrayList<>(older.routes());
        all.addAll(younger.routes());
        all.sort(Comparator.comparing(Route::catchesAll));
        return new VirtualHost(List.copyOf(all), older.toHttps() || younger.toHttps(), Set.of());
    }

    /** The hosts that both a VirtualService names and a server of a Gateway allows to its namespace. */
    private static Set<String> domains(Compiled vs, GatewayServer server) {
        Set<String> domains = new HashSet<>();
        for (String allowed : server.hosts()) {
            int slash = allowed.indexOf('/');
            String from = slash < 0 ? "*" : allowed.substring(0, slash);
            String wanted = from.equals(".") ? server.namespace() : from;
            if (!wanted.equals("*") && !wanted.equals(vs.namespace())) {
                continue;
            }
            String pattern = allowed.substring(slash + 1).toLowerCase(Locale.ROOT);
            for (String host : vs.hosts()) {
                String both = HostIndex.intersection(pattern, host);
                if (both != null) {
                    domains.add(both);
                }
            }
        }
        return domains;
    }
}
