package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.dataplane.HttpRouteCompiler.Unresolved;
import dev.weir.dataplane.MeshConfig.Kind;
import dev.weir.dataplane.RequestMatch.Condition;
import dev.weir.dataplane.RouteAttachment.Parent;
import dev.weir.dataplane.RouteTable.VirtualHost;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The objects of Gateway API, compiled: HTTPRoutes on listeners of Gateways and on Services.
 *
 * <p>Immutable as seen from outside. What a listener sees is put together when it is first asked for.
 */
final class GatewayApi {
    /** The controller that this data plane stands for. */
    static final String CONTROLLER = "istio.io/gateway-controller";

    static final String GROUP = "gateway.networking.k8s.io";

    /** The label of the workloads that carry a Gateway, with its name. */
    static final String GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

    private final List<JsonNode> classes;
    private final List<JsonNode> gateways;
    private final List<JsonNode> routes;
    private final Map<String, List<GatewayListener>> listeners = new LinkedHashMap<>();
    private final List<RouteAttachment> attachments = new ArrayList<>();
    /** By the name of the HTTPRoute, as they hold at Gateways. */
    private final Map<String, HttpRouteCompiler.Compiled> forGateways = new HashMap<>();

    private final Map<String, HttpRouteCompiler.Compiled> forMesh = new HashMap<>();
    private final Map<Listening.Gateway, HostIndex<HostIndex<VirtualHost>>> served = new ConcurrentHashMap<>();

    /**
     * A Service's routes as some callers see them.
     *
     * @param namespace of the HTTPRoutes
     * @param consumers true if they hold for callers of that namespace only
     * @param created when the oldest of them was
     */
    record MeshHost(String fqdn, String namespace, boolean consumers, String created, VirtualHost host) {}

    /** Tells what an HTTPRoute asks for in vain. */
    interface Reporter {
        void report(JsonNode httpRoute, Findings findings);
    }

    GatewayApi(MeshConfig config, ServiceTable services, Secrets secrets, Reporter reporter) {
        classes = config.of(Kind.GATEWAY_CLASS).stream()
                .filter(gatewayClass -> gatewayClass
                        .path("spec")
                        .path("controllerName")
                        .asText()
                        .equals(CONTROLLER))
                .toList();
        Set<String> ours = new HashSet<>();
        classes.forEach(gatewayClass ->
                ours.add(gatewayClass.path("metadata").path("name").asText()));
        gateways = config.of(Kind.GATEWAY).stream()
                .filter(gateway -> ours.contains(
                        gateway.path("spec").path("gatewayClassName").asText()))
                .toList();
        ReferenceGrants grants = new ReferenceGrants(config.of(Kind.REFERENCE_GRANT));
        gateways.forEach(
                gateway -> listeners.put(RouteTable.name(gateway), GatewayListener.of(gateway, secrets, grants)));
        Map<String, Map<String, String>> namespaceLabels = labels(config.of(Kind.NAMESPACE));
        routes = config.of(Kind.HTTP_ROUTE);
        for (JsonNode route : routes) {
            for (JsonNode parentRef : route.path("spec").path("parentRefs")) {
                attach(route, parentRef, services, namespaceLabels).ifPresent(attachments::add);
            }
            compile(route, services, grants, reporter);
        }
    }

    private static Map<String, Map<String, String>> labels(List<JsonNode> namespaces) {
        Map<String, Map<String, String>> byName = new HashMap<>();
        for (JsonNode namespace : namespaces) {
            Map<String, String> labels = new HashMap<>();
            namespace
                    .path("metadata")
                    .path("labels")
                    .properties()
                    .forEach(
                            label -> labels.put(label.getKey(), label.getValue().asText()));
            byName.put(namespace.path("metadata").path("name").asText(), labels);
        }
        return byName;
    }

    /** Empty if the parent is not of this data plane. */
    private Optional<RouteAttachment> attach(
            JsonNode route,
            JsonNode parentRef,
            ServiceTable services,
            Map<String, Map<String, String>> namespaceLabels) {
        String group = parentRef.path("group").asText(GROUP);
        String kind = parentRef.path("kind").asText("Gateway");
        String own = route.path("metadata").path("namespace").asText();
        String namespace = parentRef.path("namespace").asText(own);
        String name = parentRef.path("name").asText();
        if (group.isEmpty() && kind.equals("Service")) {
            String fqdn = name + "." + namespace + ServiceTable.DOMAIN;
            return Optional.of(RouteAttachment.toService(route, parentRef, fqdn, services));
        }
        List<GatewayListener> of = listeners.get(namespace + "/" + name);
        return of == null || !group.equals(GROUP) || !kind.equals("Gateway")
                ? Optional.empty()
                : Optional.of(RouteAttachment.toGateway(route, parentRef, of, namespaceLabels));
    }

