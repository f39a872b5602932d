package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.ManagedFields.Owned;
import dev.weir.apiserver.merge.ManagedFields.Owner;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who owns the replicas, as the scale subresource shows it and writes it back, after apimachinery's ScaleHandler.
 *
 * <p>An owner by update that comes back from the Scale is entered anew, without a time, beside the entry for what else
 * it owns: the original has it so, because the entry's version changes on the way to the Scale and back.
 */
public final class ScaleOwnership {
    private static final String SCALE = "autoscaling/v1";
    private static final List<String> IN_SCALE = elements("spec.replicas");

    private ScaleOwnership() {}

    private static List<String> elements(String dottedPath) {
        return Arrays.stream(dottedPath.split("\\.")).map(PathElements::field).toList();
    }

    private static FieldSet setOf(List<String> path) {
        FieldSet set = new FieldSet();
        set.insert(path);
        return set;
    }

    /** Enters into the Scale whoever owns the object's replicas. {@code path} is dotted, from the object's root. */
    public static void toScale(ObjectNode object, String path, ObjectNode scale) {
        FieldSet replicas = setOf(elements(path));
        ManagedFields inScale = ManagedFields.read(null);
        ManagedFields.read(managed(object)).forEach((id, owned) -> {
            if (!owned.fields().intersection(replicas).isEmpty()) {
                inScale.put(id, new Owned(setOf(IN_SCALE), SCALE, owned.time()));
            }
        });
        inScale.write(scale);
    }

    /** Enters into the object the owners that the Scale names, and takes the replicas away from all others. */
    public static void toParent(ObjectNode scale, ObjectNode object, String path, String apiVersion) {
        FieldSet replicas = setOf(elements(path));
        Map<Owner, Owned> ofScale = new HashMap<>();
        ManagedFields.read(managed(scale)).forEach(ofScale::put);
        ManagedFields parent = ManagedFields.read(managed(object));
        List<Owner> kept = new ArrayList<>();
        parent.replaceAll((id, owned) -> {
            if (owned.fields().intersection(replicas).isEmpty()) {
                return owned;
            }
            if (ofScale.containsKey(id)) {
                kept.add(id);
                return owned;
            }
            return owned.with(owned.fields().difference(replicas));
        });
        kept.forEach(ofScale::remove);
        ofScale.forEach((id, owned) -> {
            if (!owned.fields().intersection(setOf(IN_SCALE)).isEmpty()) {
                Owned before = parent.get(id);
                parent.put(id, new Owned(replicas, apiVersion, before == null ? null : before.time()));
            }
        });
        parent.write(object);
    }

    private static @Nullable JsonNode managed(ObjectNode object) {
        return object.path("metadata").get("managedFields");
    }
}
