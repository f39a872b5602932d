package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.dataplane.BackendRefs.Problem;
import dev.weir.dataplane.HttpRouteCompiler.Unresolved;
import dev.weir.dataplane.MeshConfig.Kind;
import dev.weir.dataplane.RouteAttachment.Parent;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Says in the words of Gateway API what becomes of its objects. Pure. */
final class GatewayApiStatus {
    /** What is served of Gateway API, in its names, sorted. */
    private static final List<String> FEATURES = List.of(
            "Gateway",
            "GatewayHTTPListenerIsolation",
            "GatewayPort8080",
            "HTTPRoute",
            "HTTPRoute303RedirectStatusCode",
            "HTTPRoute307RedirectStatusCode",
            "HTTPRoute308RedirectStatusCode",
            "HTTPRouteBackendRequestHeaderModification",
            "HTTPRouteBackendTimeout",
            "HTTPRouteHostRewrite",
            "HTTPRouteMethodMatching",
            "HTTPRouteNamedRouteRule",
            "HTTPRouteParentRefPort",
            "HTTPRoutePathRedirect",
            "HTTPRoutePathRewrite",
            "HTTPRoutePortRedirect",
            "HTTPRouteQueryParamMatching",
            "HTTPRouteRequestMirror",
            "HTTPRouteRequestMultipleMirrors",
            "HTTPRouteRequestPercentageMirror",
            "HTTPRouteRequestTimeout",
            "HTTPRouteResponseHeaderModification",
            "HTTPRouteSchemeRedirect",
            "Mesh",
            "ReferenceGrant");

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final GatewayApi api;
    private final Map<String, Map<Integer, InetSocketAddress>> bound;

    /** @param bound where the ports of Gateways listen, by {@code namespace/name} and the listener's port */
    GatewayApiStatus(GatewayApi api, Map<String, Map<Integer, InetSocketAddress>> bound) {
        this.api = api;
        this.bound = bound;
    }

    List<ObjectStatus> all() {
        List<ObjectStatus> all = new ArrayList<>();
        for (JsonNode gatewayClass : api.classes()) {
            all.add(status(Kind.GATEWAY_CLASS, gatewayClass, gatewayClass()));
        }
        for (JsonNode gateway : api.gateways()) {
            all.add(status(Kind.GATEWAY, gateway, gateway(gateway)));
        }
        Map<String, List<RouteAttachment>> attachments = api.attachments();
        for (JsonNode route : api.routes()) {
            all.add(status(Kind.HTTP_ROUTE, route, route(attachments.getOrDefault(RouteTable.name(route), List.of()))));
        }
        return all;
    }

    private static ObjectStatus status(Kind kind, JsonNode object, ObjectNode status) {
        JsonNode metadata = object.path("metadata");
        long generation = metadata.path("generation").asLong();
        stamp(status, generation);
        return new ObjectStatus(
                kind,
                metadata.path("namespace").asText(""),
                metadata.path("name").asText(),
                status);
    }

    /** Every condition says which generation it is about. */
    private static void stamp(JsonNode node, long generation) {
        if (node instanceof ObjectNode object && object.has("reason")) {
            object.put("observedGeneration", generation);
        }
        node.forEach(child -> stamp(child, generation));
    }

    private static ObjectNode condition(String type, boolean holds, String reason, String message) {
        return NODES.objectNode()
                .put("type", type)
                .put("status", holds ? "True" : "False")
                .put("reason", reason)
                .put("message", message);
    }

    private static ObjectNode gatewayClass() {
        ObjectNode status = NODES.objectNode();
        status.putArray("conditions").add(condition("Accepted", true, "Accepted", "Handled by the data plane"));
        ArrayNode features = status.putArray("supportedFeatures");
        FEATURES.forEach(name -> features.addObject().put("name", name));
        return status;
    }

    private ObjectNode gateway(JsonNode gateway) {
        String key = RouteTable.name(gateway);
        Map<Integer, InetSocketAddress> ports = bound.getOrDefault(key, Map.of());
        List<GatewayListener> listeners = api.listeners(key);
        boolean any = listeners.stream().anyMatch(GatewayListener::served);
        boolean all = listeners.stream().allMatch(GatewayListener::served);
        boolean sound =
                listeners.stream().allMatch(listener -> listener.problems().isEmpty());
        Optional<String> refused = refused(gateway);
        ObjectNode status = NODES.objectNode();
        ArrayNode conditions = status.putArray("conditions");
        if (refused.isPresent()) {
            conditions.add(condition("Accepted", false, "InvalidParameters", refused.get()));
        } else if (sound) {
            conditions.add(condition("Accepted", true, "Accepted", "Resource accepted"));
        } else {
            conditions.add(condition(
                    "Accepted",
                    any,
                    "ListenersNotValid",
                    all ? "some listeners refer to what is not there" : "not all listeners can be served"));
        }
        if (!any) {
            conditions.add(condition("Programmed", false, "Invalid", "no listener can be served"));
        } else if (ports.isEmpty()) {
            conditions.add(condition("Programmed", false, "AddressNotAssigned", "no address could be listened on"));
        } else {
            conditions.add(condition("Programmed", true, "Programmed", where(ports)));
            status.putArray("addresses")
                    .addObject()
                    .put("type", "IPAddress")
                    .put("value", address(ports.values().iterator().next()));
        }
        ArrayNode list = status.putArray("listeners");
        listeners.forEach(listener -> list.add(listener(listener, ports)));
        return status;
    }

