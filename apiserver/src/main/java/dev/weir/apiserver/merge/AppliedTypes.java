package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Schema;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Whether patches fit a kind's types, in the words of the code that refuses them upstream. Pure. */
public final class AppliedTypes {
    private AppliedTypes() {}

    /** Refuses an applied configuration that the schema does not type, as 500 like the original. */
    public static void require(Schema schema, ObjectNode config, ResourceType type) {
        JsonNode metadata = config.path("metadata");
        TypedValues.requireTyped(
                schema,
                config,
                metadata.path("namespace").asText("") + "/"
                        + metadata.path("name").asText("") + "; " + type.group() + "/" + type.version() + ", Kind="
                        + type.kind());
    }

    /** Null if the patch fits; else what reflection says of the first wrong scalar. */
    public static @Nullable String conversionProblem(Schema schema, JsonNode patch) {
        if (schema.isUntyped() || patch.isNull()) {
            return null;
        }
        return switch (schema.type()) {
            case OBJECT -> {
                for (var entry : patch.properties()) {
                    Schema below = entry.getKey().startsWith("$") ? null : schema.child(entry.getKey());
                    String problem = below == null ? null : conversionProblem(below, entry.getValue());
                    if (problem != null) {
                        yield problem;
                    }
                }
                yield null;
            }
            case ARRAY -> {
                for (JsonNode item : patch) {
                    String problem = conversionProblem(schema.items(), item);
                    if (problem != null) {
                        yield problem;
                    }
                }
                yield null;
            }
            case STRING -> patch.isTextual() ? null : "cannot convert " + goType(patch) + " to string";
            case INTEGER -> patch.isNumber() ? null : "cannot convert " + goType(patch) + " to int64";
            case BOOLEAN -> patch.isBoolean() ? null : "cannot convert " + goType(patch) + " to bool";
            case NUMBER, INT_OR_STRING, ANY -> null;
        };
    }

    private static String goType(JsonNode node) {
        return node.isTextual()
                ? "string"
                : node.isIntegralNumber() ? "int64" : node.isNumber() ? "float64" : node.isBoolean() ? "bool" : "map";
    }

    /** A value as Go's {@code %v} prints it: {@code map[a:1 b:[x y]]}. */
    public static String goMap(JsonNode node) {
        if (node.isObject()) {
            return node.properties().stream()
                    .sorted(java.util.Map.Entry.comparingByKey())
                    .map(entry -> entry.getKey() + ":" + goMap(entry.getValue()))
                    .collect(Collectors.joining(" ", "map[", "]"));
        }
        if (node.isArray()) {
            return StreamSupport.stream(node.spliterator(), false)
                    .map(AppliedTypes::goMap)
                    .collect(Collectors.joining(" ", "[", "]"));
        }
        return node.isNull() ? "<nil>" : node.asText();
    }
}
