package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** What an object says of itself: its kind, version, namespace, and what of its metadata never changes. */
final class Identity {
    private static final String IMMUTABLE = "field is immutable";

    private final Kinds kinds;

    Identity(Kinds kinds) {
        this.kinds = kinds;
    }

    /**
     * Checks what a body says of itself against where it is sent. What a custom resource says, and namespaces, are looked
     * at after the rest was read.
     *
     * @param decode reads the rest; its answer is handed on, also with what is refused after it
     */
    List<String> check(
            Writes.Target target, ObjectNode object, boolean custom, Function<ObjectNode, List<String>> decode) {
        ResourceType type = target.type();
        String kind = object.path("kind").asText("");
        String apiVersion = object.path("apiVersion").asText("");
        if (custom && kind.isEmpty()) {
            throw ApiException.badRequest("the object provided is unrecognized (must be of type " + type.kind()
                    + "): Object 'Kind' is missing in '" + Json.write(object) + "'");
        }
        if (!custom) {
            checkBuiltIn(type, kind, apiVersion);
        } else if (!apiVersion.startsWith(type.group() + "/") && !apiVersion.isEmpty()) {
            throw versionMismatch(type, apiVersion);
        }
        checkMetadata(type, object);
        object.put("apiVersion", type.apiVersion()).put("kind", type.kind());
        object.withObject("/metadata");
        List<String> warnings = decode.apply(object);
        try {
            if (custom) {
                checkCustom(type, object, kind, apiVersion);
            }
            place(target, object);
        } catch (ApiException refused) {
            throw refused.withWarnings(warnings);
        }
        return warnings;
    }

    private void checkBuiltIn(ResourceType type, String kind, String apiVersion) {
        if (!kind.isEmpty() && !kind.equals(type.kind())
                || !apiVersion.isEmpty() && !apiVersion.equals(type.apiVersion())) {
            refuseBuiltIn(
                    type, kind.isEmpty() ? type.kind() : kind, apiVersion.isEmpty() ? type.apiVersion() : apiVersion);
        }
    }

    private static void checkMetadata(ResourceType type, ObjectNode object) {
        JsonNode metadata = object.path("metadata");
        if (!metadata.isObject() && !metadata.isNull() && !metadata.isMissingNode()) {
            throw ApiException.badRequest(type.kind() + " in version \"" + type.version() + "\" cannot be handled as a "
                    + type.kind() + ": json: cannot unmarshal "
                    + metadata.getNodeType().name().toLowerCase(Locale.ROOT) + " into Go struct field " + type.kind()
                    + ".metadata of type v1.ObjectMeta");
        }
    }

    private static void place(Writes.Target target, ObjectNode object) {
        ResourceType type = target.type();
        JsonNode namespace = object.path("metadata").path("namespace");
        if (type.namespaced()
                && !namespace.asText("").isEmpty()
                && !namespace.asText().equals(target.namespace())) {
            throw ApiException.badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request");
        }
        if (type.namespaced()) {
            object.withObject("/metadata").put("namespace", target.namespace());
        } else {
            object.withObject("/metadata").remove("namespace");
        }
    }

    private static void checkCustom(ResourceType type, ObjectNode object, String kind, String apiVersion) {
        if (!apiVersion.isEmpty() && !apiVersion.equals(type.apiVersion())) {
            throw versionMismatch(type, apiVersion);
        }
        if (!kind.equals(type.kind())) {
            throw ApiException.invalid(
                    type.group(),
                    kind,
                    object.path("metadata").path("name").asText(""),
                    List.of(new FieldError(
                            FieldError.Kind.INVALID, "kind", "\"" + kind + "\"", "must be " + type.kind())));
        }
    }

    private static ApiException versionMismatch(ResourceType type, String apiVersion) {
        return ApiException.badRequest("the API version in the data (" + apiVersion
                + ") does not match the expected API version (" + type.apiVersion() + ")");
    }

    /** Upstream decodes what it knows and then fails to convert it; what it does not know it cannot decode. */
    private void refuseBuiltIn(ResourceType type, String kind, String apiVersion) {
        String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
        boolean status = kind.equals("Status") && apiVersion.equals("v1");
        boolean known = status || kinds.findKind(apiVersion, kind).isPresent();
        if (known && kind.equals(type.kind())) {
            throw versionMismatch(type, apiVersion);
        }
        String internal = type.group().isEmpty() ? "core" : type.group().split("\\.", 2)[0];
        throw ApiException.badRequest(
                kind + " in version \"" + version + "\" cannot be handled as a " + type.kind() + ": "
                        + (known
                                ? "converting (" + version + "." + kind + ") to (" + internal + "." + type.kind()
                                        + "): unknown conversion"
                                : "no kind \"" + kind + "\" is registered for version \"" + apiVersion
                                        + "\" in scheme \"pkg/runtime/scheme.go:110\""));
    }

    /** Where an update would change what an object keeps from its creation to its end. */
    static List<FieldError> changed(JsonNode wanted, JsonNode before) {
        List<FieldError> errors = new ArrayList<>();
        String uid = wanted.path("uid").asText("");
        if (!uid.isEmpty() && !uid.equals(before.path("uid").asText(""))) {
            errors.add(new FieldError(FieldError.Kind.INVALID, "metadata.uid", "\"" + uid + "\"", IMMUTABLE));
        }
        String deletion = wanted.path("deletionTimestamp").asText("");
        if (!deletion.isEmpty() && !before.has("deletionTimestamp")) {
            errors.add(new FieldError(
                    FieldError.Kind.INVALID, "metadata.deletionTimestamp", "\"" + deletion + "\"", IMMUTABLE));
        }
        return errors;
    }
}