    private void compile(JsonNode route, ServiceTable services, ReferenceGrants grants, Reporter reporter) {
        String namespace = route.path("metadata").path("namespace").asText();
        boolean mesh = attached(route, Parent.OfService.class);
        boolean gateway = attached(route, Parent.Listeners.class);
        Findings findings = new Findings();
        if (mesh) {
            BackendRefs refs = new BackendRefs(namespace, services, grants, true);
            forMesh.put(RouteTable.name(route), HttpRouteCompiler.compile(route, refs, findings));
        }
        if (gateway) {
            BackendRefs refs = new BackendRefs(namespace, services, grants, false);
            // what both say is said once
            forGateways.put(
                    RouteTable.name(route), HttpRouteCompiler.compile(route, refs, mesh ? new Findings() : findings));
        }
        reporter.report(route, findings);
    }

    private boolean attached(JsonNode route, Class<? extends Parent> to) {
        return attachments.stream()
                .anyMatch(attachment ->
                        attachment.name().equals(RouteTable.name(route)) && to.isInstance(attachment.parent()));
    }

    /** Those that name this controller. */
    List<JsonNode> classes() {
        return classes;
    }

    /** @param gateway {@code namespace/name} */
    List<GatewayListener> listeners(String gateway) {
        return listeners.getOrDefault(gateway, List.of());
    }

    /** How many routes are attached to a listener. */
    long attachedRoutes(GatewayListener listener) {
        return GatewayApiStatus.attached(attachments, listener);
    }

    /** What the route asks for in vain, as it is attached there. */
    List<Unresolved> unresolved(RouteAttachment attachment) {
        boolean mesh = attachment.parent() instanceof Parent.OfService;
        return compiled(mesh ? forMesh : forGateways, attachment).unresolved();
    }

    /** Gateways of this data plane's classes. */
    List<JsonNode> gateways() {
        return gateways;
    }

    /** Every HTTPRoute, with what its parentRefs of this data plane come to. */
    Map<String, List<RouteAttachment>> attachments() {
        Map<String, List<RouteAttachment>> byRoute = new LinkedHashMap<>();
        routes.forEach(route -> byRoute.put(RouteTable.name(route), new ArrayList<>()));
        attachments.forEach(attachment -> byRoute.computeIfAbsent(attachment.name(), _ -> new ArrayList<>())
                .add(attachment));
        return byRoute;
    }

    List<JsonNode> routes() {
        return routes;
    }

    /** True if no rule of the route is as it was asked for. */
    boolean refused(RouteAttachment attachment) {
        boolean mesh = attachment.parent() instanceof Parent.OfService;
        return compiled(mesh ? forMesh : forGateways, attachment).routes().stream()
                .allMatch(ranked -> ranked.route().action() instanceof Route.Action.Refused);
    }

    /** What the routes on Services say, those of one Service and namespace together. */
    List<MeshHost> meshHosts() {
        Map<List<String>, List<RouteAttachment>> groups = new LinkedHashMap<>();
        for (RouteAttachment attachment : attachments) {
            if (attachment.accepted() && attachment.parent() instanceof Parent.OfService(String fqdn, int _)) {
                boolean consumer = consumes(attachment, fqdn);
                groups.computeIfAbsent(List.of(fqdn, consumer ? attachment.namespace() : ""), _ -> new ArrayList<>())
                        .add(attachment);
            }
        }
        List<MeshHost> hosts = new ArrayList<>();
        groups.forEach((key, group) ->
                hosts.add(meshHost(key.getFirst(), !key.getLast().isEmpty(), group)));
        return hosts;
    }

    private static boolean consumes(RouteAttachment attachment, String fqdn) {
        return !fqdn.endsWith("." + attachment.namespace() + ServiceTable.DOMAIN);
    }

    private MeshHost meshHost(String fqdn, boolean consumers, List<RouteAttachment> group) {
        List<Ranked> ranked = new ArrayList<>();
        Set<Integer> ports = new HashSet<>();
        String created = "~";
        for (RouteAttachment attachment : group) {
            if (attachment.parent() instanceof Parent.OfService(String _, int port)) {
                ports.add(port);
                for (Ranked one : compiled(forMesh, attachment).routes()) {
                    ranked.add(port == 0 ? one : onPort(one, port));
                }
            }
            String at = attachment
                    .route()
                    .path("metadata")
                    .path("creationTimestamp")
                    .asText();
            created = at.compareTo(created) < 0 ? at : created;
        }
        ranked.sort(Ranked.ORDER);
        List<Route> routes = ranked.stream().map(Ranked::route).toList();
        VirtualHost host = new VirtualHost(routes, false, ports.contains(0) ? Set.of() : Set.copyOf(ports));
        return new MeshHost(fqdn, group.getFirst().namespace(), consumers, created, host);
    }

