package dev.weir.apiserver.merge;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import org.jspecify.annotations.Nullable;

/** JSON patch (RFC 6902) and JSON merge patch (RFC 7396). Pure: the document is never changed. */
public final class Patches {
    private static final int MOST_OPERATIONS = 10_000;

    private Patches() {}

    /** @throws ApiException 400 if the patch is not one, 413 if it is too long, 422 if it does not fit the document */
    public static ObjectNode jsonPatch(ObjectNode document, JsonNode patch) {
        if (!patch.isArray()) {
            throw ApiException.badRequest("error decoding patch: json: cannot unmarshal " + kind(patch)
                    + " into Go value of type []handlers.jsonPatchOp");
        }
        if (patch.size() > MOST_OPERATIONS) {
            throw ApiException.tooLarge(
                    "The allowed maximum operations in a JSON patch is " + MOST_OPERATIONS + ", got " + patch.size());
        }
        JsonNode result = document.deepCopy();
        for (JsonNode operation : patch) {
            result = operate(result, operation);
        }
        if (!(result instanceof ObjectNode object)) {
            throw ApiException.rejectedPatch();
        }
        return object;
    }

    private static String kind(JsonNode node) {
        return node.isObject() ? "object" : node.isTextual() ? "string" : node.isNumber() ? "number" : "bool";
    }

    private static JsonNode operate(JsonNode document, JsonNode operation) {
        String path = operation.path("path").asText("");
        return switch (operation.path("op").asText()) {
            case "add" -> add(document, path, value(operation));
            case "remove" -> remove(document, path);
            case "replace" -> {
                find(document, path);
                yield path.isEmpty() ? value(operation) : add(removeForReplace(document, path), path, value(operation));
            }
            case "move" -> {
                JsonNode moved = find(document, operation.path("from").asText());
                yield add(remove(document, operation.path("from").asText()), path, moved);
            }
            case "copy" ->
                add(
                        document,
                        path,
                        find(document, operation.path("from").asText()).deepCopy());
            case "test" -> {
                JsonNode wanted = operation.path("value");
                JsonNode present = locate(document, path);
                boolean equal = present == null ? wanted.isNull() : Json.same(present, wanted);
                if (!equal) {
                    throw ApiException.rejectedPatch();
                }
                yield document;
            }
            default -> throw ApiException.rejectedPatch();
        };
    }

    private static JsonNode value(JsonNode operation) {
        JsonNode value = operation.get("value");
        return value == null ? JsonNodeFactory.instance.nullNode() : value.deepCopy();
    }

    private static @Nullable JsonNode locate(JsonNode document, String path) {
        JsonNode node = document.at(pointer(path));
        return node.isMissingNode() ? null : node;
    }

    private static JsonNode find(JsonNode document, String path) {
        JsonNode node = locate(document, path);
        if (node == null) {
            throw ApiException.rejectedPatch();
        }
        return node;
    }

    private static JsonPointer pointer(String path) {
        try {
            return JsonPointer.compile(path);
        } catch (IllegalArgumentException malformed) {
            throw ApiException.rejectedPatch();
        }
    }

    private static JsonNode removeForReplace(JsonNode document, String path) {
        JsonPointer pointer = pointer(path);
        JsonNode parent = document.at(pointer.head());
        if (parent instanceof ArrayNode array) {
            array.remove(index(pointer.last().getMatchingProperty(), array.size() - 1));
        }
        return document;
    }

    private static JsonNode add(JsonNode document, String path, JsonNode value) {
        if (path.isEmpty()) {
            return value;
        }
        JsonPointer pointer = pointer(path);
        JsonNode parent = document.at(pointer.head());
        String last = pointer.last().getMatchingProperty();
        switch (parent) {
            case ObjectNode object -> object.set(last, value);
            case ArrayNode array -> array.insert(last.equals("-") ? array.size() : index(last, array.size()), value);
            default -> throw ApiException.rejectedPatch();
        }
        return document;
    }

    private static JsonNode remove(JsonNode document, String path) {
        find(document, path);
        JsonPointer pointer = pointer(path);
        JsonNode parent = document.at(pointer.head());
        String last = pointer.last().getMatchingProperty();
        switch (parent) {
            case ObjectNode object -> object.remove(last);
            case ArrayNode array -> array.remove(index(last, array.size() - 1));
            default -> throw ApiException.rejectedPatch();
        }
        return document;
    }

    private static int index(String text, int most) {
        if (!text.matches("\\d{1,9}") || Integer.parseInt(text) > most) {
            throw ApiException.rejectedPatch();
        }
        return Integer.parseInt(text);
    }

    /** Null removes, objects merge, anything else replaces. */
    public static JsonNode mergePatch(JsonNode document, JsonNode patch) {
        if (!(patch instanceof ObjectNode changes)) {
            return patch.deepCopy();
        }
        ObjectNode result =
                document instanceof ObjectNode object ? object.deepCopy() : JsonNodeFactory.instance.objectNode();
        changes.properties().forEach(entry -> {
            if (entry.getValue().isNull()) {
                result.remove(entry.getKey());
            } else {
                JsonNode present = result.path(entry.getKey());
                result.set(entry.getKey(), mergePatch(present, entry.getValue()));
            }
        });
        return result;
    }
}
