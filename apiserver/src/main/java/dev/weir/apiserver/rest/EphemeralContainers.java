package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The subresource by which containers join a pod that runs, as {@code kubectl debug} has them do. Pure. */
final class EphemeralContainers {
    static final String NAME = "ephemeralcontainers";

    private static final String FIELD = "ephemeralContainers";

    private EphemeralContainers() {}

    /** The live pod with the wanted ephemeral containers, whatever else the writer sent. */
    static ObjectNode only(ObjectNode wanted, ObjectNode live) {
        ObjectNode next = live.deepCopy();
        JsonNode containers = wanted.path("spec").path(FIELD);
        if (!containers.isEmpty()) {
            next.withObject("/spec").set(FIELD, containers.deepCopy());
        } else {
            next.withObject("/spec").remove(FIELD);
        }
        JsonNode fields = wanted.path("metadata").path("managedFields");
        if (!fields.isMissingNode()) {
            next.withObject("/metadata").set("managedFields", fields.deepCopy());
        }
        return next;
    }

    /** They come and stay as they are, under names of their own. */
    static List<FieldError> problems(ObjectNode next, ObjectNode live) {
        List<FieldError> errors = new ArrayList<>();
        JsonNode now = next.path("spec").path(FIELD);
        for (JsonNode before : live.path("spec").path(FIELD)) {
            String name = before.path("name").asText();
            JsonNode after = named(now, name);
            if (after == null || !Json.same(before, after)) {
                errors.add(new FieldError(
                        Kind.FORBIDDEN,
                        "spec." + FIELD,
                        null,
                        "existing ephemeral containers \"" + name + "\" may not be "
                                + (after == null ? "removed" : "changed")));
            }
        }
        Set<String> taken = new HashSet<>();
        for (String list : List.of("containers", "initContainers")) {
            next.path("spec")
                    .path(list)
                    .forEach(container -> taken.add(container.path("name").asText()));
        }
        for (int i = 0; i < now.size(); i++) {
            String name = now.get(i).path("name").asText("");
            if (!now.get(i).path("ports").isEmpty()) {
                errors.add(new FieldError(
                        Kind.FORBIDDEN,
                        "spec." + FIELD + "[" + i + "].ports",
                        null,
                        "cannot be set for an Ephemeral Container"));
            }
            String aim = now.get(i).path("targetContainerName").asText("");
            if (!aim.isEmpty() && named(next.path("spec").path("containers"), aim) == null) {
                errors.add(new FieldError(
                        Kind.NOT_FOUND, "spec." + FIELD + "[" + i + "].targetContainerName", "\"" + aim + "\"", ""));
            }
            if (name.isEmpty()) {
                errors.add(new FieldError(Kind.REQUIRED, "spec." + FIELD + "[" + i + "].name", null, ""));
            } else if (!taken.add(name)) {
                errors.add(
                        new FieldError(Kind.DUPLICATE, "spec." + FIELD + "[" + i + "].name", "\"" + name + "\"", ""));
            }
        }
        return errors;
    }

    private static @Nullable JsonNode named(JsonNode containers, String name) {
        for (JsonNode container : containers) {
            if (container.path("name").asText().equals(name)) {
                return container;
            }
        }
        return null;
    }
}
