package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What one parentRef of an HTTPRoute comes to.
 *
 * @param route the HTTPRoute
 * @param parentRef as written
 * @param parent what accepts it
 * @param reason Accepted, or why it is not
 */
record RouteAttachment(JsonNode route, JsonNode parentRef, Parent parent, Reason reason, String message) {
    /** Gateway API's reasons. */
    enum Reason {
        Accepted,
        NoMatchingParent,
        NotAllowedByListeners,
        NoMatchingListenerHostname
    }

    /** What a route is attached to. */
    sealed interface Parent {
        /**
         * Listeners of a Gateway.
         *
         * @param hosts patterns for which the route speaks there
         */
        record Listeners(Map<GatewayListener, Set<String>> hosts) implements Parent {}

        /**
         * A Service, for the mesh.
         *
         * @param port 0 for all of its ports
         */
        record OfService(String fqdn, int port) implements Parent {}
    }

    boolean accepted() {
        return reason == Reason.Accepted;
    }

    /** {@code namespace/name} of the HTTPRoute. */
    String name() {
        return RouteTable.name(route);
    }

    String namespace() {
        return route.path("metadata").path("namespace").asText();
    }

    /** Attaches to a Gateway. */
    static RouteAttachment toGateway(
            JsonNode route,
            JsonNode parentRef,
            List<GatewayListener> listeners,
            Map<String, Map<String, String>> namespaceLabels) {
        String section = parentRef.path("sectionName").asText("");
        int port = parentRef.path("port").asInt();
        List<GatewayListener> named = new ArrayList<>(listeners);
        named.removeIf(listener ->
                !section.isEmpty() && !section.equals(listener.name()) || port != 0 && port != listener.port());
        Parent none = new Parent.Listeners(Map.of());
        if (named.isEmpty()) {
            return new RouteAttachment(
                    route,
                    parentRef,
                    none,
                    Reason.NoMatchingParent,
                    "the Gateway has no listener" + (section.isEmpty() ? "" : " " + section)
                            + (port == 0 ? "" : " with port " + port));
        }
        String namespace = route.path("metadata").path("namespace").asText();
        named.removeIf(
                listener -> !listener.allowsHttpRoutes() || !listener.allowsNamespace(namespace, namespaceLabels));
        if (named.isEmpty()) {
            return new RouteAttachment(
                    route,
                    parentRef,
                    none,
                    Reason.NotAllowedByListeners,
                    "no listener allows HTTPRoutes of namespace " + namespace);
        }
        Map<GatewayListener, Set<String>> hosts = new LinkedHashMap<>();
        for (GatewayListener listener : named) {
            Set<String> both = intersection(listener, HttpRouteCompiler.hostnames(route));
            if (!both.isEmpty()) {
                hosts.put(listener, both);
            }
        }
        if (hosts.isEmpty()) {
            return new RouteAttachment(
                    route,
                    parentRef,
                    none,
                    Reason.NoMatchingListenerHostname,
                    "the listeners' hosts have none in common with " + HttpRouteCompiler.hostnames(route));
        }
        return new RouteAttachment(route, parentRef, new Parent.Listeners(hosts), Reason.Accepted, "");
    }

    private static Set<String> intersection(GatewayListener listener, Set<String> hostnames) {
        if (hostnames.isEmpty()) {
            return Set.of(listener.hostname());
        }
        Set<String> both = new TreeSet<>();
        for (String hostname : hostnames) {
            String common = HostIndex.intersection(listener.hostname(), hostname);
            if (common != null) {
                both.add(common);
            }
        }
        return both;
    }

    /** Attaches to a Service; the route's hostnames mean nothing there. */
    static RouteAttachment toService(JsonNode route, JsonNode parentRef, String fqdn, ServiceTable services) {
        int port = parentRef.path("port").asInt();
        ServiceTable.Service service = services.service(fqdn);
        Parent parent = new Parent.OfService(fqdn, port);
        if (service == null) {
            return new RouteAttachment(route, parentRef, parent, Reason.NoMatchingParent, "there is no such Service");
        }
        boolean known = port == 0 || service.endpoints().containsKey(port);
        return new RouteAttachment(
                route,
                parentRef,
                parent,
                known ? Reason.Accepted : Reason.NoMatchingParent,
                known ? "" : "the Service has no port " + port);
    }
}
