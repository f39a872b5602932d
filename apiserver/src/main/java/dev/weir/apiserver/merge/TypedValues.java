package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Merging, comparing and cutting values by schema, after structured-merge-diff (sigs.k8s.io, v6). */
final class TypedValues {
    private static final String UNDECLARED = ": field not declared in schema";

    private TypedValues() {}

    /** What changed from one value to another. */
    record Comparison(FieldSet added, FieldSet modified, FieldSet removed) {
        Comparison() {
            this(new FieldSet(), new FieldSet(), new FieldSet());
        }

        boolean isSame() {
            return added.isEmpty() && modified.isEmpty() && removed.isEmpty();
        }

        Comparison without(FieldSet ignored) {
            return new Comparison(
                    added.recursiveDifference(ignored),
                    modified.recursiveDifference(ignored),
                    removed.recursiveDifference(ignored));
        }
    }

    private static boolean isMap(Schema schema, @Nullable JsonNode a, @Nullable JsonNode b) {
        return schema.type() == Schema.Type.OBJECT
                || schema.isUntyped() && (a instanceof ObjectNode || b instanceof ObjectNode);
    }

    private static boolean isAssociative(Schema schema) {
        return schema.type() == Schema.Type.ARRAY && schema.listKind() != Schema.ListKind.ATOMIC;
    }

    /** The paths that a value sets. */
    static FieldSet fields(Schema schema, JsonNode value) {
        FieldSet set = new FieldSet();
        collect(schema, value, new ArrayList<>(), set);
        return set;
    }

    private static void collect(Schema schema, JsonNode value, List<String> path, FieldSet set) {
        if (isMap(schema, value, null) && !schema.atomicMap()) {
            value.properties().forEach(entry -> {
                String name = entry.getKey();
                JsonNode child = entry.getValue();
                Schema below = PathElements.below(schema, PathElements.field(name));
                path.addLast(PathElements.field(name));
                collect(below, child, path, set);
                if (child.isNull()
                        || child.isObject() && child.isEmpty()
                        || !schema.properties().containsKey(name)
                                && !(schema.embeddedResource() && name.equals("metadata"))) {
                    set.insert(path);
                }
                path.removeLast();
            });
        } else if (isAssociative(schema)) {
            Schema items = schema.items();
            for (JsonNode item : value) {
                path.addLast(PathElements.item(schema, item));
                collect(items, item, path, set);
                set.insert(path);
                path.removeLast();
            }
        } else if (!path.isEmpty()) {
            set.insert(path);
        }
    }

    /** {@code live} with {@code applied} laid over it. */
    static @Nullable JsonNode merge(Schema schema, @Nullable JsonNode live, @Nullable JsonNode applied) {
        if (applied == null) {
            return live;
        }
        if (isMap(schema, live, applied) && !schema.atomicMap() && (live instanceof ObjectNode || live == null)) {
            if (!(applied instanceof ObjectNode)) {
                return applied.isNull() && live != null ? live : applied;
            }
            ObjectNode merged = JsonNodeFactory.instance.objectNode();
            if (live != null) {
                live.properties().forEach(entry -> merged.set(entry.getKey(), entry.getValue()));
            }
            applied.properties().forEach(entry -> {
                Schema below = PathElements.below(schema, PathElements.field(entry.getKey()));
                merged.set(entry.getKey(), merge(below, merged.get(entry.getKey()), entry.getValue()));
            });
            return merged;
        }
        if (isAssociative(schema) && applied.isArray()) {
            return mergeLists(schema, live instanceof ArrayNode list ? list : null, (ArrayNode) applied);
        }
        return applied;
    }

    private static Map<String, JsonNode> index(Schema schema, @Nullable ArrayNode list) {
        Map<String, JsonNode> index = new LinkedHashMap<>();
        if (list != null) {
            list.forEach(item -> index.putIfAbsent(PathElements.item(schema, item), item));
        }
        return index;
    }