    private static Optional<String> refused(JsonNode gateway) {
        JsonNode parameters = gateway.path("spec").path("infrastructure").path("parametersRef");
        return parameters.isObject()
                ? Optional.of("spec.infrastructure.parametersRef is not served")
                : Optional.empty();
    }

    private static String address(InetSocketAddress at) {
        return at.getAddress().getHostAddress();
    }

    /** Names the ports that listen elsewhere than their number says. */
    private static String where(Map<Integer, InetSocketAddress> ports) {
        StringBuilder text = new StringBuilder("Listening");
        ports.forEach((port, at) -> {
            if (at.getPort() != port) {
                text.append(", port ")
                        .append(port)
                        .append(" at ")
                        .append(address(at))
                        .append(':')
                        .append(at.getPort());
            }
        });
        return text.toString();
    }

    private ObjectNode listener(GatewayListener listener, Map<Integer, InetSocketAddress> ports) {
        ObjectNode status = NODES.objectNode().put("name", listener.name());
        status.put("attachedRoutes", api.attachedRoutes(listener));
        ArrayNode kinds = status.putArray("supportedKinds");
        if (listener.allowsHttpRoutes()) {
            kinds.addObject().put("group", GatewayApi.GROUP).put("kind", "HTTPRoute");
        }
        ArrayNode conditions = status.putArray("conditions");
        conditions.add(condition(listener, "Accepted", "Accepted"));
        conditions.add(listener.problem("Conflicted")
                .map(problem -> condition("Conflicted", true, problem.reason(), problem.message()))
                .orElse(condition("Conflicted", false, "NoConflicts", "")));
        conditions.add(condition(listener, "ResolvedRefs", "ResolvedRefs"));
        boolean programmed = listener.served() && ports.containsKey(listener.port());
        conditions.add(condition(
                "Programmed",
                programmed,
                programmed ? "Programmed" : listener.served() ? "Pending" : "Invalid",
                listener.served() && !programmed ? "the port could not be listened on" : ""));
        return status;
    }

    private static ObjectNode condition(GatewayListener listener, String type, String good) {
        return listener.problem(type)
                .map(problem -> condition(type, false, problem.reason(), problem.message()))
                .orElse(condition(type, true, good, ""));
    }

    private ObjectNode route(List<RouteAttachment> attachments) {
        ObjectNode status = NODES.objectNode();
        ArrayNode parents = status.putArray("parents");
        for (RouteAttachment attachment : attachments) {
            ObjectNode parent = parents.addObject();
            parent.set("parentRef", attachment.parentRef());
            parent.put("controllerName", GatewayApi.CONTROLLER);
            ArrayNode conditions = parent.putArray("conditions");
            List<Unresolved> unresolved = api.unresolved(attachment);
            Optional<Unresolved> unserved = unresolved.stream()
                    .filter(one -> one.problem() == Problem.UnsupportedValue)
                    .findFirst();
            if (!attachment.accepted()) {
                conditions.add(condition("Accepted", false, attachment.reason().name(), attachment.message()));
            } else if (unserved.isPresent() && api.refused(attachment)) {
                conditions.add(condition(
                        "Accepted", false, "UnsupportedValue", unserved.get().message()));
            } else {
                conditions.add(condition("Accepted", true, "Accepted", "Route was valid"));
                unserved.ifPresent(one -> conditions.add(
                        condition("PartiallyInvalid", true, "UnsupportedValue", "Dropped Rule: " + one.message())));
            }
            conditions.add(unresolved.stream()
                    .filter(one -> one.problem() != Problem.UnsupportedValue)
                    .findFirst()
                    .map(one -> condition("ResolvedRefs", false, one.problem().name(), one.message()))
                    .orElse(condition("ResolvedRefs", true, "ResolvedRefs", "All references resolved")));
        }
        return status;
    }

    /** The Gateways to open. */
    static List<GatewayPorts> ports(GatewayApi api) {
        List<GatewayPorts> all = new ArrayList<>();
        for (JsonNode gateway : api.gateways()) {
            String namespace = gateway.path("metadata").path("namespace").asText();
            String name = gateway.path("metadata").path("name").asText();
            Map<String, String> labels = new LinkedHashMap<>();
            gateway.path("spec")
                    .path("infrastructure")
                    .path("labels")
                    .properties()
                    .forEach(
                            label -> labels.put(label.getKey(), label.getValue().asText()));
            labels.put(GatewayApi.GATEWAY_NAME, name);
            // named as the Deployment that Istio makes for it
            Workload workload = new Workload(namespace, name + "-istio", name + "-istio", labels);
            Set<Integer> ports = new TreeSet<>();
            Set<Integer> secure = new TreeSet<>();
            api.listeners(namespace + "/" + name).stream()
                    .filter(GatewayListener::served)
                    .forEach(listener -> {
                        ports.add(listener.port());
                        listener.identity().ifPresent(_ -> secure.add(listener.port()));
                    });
            all.add(new GatewayPorts(namespace, name, workload, ports, secure));
        }
        return all;
    }

    /** How many routes a listener has. */
    static long attached(List<RouteAttachment> attachments, GatewayListener listener) {
        return attachments.stream()
                .filter(RouteAttachment::accepted)
                .filter(attachment ->
                        attachment.parent() instanceof Parent.Listeners(var hosts) && hosts.containsKey(listener))
                .map(RouteAttachment::name)
                .distinct()
                .count();
    }
}
