package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * One listener of a Gateway.
 *
 * @param gateway its Gateway's name
 * @param protocol in upper case
 * @param hostname a pattern in lower case, {@code *} for all
 * @param allowedRoutes as written
 */
record GatewayListener(
        String namespace, String gateway, String name, int port, String protocol, String hostname, JsonNode spec) {
    /** Those that carry HTTPRoutes. */
    private static final Set<String> CARRYING = Set.of("HTTP");

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
                    listener.path("protocol").asText(),
                    hostname.isEmpty() ? "*" : hostname,
                    listener));
        }
        return listeners;
    }

    boolean served() {
        return CARRYING.contains(protocol);
    }

    /** Whether HTTPRoutes may be attached at all. */
    boolean allowsHttpRoutes() {
        JsonNode kinds = spec.path("allowedRoutes").path("kinds");
        if (kinds.isEmpty()) {
            return served();
        }
        for (JsonNode kind : kinds) {
            String group = kind.path("group").asText("gateway.networking.k8s.io");
            if (group.equals("gateway.networking.k8s.io")
                    && kind.path("kind").asText().equals("HTTPRoute")) {
                return served();
            }
        }
        return false;
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
