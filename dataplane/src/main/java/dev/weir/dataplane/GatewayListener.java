package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One listener of a Gateway.
 *
 * @param gateway its Gateway's name
 * @param hostname a pattern in lower case, {@code *} for all
 * @param problems what keeps parts of it from being served
 * @param spec as written
 */
record GatewayListener(
        String namespace,
        String gateway,
        String name,
        int port,
        String hostname,
        List<Problem> problems,
        JsonNode spec) {
    private static final String HTTP_ROUTE = "HTTPRoute";

    /** Those that carry HTTPRoutes. */
    private static final Set<String> CARRYING = Set.of("HTTP");

    /** A condition of the listener's status that is not as it should be. */
    record Problem(String condition, String reason, String message) {}

    static List<GatewayListener> of(JsonNode gateway) {
        List<GatewayListener> listeners = new ArrayList<>();
        JsonNode metadata = gateway.path("metadata");
        for (JsonNode listener : gateway.path("spec").path("listeners")) {
            String hostname = listener.path("hostname").asText("").toLowerCase(Locale.ROOT);
            listeners.add(new GatewayListener(
                    metadata.path("namespace").asText(),
                    metadata.path("name").asText(),
                    listener.path("name").asText(),
                    listener.path("port").asInt(),
                    hostname.isEmpty() ? "*" : hostname,
                    problems(listener, gateway.path("spec").path("listeners")),
                    listener));
        }
        return listeners;
    }

    private static List<Problem> problems(JsonNode listener, JsonNode siblings) {
        List<Problem> problems = new ArrayList<>();
        String protocol = listener.path("protocol").asText();
        if (!CARRYING.contains(protocol)) {
            problems.add(new Problem("Accepted", "UnsupportedProtocol", protocol + " is not served, but " + CARRYING));
        }
        for (JsonNode sibling : siblings) {
            String other = sibling.path("protocol").asText();
            if (sibling.path("port").equals(listener.path("port"))
                    && !other.equals(protocol)
                    && other.equals("UDP") == protocol.equals("UDP")) {
                problems.add(new Problem(
                        "Conflicted",
                        "ProtocolConflict",
                        "the listener " + sibling.path("name").asText() + " has the same port for " + other));
                break;
            }
        }
        for (JsonNode kind : listener.path("allowedRoutes").path("kinds")) {
            if (!isHttpRoute(kind)) {
                problems.add(new Problem(
                        "ResolvedRefs",
                        "InvalidRouteKinds",
                        kind.path("kind").asText() + " cannot be attached, but HTTPRoute"));
                break;
            }
        }
        return List.copyOf(problems);
    }

    private static boolean isHttpRoute(JsonNode kind) {
        return kind.path("group").asText(GatewayApi.GROUP).equals(GatewayApi.GROUP)
                && kind.path("kind").asText().equals(HTTP_ROUTE);
    }

    /** What is wrong about a condition. */
    Optional<Problem> problem(String condition) {
        return problems.stream()
                .filter(problem -> problem.condition().equals(condition))
                .findFirst();
    }

    /** Kinds that cannot be attached do not keep the others away. */
    boolean served() {
        return problems.stream().allMatch(problem -> problem.reason().equals("InvalidRouteKinds"));
    }

    /** Whether HTTPRoutes may be attached at all. */
    boolean allowsHttpRoutes() {
        if (problem("Accepted").isPresent()) {
            return false;
        }
        JsonNode kinds = spec.path("allowedRoutes").path("kinds");
        boolean allowed = kinds.isEmpty();
        for (JsonNode kind : kinds) {
            allowed |= isHttpRoute(kind);
        }
        return allowed;
    }

    /** @param labels of all namespaces, by name */
    boolean allowsNamespace(String from, Map<String, Map<String, String>> labels) {
        JsonNode namespaces = spec.path("allowedRoutes").path("namespaces");
        return switch (namespaces.path("from").asText("Same")) {
            case "All" -> true;
            case "Same" -> from.equals(namespace);
            case "Selector" -> selects(namespaces.path("selector"), labels.getOrDefault(from, Map.of()));
            default -> false;
        };
    }

    /** Kubernetes' label selector; one that asks for nothing selects all. */
    private static boolean selects(JsonNode selector, Map<String, String> labels) {
        Map<String, String> wanted = new HashMap<>();
        selector.path("matchLabels")
                .properties()
                .forEach(label -> wanted.put(label.getKey(), label.getValue().asText()));
        if (!labels.entrySet().containsAll(wanted.entrySet())) {
            return false;
        }
        for (JsonNode expression : selector.path("matchExpressions")) {
            String value = labels.get(expression.path("key").asText());
            List<String> values = new ArrayList<>();
            expression.path("values").forEach(one -> values.add(one.asText()));
            boolean holds = switch (expression.path("operator").asText()) {
                case "In" -> value != null && values.contains(value);
                case "NotIn" -> value == null || !values.contains(value);
                case "Exists" -> value != null;
                case "DoesNotExist" -> value == null;
                default -> false;
            };
            if (!holds) {
                return false;
            }
        }
        return true;
    }
}
