package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Strategic merge patch: merge patch whose lists merge by key, after apimachinery's strategicpatch package. Pure. */
public final class StrategicMerge {
    private static final String PATCH = "$patch";
    private static final String RETAIN_KEYS = "$retainKeys";
    private static final String DELETE_FROM = "$deleteFromPrimitiveList/";
    private static final String ORDER = "$setElementOrder/";

    private StrategicMerge() {}

    /** @throws ApiException 400 if a directive is wrong or a merge key is missing */
    public static ObjectNode patch(Schema schema, ObjectNode document, ObjectNode patch) {
        JsonNode result = mergeMap(schema, document, patch);
        return result instanceof ObjectNode object ? object : JsonNodeFactory.instance.objectNode();
    }

    private static JsonNode mergeMap(Schema schema, ObjectNode original, ObjectNode patch) {
        switch (patch.path(PATCH).asText("")) {
            case "replace" -> {
                return withoutDirectives(patch);
            }
            case "delete" -> {
                return JsonNodeFactory.instance.objectNode();
            }
            case "", "merge" -> {}
            default ->
                throw ApiException.badRequest(
                        "Unknown patch type found: " + patch.path(PATCH).asText());
        }
        ObjectNode result = original.deepCopy();
        if (patch.has(RETAIN_KEYS)) {
            retainKeys(result, patch.path(RETAIN_KEYS));
        }
        patch.properties().forEach(entry -> {
            String key = entry.getKey();
            if (key.startsWith(DELETE_FROM)) {
                deleteFromList(result, key.substring(DELETE_FROM.length()), entry.getValue());
            }
        });
        patch.properties().forEach(entry -> {
            String key = entry.getKey();
            if (!key.startsWith("$")) {
                mergeField(schema, result, key, entry.getValue(), patch.get(ORDER + key));
            } else if (key.startsWith(ORDER) && !patch.has(key.substring(ORDER.length()))) {
                reorder(schema, result, key.substring(ORDER.length()), entry.getValue());
            }
        });
        return result;
    }

    private static void mergeField(
            Schema schema, ObjectNode result, String key, JsonNode change, @Nullable JsonNode order) {
        Schema field = schema.child(key);
        Schema below = field == null ? Schema.UNKNOWN : field;
        JsonNode present = result.get(key);
        if (change.isNull()) {
            result.remove(key);
        } else if (change instanceof ObjectNode map) {
            if (below.patchStrategies().contains("replace")) {
                result.set(key, withoutDirectives(map));
                return;
            }
            if (present == null && map.has(PATCH)) {
                // there is nothing to replace
                return;
            }
            JsonNode base = present instanceof ObjectNode object ? object : JsonNodeFactory.instance.objectNode();
            result.set(key, mergeMap(below, (ObjectNode) base, map));
        } else if (change instanceof ArrayNode list
                && present == null
                && below.patchMergeKey() != null
                && order == null) {
            // taken as it comes, with its directives, which whoever decodes it does not know
            result.set(key, list.deepCopy());
        } else if (change instanceof ArrayNode list) {
            ArrayNode base = present instanceof ArrayNode array ? array : JsonNodeFactory.instance.arrayNode();
            ArrayNode merged = below.patchStrategies().contains("merge")
                    ? mergeList(below, base, list)
                    : (ArrayNode) withoutDirectives(list);
            result.set(key, merged);
            if (order != null) {
                reorder(schema, result, key, order);
            } else if (below.patchStrategies().contains("merge")) {
                moveServerOnlyLast(below, merged, base, list);
            }
        } else {
            result.set(key, change.deepCopy());
        }
    }

    /** Without an explicit order the patch's items stand where the list has them and new ones follow. */
    private static void moveServerOnlyLast(Schema field, ArrayNode merged, ArrayNode base, ArrayNode patch) {
        if (field.patchMergeKey() == null || merged.isEmpty() || base.isEmpty()) {
            return;
        }
        String mergeKey = field.patchMergeKey();
        List<JsonNode> order = new ArrayList<>();
        patch.forEach(item -> order.add(item.path(mergeKey)));
        sortByOrder(merged, order, mergeKey, base);
    }

    private static ArrayNode mergeList(Schema field, ArrayNode original, ArrayNode patch) {
        String mergeKey = field.patchMergeKey();
        if (mergeKey == null) {
            return mergePrimitives(original, patch);
        }
        ArrayNode result = original.deepCopy();
        List<JsonNode> changes = new ArrayList<>();
        for (JsonNode item : patch) {
            if (item.path(PATCH).asText("").equals("replace")) {
                result.removeAll();
            } else if (item.path(PATCH).asText("").equals("delete")) {
                JsonNode key = requireKey(item, mergeKey);
                removeMatching(result, mergeKey, key);
            } else {
                changes.add(item);
            }
        }
        for (JsonNode item : changes) {
            if (original.isEmpty()) {
                // a list that was not there is taken as it comes
                result.add(withoutDirectives(item));
                continue;
            }
            JsonNode key = requireKey(item, mergeKey);
            int at = indexOf(result, mergeKey, key);
            if (at < 0) {
                result.add(withoutDirectives(item));
            } else {
                result.set(at, mergeMap(field.items(), (ObjectNode) result.get(at), (ObjectNode) item));
            }
        }
        return result;
    }

