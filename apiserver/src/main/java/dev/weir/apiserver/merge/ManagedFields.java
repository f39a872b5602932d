package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The entries of {@code metadata.managedFields}, by manager. Not thread-safe. */
final class ManagedFields {
    private static final int MOST_UPDATE_MANAGERS = 10;
    private static final String BUCKET = "ancient-changes";

    private final Map<Owner, Owned> entries;

    private ManagedFields(Map<Owner, Owned> entries) {
        this.entries = entries;
    }

    /** Who owns. An applier stays the same whatever version it applies, so its {@code apiVersion} is empty here. */
    record Owner(String manager, String operation, String apiVersion, String subresource) {
        static Owner applier(String manager, String subresource) {
            return new Owner(manager, "Apply", "", subresource);
        }
    }

    /** What is owned, written in the paths of a version; {@code time} is RFC 3339, null where none is known. */
    record Owned(
            FieldSet fields, String apiVersion, @Nullable String time) {
        Owned with(FieldSet others) {
            return new Owned(others, apiVersion, time);
        }
    }

    static ManagedFields read(@Nullable JsonNode managedFields) {
        Map<Owner, Owned> entries = new LinkedHashMap<>();
        if (managedFields != null && managedFields.isArray()) {
            for (JsonNode entry : managedFields) {
                String operation = entry.path("operation").asText();
                String apiVersion = entry.path("apiVersion").asText();
                Owner id = new Owner(
                        entry.path("manager").asText(),
                        operation,
                        operation.equals("Apply") ? "" : apiVersion,
                        entry.path("subresource").asText(""));
                FieldSet fields = FieldSet.fromFieldsV1(entry.path("fieldsV1"));
                String time = entry.hasNonNull("time") ? entry.path("time").asText() : null;
                entries.put(id, new Owned(fields, apiVersion, time));
            }
        }
        return new ManagedFields(entries);
    }

    ManagedFields copy() {
        return new ManagedFields(new LinkedHashMap<>(entries));
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    @Nullable
    Owned get(Owner id) {
        return entries.get(id);
    }

    void put(Owner id, Owned owned) {
        entries.put(id, owned);
    }

    Collection<Owned> values() {
        return entries.values();
    }

    void forEach(BiConsumer<Owner, Owned> visitor) {
        entries.forEach(visitor);
    }

    /** Replaces every entry; those that own nothing any more are dropped. */
    void replaceAll(BiFunction<Owner, Owned, Owned> change) {
        entries.replaceAll(change);
        entries.values().removeIf(owned -> owned.fields().isEmpty());
    }

    /** Folds the oldest of more than ten Update entries of a version into one. */
    void capUpdates() {
        List<Owner> updates = entries.keySet().stream()
                .filter(id -> id.operation().equals("Update"))
                .sorted(Comparator.<Owner, String>comparing(id -> time(entries.get(id)))
                        .thenComparing(Owner::manager)
                        .thenComparing(Owner::subresource))
                .toList();
        int left = updates.size();
        Map<String, Owner> first = new HashMap<>();
        for (Owner id : updates) {
            if (left <= MOST_UPDATE_MANAGERS) {
                return;
            }
            Owner earlier = first.putIfAbsent(id.apiVersion(), id);
            if (earlier == null) {
                continue;
            }
            Owner bucket = new Owner(BUCKET, "Update", id.apiVersion(), "");
            Owned moved = entries.containsKey(bucket) ? null : entries.remove(earlier);
            if (moved != null) {
                entries.put(bucket, moved);
            }
            Owned folded = entries.remove(id);
            if (folded != null) {
                entries.merge(
                        bucket, folded, (a, b) -> new Owned(a.fields().union(b.fields()), b.apiVersion(), b.time()));
            }
            left--;
        }
    }

    private static String time(@Nullable Owned owned) {
        return owned == null || owned.time() == null ? "" : owned.time();
    }

    /** Writes the entries in the order of operation, then time, then manager; removes the field if there are none. */
    void write(ObjectNode object) {
        ObjectNode metadata = object.withObject("/metadata");
        if (entries.isEmpty()) {
            metadata.remove("managedFields");
            return;
        }
        ArrayNode list = metadata.putArray("managedFields");
        entries.entrySet().stream()
                .sorted(Comparator.<Map.Entry<Owner, Owned>, String>comparing(
                                entry -> entry.getKey().operation())
                        .thenComparing(entry -> time(entry.getValue()))
                        .thenComparing(entry -> entry.getKey().manager())
                        .thenComparing(entry -> entry.getValue().apiVersion())
                        .thenComparing(entry -> entry.getKey().subresource()))
                .forEach(entry -> list.add(entry(entry.getKey(), entry.getValue())));
    }

    private static ObjectNode entry(Owner id, Owned owned) {
        ObjectNode entry = Json.MAPPER.createObjectNode();
        entry.put("manager", id.manager()).put("operation", id.operation()).put("apiVersion", owned.apiVersion());
        if (owned.time() != null) {
            entry.put("time", owned.time());
        }
        entry.put("fieldsType", "FieldsV1").set("fieldsV1", owned.fields().toFieldsV1());
        if (!id.subresource().isEmpty()) {
            entry.put("subresource", id.subresource());
        }
        return entry;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ManagedFields fields && entries.equals(fields.entries);
    }

    @Override
    public int hashCode() {
        return entries.hashCode();
    }
}