    private static HttpRouteCompiler.Compiled compiled(
            Map<String, HttpRouteCompiler.Compiled> from, RouteAttachment attachment) {
        return from.getOrDefault(attachment.name(), new HttpRouteCompiler.Compiled(List.of(), List.of()));
    }

    private static Ranked onPort(Ranked ranked, int port) {
        List<RequestMatch> matches = new ArrayList<>();
        for (RequestMatch match : ranked.route().matches().isEmpty()
                ? List.of(Route.EVERYTHING)
                : ranked.route().matches()) {
            List<Condition> conditions = new ArrayList<>(match.conditions());
            conditions.add(new Condition.Port(port));
            matches.add(new RequestMatch(conditions));
        }
        return new Ranked(ranked.route().with(matches), ranked.matching(), ranked.created(), ranked.owner());
    }

    /** Certificates by the hosts that they are for; none if the port is for plain HTTP. */
    Map<String, TlsIdentity> identities(Listening.Gateway listening) {
        Map<String, TlsIdentity> byHost = new LinkedHashMap<>();
        listenersOf(listening)
                .forEach(listener ->
                        listener.identity().ifPresent(identity -> byHost.putIfAbsent(listener.hostname(), identity)));
        return byHost;
    }

    /** True if the port is for TLS. */
    boolean secure(Listening.Gateway listening) {
        return listenersOf(listening).stream()
                .anyMatch(listener -> listener.identity().isPresent());
    }

    private List<GatewayListener> listenersOf(Listening.Gateway listening) {
        String name = listening.caller().labels().getOrDefault(GATEWAY_NAME, "");
        return listeners.getOrDefault(listening.caller().namespace() + "/" + name, List.of()).stream()
                .filter(listener -> listener.served() && listener.port() == listening.port())
                .toList();
    }

    /**
     * The routes of a host. The listener with the most precise hostname is asked, and no other.
     *
     * @param host in lower case, without a port
     */
    @Nullable
    VirtualHost find(Listening.Gateway listening, String host) {
        HostIndex<VirtualHost> listener =
                served.computeIfAbsent(listening, this::index).find(host);
        return listener == null ? null : listener.find(host);
    }

    private HostIndex<HostIndex<VirtualHost>> index(Listening.Gateway listening) {
        Map<String, HostIndex<VirtualHost>> byHostname = new LinkedHashMap<>();
        for (GatewayListener listener : listenersOf(listening)) {
            byHostname.putIfAbsent(listener.hostname(), index(listener));
        }
        return new HostIndex<>(byHostname);
    }

    private HostIndex<VirtualHost> index(GatewayListener listener) {
        Map<String, List<Ranked>> byHost = new LinkedHashMap<>();
        for (RouteAttachment attachment : attachments) {
            if (attachment.accepted() && attachment.parent() instanceof Parent.Listeners(var hosts)) {
                for (String host : hosts.getOrDefault(listener, Set.of())) {
                    byHost.computeIfAbsent(host, _ -> new ArrayList<>())
                            .addAll(compiled(forGateways, attachment).routes());
                }
            }
        }
        byHost.values().forEach(routes -> routes.sort(Ranked.ORDER));
        Map<String, VirtualHost> hosts = new LinkedHashMap<>();
        for (String host : byHost.keySet()) {
            hosts.put(host, new VirtualHost(below(host, byHost), false, Set.of()));
        }
        return new HostIndex<>(hosts);
    }

    /** A host's own routes, then those of wider patterns: the more of the host a route names, the earlier it is asked. */
    private static List<Route> below(String host, Map<String, List<Ranked>> byHost) {
        Set<Route> routes = new LinkedHashSet<>();
        byHost.entrySet().stream()
                .filter(entry -> HostIndex.covers(entry.getKey(), host))
                .sorted(Comparator.comparing((Map.Entry<String, List<Ranked>> entry) ->
                                !entry.getKey().equals(host))
                        .thenComparing(entry -> -entry.getKey().length()))
                .forEach(entry -> entry.getValue().forEach(ranked -> routes.add(ranked.route())));
        return List.copyOf(routes);
    }
}