    /** Keeps the applied order of shared items and places the others as structured-merge-diff does. */
    private static ArrayNode mergeLists(Schema schema, @Nullable ArrayNode live, ArrayNode applied) {
        Map<String, JsonNode> left = index(schema, live);
        Map<String, JsonNode> right = index(schema, applied);
        List<String> l = List.copyOf(left.keySet());
        List<String> r = List.copyOf(right.keySet());
        List<String> shared = new ArrayList<>(r);
        shared.retainAll(left.keySet());
        Set<String> merged = new LinkedHashSet<>();
        ArrayNode out = JsonNodeFactory.instance.arrayNode();
        int nextShared = 0;
        int i = 0;
        int j = 0;
        while (i < l.size() || j < r.size()) {
            if (i < l.size() && j < r.size()) {
                String element = l.get(i);
                if (element.equals(r.get(j))) {
                    merged.add(element);
                    out.add(merge(schema.items(), left.get(element), right.get(element)));
                    i++;
                    j++;
                    nextShared++;
                    continue;
                }
                if (right.containsKey(element)
                        && nextShared < shared.size()
                        && !shared.get(nextShared).equals(element)) {
                    i++;
                    continue;
                }
            }
            if (i < l.size()) {
                String element = l.get(i);
                if (!right.containsKey(element)) {
                    out.add(left.get(element));
                    i++;
                    continue;
                }
                if (merged.contains(element)) {
                    i++;
                }
            }
            if (j < r.size()) {
                String element = r.get(j);
                merged.add(element);
                out.add(merge(schema.items(), left.get(element), right.get(element)));
                j++;
                if (nextShared < shared.size() && shared.get(nextShared).equals(element)) {
                    nextShared++;
                }
            }
        }
        return out;
    }

    static Comparison compare(Schema schema, JsonNode before, JsonNode after) {
        Comparison comparison = new Comparison();
        compare(schema, before, after, new ArrayList<>(), comparison);
        return comparison;
    }

    private static void compare(
            Schema schema, @Nullable JsonNode before, @Nullable JsonNode after, List<String> path, Comparison out) {
        boolean bothMaps = isMap(schema, before, after) && !schema.atomicMap() && mapLike(before) && mapLike(after);
        boolean bothLists = isAssociative(schema) && listLike(before) && listLike(after);
        if (bothMaps && !(isEmpty(before) && isEmpty(after))) {
            compareMaps(schema, before, after, path, out);
        } else if (bothLists && !(isEmpty(before) && isEmpty(after))) {
            compareLists(schema, before, after, path, out);
        } else {
            leaf(before, after, path, out);
            return;
        }
        if (!path.isEmpty() && before == null) {
            out.added().insert(path);
        } else if (!path.isEmpty() && after == null) {
            out.removed().insert(path);
        }
    }

    private static boolean mapLike(@Nullable JsonNode node) {
        return node == null || node.isNull() || node.isObject();
    }

    private static boolean listLike(@Nullable JsonNode node) {
        return node == null || node.isNull() || node.isArray();
    }

    private static boolean isEmpty(@Nullable JsonNode node) {
        return node == null || node.isNull() || node.isEmpty();
    }

    private static void leaf(@Nullable JsonNode before, @Nullable JsonNode after, List<String> path, Comparison out) {
        if (path.isEmpty() || before == null && after == null) {
            return;
        }
        if (before == null) {
            out.added().insert(path);
        } else if (after == null) {
            out.removed().insert(path);
        } else if (!Json.same(before, after)) {
            out.modified().insert(path);
        }
    }

    private static void compareMaps(
            Schema schema, @Nullable JsonNode before, @Nullable JsonNode after, List<String> path, Comparison out) {
        Set<String> names = new LinkedHashSet<>();
        if (before != null) {
            before.fieldNames().forEachRemaining(names::add);
        }
        if (after != null) {
            after.fieldNames().forEachRemaining(names::add);
        }
        for (String name : names) {
            path.addLast(PathElements.field(name));
            compare(
                    PathElements.below(schema, PathElements.field(name)),
                    before == null ? null : before.get(name),
                    after == null ? null : after.get(name),
                    path,
                    out);
            path.removeLast();
        }
    }

    private static void compareLists(
            Schema schema, @Nullable JsonNode before, @Nullable JsonNode after, List<String> path, Comparison out) {
        Map<String, JsonNode> left = index(schema, before instanceof ArrayNode list ? list : null);
        Map<String, JsonNode> right = index(schema, after instanceof ArrayNode list ? list : null);
        Set<String> elements = new LinkedHashSet<>(left.keySet());
        elements.addAll(right.keySet());
        Schema items = schema.items();
        for (String element : elements) {
            path.addLast(element);
            compare(items, left.get(element), right.get(element), path, out);
            path.removeLast();
        }
    }

    /** The value without the given paths; JSON null where nothing is left of a map or list. */
    static JsonNode remove(Schema schema, JsonNode value, FieldSet paths) {
        if (isMap(schema, value, null)) {
            ObjectNode kept = JsonNodeFactory.instance.objectNode();
            if (!schema.atomicMap()) {
                value.properties().forEach(entry -> {
                    String element = PathElements.field(entry.getKey());
                    if (!paths.hasMember(element)) {
                        kept.set(entry.getKey(), removeBelow(schema, element, entry.getValue(), paths));
                    }
                });
            }
            return kept.isEmpty() ? JsonNodeFactory.instance.nullNode() : kept;
        }
        if (schema.type() == Schema.Type.ARRAY || value.isArray()) {
            ArrayNode kept = JsonNodeFactory.instance.arrayNode();
            if (isAssociative(schema)) {
                for (JsonNode item : value) {
                    String element = PathElements.item(schema, item);
                    if (!paths.hasMember(element)) {
                        kept.add(removeBelow(schema, element, item, paths));
                    }
                }
            }
            return kept.isEmpty() ? JsonNodeFactory.instance.nullNode() : kept;
        }
        return value;
    }

