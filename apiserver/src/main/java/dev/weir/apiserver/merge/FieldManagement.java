package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who set which field: {@code metadata.managedFields}, for server-side apply and for every other write.
 *
 * <p>Pure; follows apimachinery's managedfields package and structured-merge-diff's Updater.
 */
public final class FieldManagement {
    private static final int MOST_UPDATE_MANAGERS = 10;
    private static final List<String> UNTRACKED_METADATA = List.of(
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion");

    private final Schema schema;
    private final String apiVersion;
    private final FieldSet reset;

    /**
     * @param reset paths that this endpoint does not write, for example {@code status} on the main resource
     */
    public FieldManagement(Schema schema, String apiVersion, FieldSet reset) {
        this.schema = schema;
        this.apiVersion = apiVersion;
        this.reset = reset;
    }

    /** A writer: {@code subresource} is empty for the main resource, {@code now} is RFC 3339 in seconds. */
    public record Writer(String manager, String subresource, String now) {}

    private record Id(String manager, String operation, String apiVersion, String subresource) {}

    private record Owned(FieldSet fields, @Nullable String time) {}

    /** The set of the given top-level fields. */
    public static FieldSet topLevel(List<String> names) {
        FieldSet set = new FieldSet();
        names.forEach(name -> set.insert(List.of(PathElements.field(name))));
        return set;
    }

    /**
     * Records what a create, update or patch changed.
     *
     * @param live null on create
     * @param candidate the object to be written; its managedFields are replaced
     */
    public void track(@Nullable ObjectNode live, ObjectNode candidate, Writer writer) {
        JsonNode sent = candidate.path("metadata").get("managedFields");
        boolean clears = sent != null
                && sent.isArray()
                && (sent.isEmpty() || sent.size() == 1 && sent.get(0).isEmpty());
        Map<Id, Owned> managers = read(clears ? null : sent != null && live != null ? sent : managed(live));
        if (live != null && managers.isEmpty()) {
            write(candidate, managers);
            return;
        }
        ObjectNode before = live == null ? schema.emptyStruct() : withoutManagedFields(live);
        ObjectNode after = withoutManagedFields(candidate);
        TypedValues.Comparison change =
                TypedValues.compare(schema, before, after).without(reset);
        Id self = new Id(writer.manager(), "Update", apiVersion, writer.subresource());
        FieldSet taken = strip(change.added().union(change.modified()));
        take(managers, self, change);
        if (!taken.isEmpty()) {
            Owned previous = managers.get(self);
            FieldSet all = previous == null ? taken : previous.fields().union(taken);
            managers.put(self, new Owned(all, writer.now()));
        }
        capUpdates(managers);
        write(candidate, managers);
    }

    private static void take(Map<Id, Owned> managers, @Nullable Id except, TypedValues.Comparison change) {
        FieldSet changed = change.added().union(change.modified());
        managers.replaceAll((id, owned) -> new Owned(
                (id.equals(except) ? owned.fields() : owned.fields().difference(changed)).difference(change.removed()),
                owned.time()));
        managers.values().removeIf(owned -> owned.fields().isEmpty());
    }

    /**
     * Applies a configuration.
     *
     * @return the merged object, or empty if neither the object nor its ownership changes
     * @throws ApiException 409 if others own what changes and {@code force} is false
     */
    public Optional<ObjectNode> apply(@Nullable ObjectNode live, ObjectNode config, Writer writer, boolean force) {
        ObjectNode before = live == null ? schema.emptyStruct() : withoutManagedFields(live);
        Map<Id, Owned> former = read(managed(live));
        Map<Id, Owned> managers = new LinkedHashMap<>(former);
        if (live != null && managers.isEmpty()) {
            managers.put(
                    new Id("before-first-apply", "Update", apiVersion, ""),
                    new Owned(strip(TypedValues.fields(schema, before)), null));
        }
        Id self = new Id(writer.manager(), "Apply", apiVersion, writer.subresource());
        Owned last = managers.get(self);
        ObjectNode wanted = withoutManagedFields(config);
        FieldSet set = strip(TypedValues.fields(schema, wanted)).recursiveDifference(reset);
        managers.put(self, new Owned(set, last == null ? null : last.time()));

        ObjectNode merged = asObject(TypedValues.merge(schema, before, wanted));
        if (last != null && !last.fields().isEmpty()) {
            merged = prune(merged, managers, last.fields());
        }
        TypedValues.Comparison change =
                TypedValues.compare(schema, before, merged).without(reset);
        if (!force) {
            refuseConflicts(managers, self, change);
        }
        take(managers, self, change);
        boolean sameObject = live != null && Json.same(before, merged);
        if (sameObject && former.equals(managers)) {
            return Optional.empty();
        }
        Owned own = managers.get(self);
        if (own != null) {
            managers.put(self, new Owned(own.fields(), writer.now()));
        }
        ObjectNode result = merged.deepCopy();
        write(result, managers);
        return Optional.of(result);
    }

    private ObjectNode prune(ObjectNode merged, Map<Id, Owned> managers, FieldSet last) {
        FieldSet managed = new FieldSet();
        for (Owned owned : managers.values()) {
            managed = managed.union(owned.fields());
        }
        FieldSet dropped = last.withNamedFields(schema).difference(managed.withNamedFields(schema));
        JsonNode pruned = TypedValues.remove(schema, merged, keepingOwned(dropped, managed));
        return pruned == null ? Json.MAPPER.createObjectNode() : asObject(pruned);
    }

    /** An item that others own fields of stays, so only its dropped leaves go. */
    private static FieldSet keepingOwned(FieldSet dropped, FieldSet managed) {
        FieldSet result = new FieldSet();
        for (List<String> path : dropped.paths()) {
            FieldSet below = managed;
            for (String element : path) {
                below = below == null ? null : below.child(element);
            }
            if (below == null || below.isEmpty()) {
                result.insert(path);
            }
        }
        return result;
    }

    private static void refuseConflicts(Map<Id, Owned> managers, Id self, TypedValues.Comparison change) {
        FieldSet changed = change.added().union(change.modified());
        List<Conflict> conflicts = new ArrayList<>();
        managers.forEach((id, owned) -> {
            if (!id.equals(self)) {
                owned.fields().intersection(changed).paths().forEach(path -> conflicts.add(new Conflict(id, path)));
            }
        });
        if (!conflicts.isEmpty()) {
            throw conflict(conflicts);
        }
    }

    private record Conflict(Id with, List<String> path) {
        String withWhom() {
            StringBuilder text =
                    new StringBuilder(Json.write(Json.MAPPER.getNodeFactory().textNode(with.manager())));
            if (!with.subresource().isEmpty()) {
                text.append(" with subresource ")
                        .append(Json.write(Json.MAPPER.getNodeFactory().textNode(with.subresource())));
            }
            if (with.operation().equals("Update")) {
                text.append(" using ").append(with.apiVersion());
            }
            return text.toString();
        }
    }

    private static ApiException conflict(List<Conflict> conflicts) {
        Map<String, List<String>> byManager = new TreeMap<>();
        for (Conflict conflict : conflicts) {
            byManager
                    .computeIfAbsent(conflict.withWhom(), _ -> new ArrayList<>())
                    .add(PathElements.readable(conflict.path()));
        }
        List<ApiException.ApplyCause> causes = new ArrayList<>();
        List<String> parts = new ArrayList<>();
        byManager.forEach((with, fields) -> {
            fields.forEach(field -> causes.add(new ApiException.ApplyCause("conflict with " + with, field)));
            parts.add("conflicts with " + with + ":\n- " + String.join("\n- ", fields));
        });
        String words = causes.size() == 1
                ? "Apply failed with 1 conflict: " + causes.getFirst().message() + ": "
                        + causes.getFirst().field()
                : "Apply failed with " + causes.size() + " conflicts: " + String.join("\n", parts);
        return ApiException.applyConflict(words, causes);
    }

    private static FieldSet strip(FieldSet set) {
        FieldSet untracked = new FieldSet();
        untracked.insert(List.of("f:apiVersion"));
        untracked.insert(List.of("f:kind"));
        untracked.insert(List.of("f:metadata"));
        UNTRACKED_METADATA.forEach(name -> untracked.insert(List.of("f:metadata", PathElements.field(name))));
        return set.difference(untracked);
    }

    /** Folds the oldest of more than ten Update entries into one. */
    private void capUpdates(Map<Id, Owned> managers) {
        List<Map.Entry<Id, Owned>> updates = managers.entrySet().stream()
                .filter(entry -> entry.getKey().operation().equals("Update")
                        && entry.getKey().subresource().isEmpty())
                .sorted(Comparator.comparing(
                        entry -> String.valueOf(entry.getValue().time())))
                .map(entry -> Map.entry(entry.getKey(), entry.getValue()))
                .toList();
        int over = updates.size() - MOST_UPDATE_MANAGERS;
        if (over <= 0) {
            return;
        }
        for (var entry : updates.subList(0, over + 1)) {
            managers.remove(entry.getKey());
            Id ancient = new Id("ancient-changes", "Update", entry.getKey().apiVersion(), "");
            managers.merge(
                    ancient, entry.getValue(), (a, b) -> new Owned(a.fields().union(b.fields()), b.time()));
        }
    }

    private static @Nullable JsonNode managed(@Nullable ObjectNode live) {
        return live == null ? null : live.path("metadata").get("managedFields");
    }

    private static ObjectNode withoutManagedFields(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        if (copy.get("metadata") instanceof ObjectNode metadata) {
            metadata.remove("managedFields");
        }
        return copy;
    }

    private static ObjectNode asObject(@Nullable JsonNode node) {
        return node instanceof ObjectNode object ? object : Json.MAPPER.createObjectNode();
    }

    private static Map<Id, Owned> read(@Nullable JsonNode managedFields) {
        Map<Id, Owned> managers = new LinkedHashMap<>();
        if (managedFields != null && managedFields.isArray()) {
            for (JsonNode entry : managedFields) {
                Id id = new Id(
                        entry.path("manager").asText(),
                        entry.path("operation").asText(),
                        entry.path("apiVersion").asText(),
                        entry.path("subresource").asText(""));
                managers.put(
                        id,
                        new Owned(
                                FieldSet.fromFieldsV1(entry.path("fieldsV1")),
                                entry.hasNonNull("time") ? entry.path("time").asText() : null));
            }
        }
        return managers;
    }

    /** Entries in the order of operation, then time, then manager. */
    private static void write(ObjectNode object, Map<Id, Owned> managers) {
        ObjectNode metadata = object.withObject("/metadata");
        if (managers.isEmpty()) {
            metadata.remove("managedFields");
            return;
        }
        ArrayNode list = metadata.putArray("managedFields");
        managers.entrySet().stream()
                .sorted(Comparator.<Map.Entry<Id, Owned>, String>comparing(
                                entry -> entry.getKey().operation())
                        .thenComparing(entry -> String.valueOf(entry.getValue().time()))
                        .thenComparing(entry -> entry.getKey().manager())
                        .thenComparing(entry -> entry.getKey().apiVersion())
                        .thenComparing(entry -> entry.getKey().subresource()))
                .forEach(entry -> list.add(entry(entry.getKey(), entry.getValue())));
    }

    private static ObjectNode entry(Id id, Owned owned) {
        ObjectNode entry = Json.MAPPER.createObjectNode();
        entry.put("manager", id.manager()).put("operation", id.operation()).put("apiVersion", id.apiVersion());
        if (owned.time() != null) {
            entry.put("time", owned.time());
        }
        entry.put("fieldsType", "FieldsV1").set("fieldsV1", owned.fields().toFieldsV1());
        if (!id.subresource().isEmpty()) {
            entry.put("subresource", id.subresource());
        }
        return entry;
    }
}
