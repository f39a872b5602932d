package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Label and field selectors, as lists and watches take them. */
public final class Selectors {
    private static final Map<String, Set<String>> FIELDS = Map.of(
            "pods",
            Set.of(
                    "spec.nodeName",
                    "spec.restartPolicy",
                    "spec.schedulerName",
                    "spec.serviceAccountName",
                    "spec.hostNetwork",
                    "status.phase",
                    "status.podIP",
                    "status.nominatedNodeName"),
            "events",
            Set.of(
                    "involvedObject.kind",
                    "involvedObject.namespace",
                    "involvedObject.name",
                    "involvedObject.uid",
                    "involvedObject.apiVersion",
                    "involvedObject.resourceVersion",
                    "involvedObject.fieldPath",
                    "reason",
                    "reportingComponent",
                    "source",
                    "type"),
            "secrets",
            Set.of("type"),
            "namespaces",
            Set.of("status.phase"),
            "nodes",
            Set.of("spec.unschedulable"),
            "services",
            Set.of("spec.clusterIP", "spec.type"),
            "replicasets",
            Set.of("status.replicas"),
            "jobs",
            Set.of("status.successful"));

    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9][-A-Za-z0-9._/]*");

    private Selectors() {}

    /**
     * The selectors of a request.
     *
     * @param selectable fields that a definition lets its objects be selected by
     * @throws ApiException 400 if a selector cannot be read or names a field that the kind does not select by
     */
    static Predicate<JsonNode> parse(ResourceType type, Set<String> selectable, ApiRequest request) {
        Predicate<JsonNode> byLabels = labels(request.query("labelSelector"));
        Predicate<JsonNode> byFields = fields(type, selectable, request.query("fieldSelector"));
        return object -> byLabels.test(object) && byFields.test(object);
    }

    /** True if a LabelSelector object selects an object; one that is absent selects nothing, an empty one everything. */
    static boolean selects(@Nullable JsonNode selector, JsonNode object) {
        if (selector == null || selector.isNull()) {
            return false;
        }
        JsonNode labels = object.path("metadata").path("labels");
        for (var wanted : selector.path("matchLabels").properties()) {
            if (!wanted.getValue().equals(labels.get(wanted.getKey()))) {
                return false;
            }
        }
        for (JsonNode expression : selector.path("matchExpressions")) {
            JsonNode present = labels.get(expression.path("key").asText());
            boolean listed = false;
            for (JsonNode value : expression.path("values")) {
                listed |= value.equals(present);
            }
            boolean holds = switch (expression.path("operator").asText()) {
                case "In" -> listed;
                case "NotIn" -> !listed;
                case "Exists" -> present != null;
                default -> present == null;
            };
            if (!holds) {
                return false;
            }
        }
        return true;
    }

    private static Predicate<JsonNode> fields(ResourceType type, Set<String> selectable, @Nullable String text) {
        Predicate<JsonNode> all = _ -> true;
        if (text == null || text.isBlank()) {
            return all;
        }
        for (String term : text.split(",")) {
            boolean negated = term.contains("!=");
            String[] sides = term.split(negated ? "!=" : "==?", 2);
            if (sides.length != 2) {
                throw ApiException.badRequest("invalid selector: '" + text + "'; can't understand '" + term + "'");
            }
            String field = sides[0].strip();
            String value = sides[1].strip();
            if (!selectable.contains(field)) {
                checkField(type, field);
            }
            Predicate<JsonNode> one = object -> fieldValue(object, field).equals(value) != negated;
            all = all.and(one);
        }
        return all;
    }

    private static void checkField(ResourceType type, String field) {
        if (field.equals("metadata.name") || field.equals("metadata.namespace")) {
            return;
        }
        Set<String> known = FIELDS.get(type.plural());
        if (known == null && type.group().contains(".") && !type.group().endsWith(".k8s.io")) {
            throw ApiException.badRequest("field label not supported: " + field);
        }
        if (known == null) {
            throw ApiException.badRequest(
                    "\"" + field + "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
        }
        if (!known.contains(field)) {
            throw ApiException.badRequest("field label not supported: " + field);
        }
    }

    private static String fieldValue(JsonNode object, String field) {
        JsonNode node = object;
        for (String part : field.split("\\.")) {
            node = node.path(part);
        }
        if (field.equals("source") && node.isObject()) {
            return node.path("component").asText();
        }
        return node.asText();
    }

    private static Predicate<JsonNode> labels(@Nullable String text) {
        Predicate<JsonNode> all = _ -> true;
        if (text == null || text.isBlank()) {
            return all;
        }
        for (String term : split(text)) {
            all = all.and(requirement(term.strip()));
        }
        return all;
    }

    private static List<String> split(String text) {
        List<String> terms = new ArrayList<>();
        int depth = 0;
        int from = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (c == ',' && depth == 0) {
                terms.add(text.substring(from, i));
                from = i + 1;
            }
        }
        terms.add(text.substring(from));
        return terms;
    }

    private static Predicate<JsonNode> requirement(String term) {
        if (term.startsWith("!")) {
            String key = key(term.substring(1).strip());
            return object -> label(object, key) == null;
        }
        if (term.startsWith("=")) {
            throw ApiException.badRequest(
                    "unable to parse requirement: found '" + operator(term) + "', expected: identifier");
        }
        String[] words = term.split("\\s+", 3);
        if (words.length == 3 && (words[1].equals("in") || words[1].equals("notin"))
                || term.matches("\\S+\\s+(in|notin)\\s*\\(.*\\)")) {
            return setBased(term);
        }
        for (String operator : List.of("!=", "==", "=", ">", "<")) {
            int at = term.indexOf(operator);
            if (at > 0) {
                String key = key(term.substring(0, at).strip());
                String value = term.substring(at + operator.length()).strip();
                if (value.startsWith("=")) {
                    throw ApiException.badRequest(
                            "unable to parse requirement: found '" + operator(value) + "', expected: identifier");
                }
                return comparison(key, operator, value);
            }
        }
        String key = key(term);
        return object -> label(object, key) != null;
    }

    private static String operator(String term) {
        return term.startsWith("==") ? "==" : "=";
    }

    private static Predicate<JsonNode> setBased(String term) {
        String key = key(term.split("\\s+", 2)[0]);
        boolean in = term.substring(key.length()).strip().startsWith("in");
        String inner = term.substring(term.indexOf('(') + 1, Math.max(term.lastIndexOf(')'), term.indexOf('(') + 1));
        Set<String> values = Set.copyOf(
                Arrays.stream(inner.split(",")).map(String::strip).distinct().toList());
        return object -> {
            String value = label(object, key);
            return in ? value != null && values.contains(value) : value == null || !values.contains(value);
        };
    }

    private static Predicate<JsonNode> comparison(String key, String operator, String wanted) {
        return object -> {
            String value = label(object, key);
            return switch (operator) {
                case "!=" -> !wanted.equals(value);
                case ">", "<" -> value != null && compares(value, operator, wanted);
                default -> wanted.equals(value);
            };
        };
    }

    private static boolean compares(String value, String operator, String wanted) {
        try {
            int order = Long.compare(Long.parseLong(value), Long.parseLong(wanted));
            return operator.equals(">") ? order > 0 : order < 0;
        } catch (NumberFormatException notNumbers) {
            return false;
        }
    }

    private static String key(String key) {
        if (!KEY.matcher(key).matches()) {
            throw ApiException.badRequest(
                    "unable to parse requirement: <nil>: Invalid value: \"" + key + "\": name part must be non-empty");
        }
        return key;
    }

    private static @Nullable String label(JsonNode object, String key) {
        JsonNode value = object.path("metadata").path("labels").get(key);
        return value == null ? null : value.asText();
    }
}
