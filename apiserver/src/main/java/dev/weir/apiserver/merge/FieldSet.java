package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A set of field paths, written as FieldsV1.
 *
 * <p>Path elements are the strings of FieldsV1: {@code f:name}, {@code k:{"key":"value"}}, {@code v:value}, {@code i:3}.
 * An element may be a member itself, have children, or both. Immutable from outside; operations return new sets.
 */
public final class FieldSet {
    private final TreeSet<String> members = new TreeSet<>();
    private final TreeMap<String, FieldSet> children = new TreeMap<>();

    /** Reads {@code fieldsV1}. */
    public static FieldSet fromFieldsV1(JsonNode fields) {
        FieldSet set = new FieldSet();
        fields.properties().forEach(entry -> {
            String element = entry.getKey();
            if (element.equals(".")) {
                return;
            }
            JsonNode below = entry.getValue();
            if (below.isEmpty() || below.has(".")) {
                set.members.add(element);
            }
            FieldSet child = fromFieldsV1(below);
            if (!child.isEmpty()) {
                set.children.put(element, child);
            }
        });
        return set;
    }

    public ObjectNode toFieldsV1() {
        ObjectNode fields = JsonNodeFactory.instance.objectNode();
        TreeSet<String> elements = new TreeSet<>(members);
        elements.addAll(children.keySet());
        for (String element : elements) {
            FieldSet child = children.get(element);
            ObjectNode below = child == null ? JsonNodeFactory.instance.objectNode() : child.toFieldsV1();
            if (child != null && members.contains(element)) {
                ObjectNode withSelf = JsonNodeFactory.instance.objectNode();
                withSelf.putObject(".");
                withSelf.setAll(below);
                below = withSelf;
            }
            fields.set(element, below);
        }
        return fields;
    }

    public boolean isEmpty() {
        return members.isEmpty() && children.isEmpty();
    }

    /** Adds a path; used while a set is being built. */
    public void insert(List<String> path) {
        FieldSet node = this;
        for (String element : path.subList(0, path.size() - 1)) {
            node = node.children.computeIfAbsent(element, _ -> new FieldSet());
        }
        node.members.add(path.getLast());
    }

    boolean hasMember(String element) {
        return members.contains(element);
    }

    @Nullable
    FieldSet child(String element) {
        return children.get(element);
    }

    public FieldSet union(FieldSet other) {
        FieldSet result = copy();
        result.members.addAll(other.members);
        other.children.forEach((element, child) -> result.children.merge(element, child, FieldSet::union));
        return result;
    }

    public FieldSet intersection(FieldSet other) {
        FieldSet result = new FieldSet();
        result.members.addAll(members);
        result.members.retainAll(other.members);
        children.forEach((element, child) -> {
            FieldSet match = other.children.get(element);
            if (match != null) {
                result.put(element, child.intersection(match));
            }
        });
        return result;
    }

    public FieldSet difference(FieldSet other) {
        FieldSet result = new FieldSet();
        result.members.addAll(members);
        result.members.removeAll(other.members);
        children.forEach((element, child) -> {
            FieldSet match = other.children.get(element);
            result.put(element, match == null ? child : child.difference(match));
        });
        return result;
    }

    /** Removes the paths of {@code other} and everything below them. */
    public FieldSet recursiveDifference(FieldSet other) {
        FieldSet result = new FieldSet();
        members.stream().filter(m -> !other.members.contains(m)).forEach(result.members::add);
        children.forEach((element, child) -> {
            if (other.members.contains(element)) {
                return;
            }
            FieldSet match = other.children.get(element);
            result.put(element, match == null ? child : child.recursiveDifference(match));
        });
        return result;
    }

    /** The set with every declared field on the way to a member made a member too. */
    FieldSet withNamedFields(Schema schema) {
        FieldSet result = new FieldSet();
        result.members.addAll(members);
        children.forEach((element, child) -> {
            if (element.startsWith("f:") && schema.properties().containsKey(element.substring(2))) {
                result.members.add(element);
            }
            result.put(element, child.withNamedFields(PathElements.below(schema, element)));
        });
        return result;
    }

    /** Every member, as a list of elements from the root, in order. */
    public List<List<String>> paths() {
        List<List<String>> paths = new ArrayList<>();
        collect(new ArrayList<>(), paths);
        return paths;
    }

    /** Members of a node come before what lies below its children, as structured-merge-diff iterates. */
    private void collect(List<String> prefix, List<List<String>> paths) {
        for (String element : members) {
            paths.add(append(prefix, element));
        }
        children.forEach((element, child) -> child.collect(append(prefix, element), paths));
    }

    private static List<String> append(List<String> prefix, String element) {
        List<String> path = new ArrayList<>(prefix);
        path.add(element);
        return path;
    }

    private void put(String element, FieldSet child) {
        if (!child.isEmpty()) {
            children.put(element, child);
        }
    }

    private FieldSet copy() {
        FieldSet copy = new FieldSet();
        copy.members.addAll(members);
        copy.children.putAll(children);
        return copy;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof FieldSet set && members.equals(set.members) && children.equals(set.children);
    }

    @Override
    public int hashCode() {
        return Map.of("members", members, "children", children).hashCode();
    }

    @Override
    public String toString() {
        return toFieldsV1().toString();
    }
}
