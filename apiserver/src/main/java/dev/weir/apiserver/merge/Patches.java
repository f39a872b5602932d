package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** JSON patch (RFC 6902) and JSON merge patch (RFC 7396). Pure: the document is never changed. */
public final class Patches {
    private static final int MOST_OPERATIONS = 10_000;
    /** What copying may add, as much as a request may bring. */
    private static final int MOST_COPIED = 3 * 1024 * 1024;
    /** As deep as a request may be. */
    private static final int MOST_DEPTH = 250;

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
        long copied = 0;
        for (JsonNode operation : patch) {
            copied += operate(result, operation);
            if (copied > MOST_COPIED) {
                throw ApiException.tooLarge("Request entity too large: limit is " + MOST_COPIED
                        + " for what the copy operations of a JSON patch add");
            }
        }
        if (!(result instanceof ObjectNode object)) {
            throw ApiException.rejectedPatch();
        }
        return object;
    }

    private static String kind(JsonNode node) {
        return node.isObject() ? "object" : node.isTextual() ? "string" : node.isNumber() ? "number" : "bool";
    }

    /** @return how much was copied, in characters of JSON */
    private static long operate(JsonNode document, JsonNode operation) {
        Place place = Place.of(document, operation.path("path").asText(""));
        switch (operation.path("op").asText()) {
            case "add" -> {
                requireShallow(operation, value(operation));
                place.add(value(operation));
            }
            case "remove" -> place.remove();
            case "replace" -> {
                place.get();
                requireShallow(operation, value(operation));
                place.set(value(operation));
            }
            case "move" -> {
                Place from = Place.of(document, operation.path("from").asText(""));
                JsonNode moved = from.get();
                from.remove();
                requireShallow(operation, orNull(moved));
                Place.of(document, operation.path("path").asText("")).add(orNull(moved));
            }
            case "copy" -> {
                Place from = Place.of(document, operation.path("from").asText(""));
                JsonNode source = orNull(from.get());
                requireShallow(operation, source);
                place.add(source.deepCopy());
                return Json.write(source).length();
            }
            case "test" -> {
                JsonNode present = place.get();
                JsonNode wanted = operation.path("value");
                boolean equal = present == null || present.isNull()
                        ? wanted.isNull() || wanted.isMissingNode()
                        : Json.same(present, wanted);
                if (!equal) {
                    throw ApiException.rejectedPatch();
                }
            }
            default -> throw ApiException.rejectedPatch();
        }
        return 0;
    }

    /** Moving and copying things into one another makes them deeper than any request could be. */
    private static void requireShallow(JsonNode operation, JsonNode value) {
        long steps =
                operation.path("path").asText("").chars().filter(c -> c == '/').count();
        if (steps + depth(value) > MOST_DEPTH) {
            throw ApiException.tooLarge("the result of the JSON patch is nested too deeply: limit is " + MOST_DEPTH);
        }
    }

    private static int depth(JsonNode value) {
        List<JsonNode> level = List.of(value);
        int depth = 0;
        while (!level.isEmpty() && depth <= MOST_DEPTH) {
            List<JsonNode> below = new ArrayList<>();
            level.forEach(node -> node.forEach(below::add));
            level = below;
            depth++;
        }
        return depth;
    }

    private static JsonNode orNull(@Nullable JsonNode node) {
        return node == null ? JsonNodeFactory.instance.nullNode() : node;
    }

    private static JsonNode value(JsonNode operation) {
        return orNull(operation.get("value")).deepCopy();
    }

    /**
     * Where a pointer leads, as the library that Kubernetes uses sees it: the container must be there; a missing key of
     * an object reads as nothing, so that {@code replace} may add it; list indexes may count from the end.
     */
    private record Place(JsonNode container, String key) {
        static Place of(JsonNode document, String pointer) {
            String[] parts = pointer.split("/", -1);
            if (parts.length < 2) {
                throw ApiException.rejectedPatch();
            }
            JsonNode container = document;
            for (int i = 1; i < parts.length - 1; i++) {
                JsonNode next = new Place(container, decode(parts[i])).get();
                if (next == null || !next.isContainerNode()) {
                    throw ApiException.rejectedPatch();
                }
                container = next;
            }
            return new Place(container, decode(parts[parts.length - 1]));
        }

        private static String decode(String part) {
            return part.replace("~1", "/").replace("~0", "~");
        }

        @Nullable
        JsonNode get() {
            return container instanceof ArrayNode array ? array.get(index(array.size() - 1)) : container.get(key);
        }

        void set(JsonNode value) {
            if (container instanceof ArrayNode array) {
                array.set(index(array.size() - 1), value);
            } else {
                ((ObjectNode) container).set(key, value);
            }
        }

        void add(JsonNode value) {
            if (container instanceof ArrayNode array) {
                array.insert(key.equals("-") ? array.size() : index(array.size()), value);
            } else {
                ((ObjectNode) container).set(key, value);
            }
        }

        void remove() {
            if (container instanceof ArrayNode array) {
                array.remove(index(array.size() - 1));
            } else if (container.has(key)) {
                ((ObjectNode) container).remove(key);
            } else {
                throw ApiException.rejectedPatch();
            }
        }

        private int index(int most) {
            if (!key.matches("-?\\d{1,9}")) {
                throw ApiException.rejectedPatch();
            }
            int asked = Integer.parseInt(key);
            int index = asked < 0 ? asked + container.size() : asked;
            if (index < 0 || index > most) {
                throw ApiException.rejectedPatch();
            }
            return index;
        }
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