    private static JsonNode requireKey(JsonNode item, String mergeKey) {
        JsonNode key = item.get(mergeKey);
        if (key == null) {
            throw ApiException.internal(
                    "map: " + AppliedTypes.goMap(item) + " does not contain declared merge key: " + mergeKey);
        }
        return key;
    }

    private static void removeMatching(ArrayNode list, String mergeKey, JsonNode key) {
        for (int at = indexOf(list, mergeKey, key); at >= 0; at = indexOf(list, mergeKey, key)) {
            list.remove(at);
        }
    }

    private static int indexOf(ArrayNode list, String mergeKey, JsonNode key) {
        for (int i = 0; i < list.size(); i++) {
            if (Json.same(list.get(i).get(mergeKey), key)) {
                return i;
            }
        }
        return -1;
    }

    private static ArrayNode mergePrimitives(ArrayNode original, ArrayNode patch) {
        ArrayNode result = original.deepCopy();
        for (JsonNode item : patch) {
            if (!contains(result, item)) {
                result.add(item);
            }
        }
        return result;
    }

    private static boolean contains(JsonNode list, JsonNode item) {
        for (JsonNode other : list) {
            if (Json.same(other, item)) {
                return true;
            }
        }
        return false;
    }

    private static void deleteFromList(ObjectNode result, String key, JsonNode gone) {
        if (result.get(key) instanceof ArrayNode list) {
            ArrayNode kept = JsonNodeFactory.instance.arrayNode();
            list.forEach(item -> {
                if (!contains(gone, item)) {
                    kept.add(item);
                }
            });
            result.set(key, kept);
        }
    }

    private static void retainKeys(ObjectNode result, JsonNode keys) {
        result.properties().removeIf(entry -> {
            for (JsonNode key : keys) {
                if (key.asText().equals(entry.getKey())) {
                    return false;
                }
            }
            return true;
        });
    }

    private static void reorder(Schema schema, ObjectNode result, String key, JsonNode order) {
        Schema field = schema.child(key);
        if (field == null || !(result.get(key) instanceof ArrayNode list)) {
            return;
        }
        String mergeKey = field.patchMergeKey();
        List<JsonNode> keys = new ArrayList<>();
        order.forEach(item -> keys.add(mergeKey == null ? item : item.path(mergeKey)));
        sortByOrder(list, keys, mergeKey, list.deepCopy());
    }

    /** Items named by the order take its sequence; each other item keeps its place behind the item that it followed. */
    private static void sortByOrder(ArrayNode list, List<JsonNode> order, @Nullable String mergeKey, ArrayNode live) {
        List<JsonNode> named = new ArrayList<>();
        List<JsonNode> others = new ArrayList<>();
        Map<JsonNode, Integer> liveIndex = new HashMap<>();
        for (int i = 0; i < live.size(); i++) {
            liveIndex.putIfAbsent(key(live.get(i), mergeKey), i);
        }
        list.forEach(item -> (place(order, key(item, mergeKey)) >= 0 ? named : others).add(item));
        named.sort((a, b) -> Integer.compare(place(order, key(a, mergeKey)), place(order, key(b, mergeKey))));
        ArrayNode sorted = JsonNodeFactory.instance.arrayNode();
        int n = 0;
        int o = 0;
        while (n < named.size() || o < others.size()) {
            boolean takeNamed = o >= others.size()
                    || n < named.size()
                            && !precedes(liveIndex, key(others.get(o), mergeKey), key(named.get(n), mergeKey));
            sorted.add(takeNamed ? named.get(n++) : others.get(o++));
        }
        list.removeAll();
        list.addAll(sorted);
    }

    private static boolean precedes(Map<JsonNode, Integer> live, JsonNode other, JsonNode named) {
        Integer a = live.get(other);
        Integer b = live.get(named);
        return a != null && b != null && a < b;
    }

    private static JsonNode key(JsonNode item, @Nullable String mergeKey) {
        return mergeKey == null ? item : item.path(mergeKey);
    }

    private static int place(List<JsonNode> order, JsonNode key) {
        for (int i = 0; i < order.size(); i++) {
            if (Json.same(order.get(i), key)) {
                return i;
            }
        }
        return -1;
    }

    private static JsonNode withoutDirectives(JsonNode node) {
        if (node instanceof ObjectNode object) {
            ObjectNode clean = JsonNodeFactory.instance.objectNode();
            object.properties().forEach(entry -> {
                if (!entry.getKey().startsWith("$") && !entry.getValue().isNull()) {
                    clean.set(entry.getKey(), withoutDirectives(entry.getValue()));
                }
            });
            return clean;
        }
        if (node instanceof ArrayNode array) {
            ArrayNode clean = JsonNodeFactory.instance.arrayNode();
            array.forEach(item -> {
                if (!item.has(PATCH)) {
                    clean.add(withoutDirectives(item));
                }
            });
            return clean;
        }
        return node;
    }
}
