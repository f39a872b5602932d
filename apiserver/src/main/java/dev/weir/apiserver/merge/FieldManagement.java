package dev.weir.apiserver.merge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.ManagedFields.Owned;
import dev.weir.apiserver.merge.ManagedFields.Owner;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
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
    private static final String KUBECTL = "kubectl";
    private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
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
        ManagedFields managers =
                ManagedFields.read(clears ? null : sent != null && live != null ? sent : managed(live));
        if (live != null && managers.isEmpty()) {
            managers.write(candidate);
            return;
        }
        ObjectNode before = live == null ? schema.emptyStruct() : withoutManagedFields(live);
        ObjectNode after = withoutManagedFields(candidate);
        TypedValues.Comparison change =
                TypedValues.compare(schema, before, after).without(reset);
        Owner self = new Owner(writer.manager(), "Update", apiVersion, writer.subresource());
        FieldSet taken = strip(change.added().union(change.modified()));
        take(managers, null, change);
        if (!taken.isEmpty()) {
            Owned previous = managers.get(self);
            FieldSet all = previous == null ? taken : previous.fields().union(taken);
            managers.put(self, new Owned(all, apiVersion, writer.now()));
        }
        managers.capUpdates();
        managers.write(candidate);
    }

    /** Takes what changed away from everybody but one, and what is gone from everybody else. */
    private static void take(ManagedFields managers, @Nullable Owner except, TypedValues.Comparison change) {
        FieldSet changed = change.added().union(change.modified());
        managers.replaceAll((id, owned) -> id.equals(except)
                ? owned
                : owned.with(owned.fields().difference(changed).difference(change.removed())));
    }

    /**
     * Applies a configuration.
     *
     * @return the merged object, or empty if neither the object nor its ownership changes
     * @throws ApiException 409 if others own what changes and {@code force} is false
     */
    public Optional<ObjectNode> apply(@Nullable ObjectNode live, ObjectNode config, Writer writer, boolean force) {
        ObjectNode before = live == null ? schema.emptyStruct() : withoutManagedFields(live);
        ManagedFields former = ManagedFields.read(managed(live));
        ManagedFields managers = former.copy();
        if (live != null && managers.isEmpty()) {
            managers.put(
                    new Owner("before-first-apply", "Update", apiVersion, writer.subresource()),
                    new Owned(strip(TypedValues.fields(schema, before)), apiVersion, writer.now()));
        }
        Owner self = Owner.applier(writer.manager(), writer.subresource());
        Owned last = managers.get(self);
        ObjectNode wanted = withoutManagedFields(config);
        FieldSet set = strip(TypedValues.fields(schema, wanted)).recursiveDifference(reset);
        managers.put(self, new Owned(set, apiVersion, last == null ? null : last.time()));

        ObjectNode merged = asObject(TypedValues.merge(schema, before, wanted));
        if (last != null && !last.fields().isEmpty()) {
            merged = prune(merged, managers, last.fields());
        }
        TypedValues.Comparison compared = TypedValues.compare(schema, before, merged);
        TypedValues.Comparison change = compared.without(reset);
        if (!force) {
            refuseConflicts(live, managers, self, change);
        }
        take(managers, self, change);
        boolean sameObject = live != null && compared.isSame();
        if (sameObject && former.equals(managers)) {
            return Optional.empty();
        }
        Owned own = managers.get(self);
        if (own != null && !sameObject) {
            // who applies what is there already is entered without a time
            managers.put(self, new Owned(own.fields(), own.apiVersion(), writer.now()));
        }
        ObjectNode result = merged.deepCopy();
        managers.write(result);
        syncLastApplied(result, config, writer);
        return Optional.of(result);
    }

    /** {@code kubectl apply} after {@code kubectl apply --server-side} must not undo it, so its annotation follows. */
    private static void syncLastApplied(ObjectNode result, ObjectNode config, Writer writer) {
        if (writer.manager().equals(KUBECTL)
                && result.path("metadata").path("annotations").has(LAST_APPLIED)) {
            ObjectNode plain = withoutManagedFields(config);
            if (plain.path("metadata").get("annotations") instanceof ObjectNode annotations) {
                annotations.remove(LAST_APPLIED);
            }
            result.withObject("/metadata")
                    .withObject("/annotations")
                    .put(LAST_APPLIED, Json.write(Json.sorted(plain)) + "\n");
        }
    }

    /**
     * Takes away what the manager applied last time and nobody claims now: what it no longer applies goes first, then
     * what others own comes back, then what it never owned.
     */
    private ObjectNode prune(ObjectNode merged, ManagedFields managers, FieldSet last) {
        FieldSet managed = new FieldSet();
        for (Owned owned : managers.values()) {
            managed = managed.union(owned.fields());
        }
        FieldSet all = TypedValues.fields(schema, merged).withNamedFields(schema);
        FieldSet dropped = last.withNamedFields(schema);
        ObjectNode pruned = removed(merged, dropped);
        FieldSet kept = fieldsOf(pruned).union(managed.withNamedFields(schema));
        pruned = removed(merged, all.difference(kept));
        FieldSet gone = all.difference(fieldsOf(pruned)).intersection(dropped);
        ObjectNode result = removed(merged, gone);
        TypedValues.dropNewNulls(merged, result);
        return result;
    }

    private FieldSet fieldsOf(ObjectNode object) {
        return TypedValues.fields(schema, object).withNamedFields(schema);
    }

    private ObjectNode removed(ObjectNode merged, FieldSet paths) {
        return asObject(TypedValues.remove(schema, merged, paths));
    }

    private void refuseConflicts(
            @Nullable ObjectNode live, ManagedFields managers, Owner self, TypedValues.Comparison change) {
        FieldSet changed = change.added().union(change.modified());
        FieldSet disputed =
                self.manager().equals(KUBECTL) && live != null ? changed.difference(lastApplied(live)) : changed;
        List<Conflict> conflicts = new ArrayList<>();
        managers.forEach((id, owned) -> {
            if (!id.equals(self)) {
                owned.fields()
                        .intersection(disputed)
                        .paths()
                        .forEach(path -> conflicts.add(new Conflict(id, owned.apiVersion(), path)));
            }
        });
        if (!conflicts.isEmpty()) {
            throw conflict(conflicts);
        }
    }

    private record Conflict(Owner with, String apiVersion, List<String> path) {
        String withWhom() {
            StringBuilder text =
                    new StringBuilder(Json.write(Json.MAPPER.getNodeFactory().textNode(with.manager())));
            if (!with.subresource().isEmpty()) {
                text.append(" with subresource ")
                        .append(Json.write(Json.MAPPER.getNodeFactory().textNode(with.subresource())));
            }
            if (with.operation().equals("Update")) {
                text.append(" using ").append(apiVersion);
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

    /** What client-side apply set and nobody changed since: kubectl may take that over without a conflict. */
    private FieldSet lastApplied(ObjectNode live) {
        String text =
                live.path("metadata").path("annotations").path(LAST_APPLIED).asText("");
        if (text.isEmpty()) {
            return new FieldSet();
        }
        try {
            if (!(Json.MAPPER.readTree(text) instanceof ObjectNode applied)) {
                return new FieldSet();
            }
            TypedValues.Comparison since = TypedValues.compare(schema, applied, withoutManagedFields(live));
            return TypedValues.fields(schema, applied)
                    .difference(since.modified())
                    .difference(since.added())
                    .difference(since.removed());
        } catch (JsonProcessingException unreadable) {
            return new FieldSet();
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
}