    private static JsonNode removeBelow(Schema schema, String element, JsonNode value, FieldSet paths) {
        FieldSet below = paths.child(element);
        return below == null ? value : remove(PathElements.below(schema, element), value, below);
    }

    /** Removes the nulls that cutting left in {@code cut}, in place; those that {@code whole} has too stay. */
    static void dropNewNulls(JsonNode whole, JsonNode cut) {
        if (cut instanceof ObjectNode object) {
            object.properties()
                    .removeIf(entry -> entry.getValue().isNull()
                            && !whole.path(entry.getKey()).isNull());
            object.properties().forEach(entry -> dropNewNulls(whole.path(entry.getKey()), entry.getValue()));
        } else if (cut.isArray() && cut.size() == whole.size()) {
            for (int i = 0; i < cut.size(); i++) {
                dropNewNulls(whole.get(i), cut.get(i));
            }
        } else {
            cut.forEach(item -> dropNewNulls(JsonNodeFactory.instance.missingNode(), item));
        }
    }

    /** Refuses what the schema does not know, as an applied configuration must be wholly typed. */
    static void requireTyped(Schema schema, JsonNode value, String subject) {
        List<String> errors = new ArrayList<>();
        check(schema, value, "", errors);
        if (!errors.isEmpty()) {
            // upstream stops at the first field that it does not know
            Optional<String> undeclared =
                    errors.stream().filter(error -> error.endsWith(UNDECLARED)).findFirst();
            String list = undeclared.orElseGet(
                    () -> errors.size() == 1 ? errors.getFirst() : "errors:\n  " + String.join("\n  ", errors));
            throw ApiException.internal("failed to create typed patch object (" + subject + "): " + list);
        }
    }

    private static void check(Schema schema, JsonNode value, String path, List<String> errors) {
        if (value.isNull() || schema.isUntyped()) {
            return;
        }
        switch (schema.type()) {
            case OBJECT -> {
                if (!value.isObject()) {
                    errors.add(path + ": expected map, got &{" + value + "}");
                    return;
                }
                value.properties().forEach(entry -> {
                    Schema below = schema.child(entry.getKey());
                    if (below == null) {
                        errors.add(path + "." + entry.getKey() + UNDECLARED);
                    } else {
                        check(below, entry.getValue(), path + "." + entry.getKey(), errors);
                    }
                });
            }
            case ARRAY -> checkList(schema, value, path, errors);
            case STRING, INT_OR_STRING, ANY, BOOLEAN, INTEGER, NUMBER -> checkScalar(schema, value, path, errors);
        }
    }

    private static void checkScalar(Schema schema, JsonNode value, String path, List<String> errors) {
        String expected = switch (schema.type()) {
            case STRING -> value.isTextual() ? "" : "string";
            case BOOLEAN -> value.isBoolean() ? "" : "boolean";
            case INTEGER, NUMBER -> value.isNumber() ? "" : "numeric (int or float)";
            case INT_OR_STRING, ANY, OBJECT, ARRAY -> "";
        };
        if (!expected.isEmpty()) {
            errors.add(
                    path + ": expected " + expected + ", got &value.valueUnstructured{Value:" + goValue(value) + "}");
        }
    }

    private static String goValue(JsonNode value) {
        return value.isTextual() ? value.toString() : value.asText();
    }

    private static void checkList(Schema schema, JsonNode value, String path, List<String> errors) {
        if (!value.isArray()) {
            errors.add(path + ": expected list, got &{" + value + "}");
            return;
        }
        Schema items = schema.items();
        if (schema.listKind() == Schema.ListKind.ATOMIC) {
            for (int i = 0; i < value.size(); i++) {
                check(items, value.get(i), path + "[" + i + "]", errors);
            }
            return;
        }
        Set<String> seen = new LinkedHashSet<>();
        for (JsonNode item : value) {
            String element = PathElements.item(schema, item);
            if (!seen.add(element)) {
                errors.add(path + ": duplicate entries for key " + PathElements.readable(List.of(element)));
            }
            check(items, item, path + PathElements.readable(List.of(element)), errors);
        }
    }
}
