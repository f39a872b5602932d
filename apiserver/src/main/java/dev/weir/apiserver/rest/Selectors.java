package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
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
            "replicationcontrollers",
            Set.of("status.replicas"),
            "jobs",
            Set.of("status.successful"));

    private Selectors() {}

    /**
     * The selectors of a request.
     *
     * @param selectable fields that a definition lets its objects be selected by
     * @throws ApiException 400 if a selector cannot be read or names a field that the kind does not select by
     */
    static Predicate<JsonNode> parse(ResourceType type, Set<String> selectable, ApiRequest request) {
        return parse(type, selectable, request, () -> {});
    }

    /** @param between what is checked of a request whose selectors can be read, before it is asked which fields exist */
    static Predicate<JsonNode> parse(ResourceType type, Set<String> selectable, ApiRequest request, Runnable between) {
        Predicate<JsonNode> byLabels = LabelSelector.parse(request.queryOr("labelSelector", ""));
        List<FieldTerm> terms = fieldTerms(request.query("fieldSelector"));
        between.run();
        Predicate<JsonNode> byFields = fields(type, selectable, terms);
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

    private record FieldTerm(String field, String value, boolean negated) {}

    private static List<FieldTerm> fieldTerms(@Nullable String text) {
        List<FieldTerm> terms = new ArrayList<>();
        if (text == null || text.isBlank()) {
            return terms;
        }
        for (String term : text.split(",")) {
            boolean negated = term.contains("!=");
            String[] sides = term.split(negated ? "!=" : "==?", 2);
            if (sides.length != 2) {
                throw ApiException.badRequest("invalid selector: '" + text + "'; can't understand '" + term + "'");
            }
            terms.add(new FieldTerm(sides[0].strip(), sides[1].strip(), negated));
        }
        return terms;
    }

    private static Predicate<JsonNode> fields(ResourceType type, Set<String> selectable, List<FieldTerm> terms) {
        for (FieldTerm term : terms) {
            if (!selectable.contains(term.field())) {
                checkField(type, term.field());
            }
        }
        return object -> terms.stream()
                .allMatch(term -> fieldValue(object, term.field()).equals(term.value()) != term.negated());
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
        if (!known.contains(field) && type.plural().equals("jobs")) {
            throw ApiException.badRequest("field label \"" + field + "\" not supported for Job");
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
        return switch (field) {
            case "status.successful" ->
                Integer.toString(object.path("status").path("succeeded").asInt());
            case "spec.hostNetwork" -> Boolean.toString(node.asBoolean());
            default -> node.asText();
        };
    }
}
