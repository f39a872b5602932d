package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.AppliedTypes;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.merge.Patches;
import dev.weir.apiserver.merge.StrategicMerge;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The four kinds of PATCH. */
public final class PatchWrites {
    /** As much as a request may bring at once; else patches could make objects grow without end. */
    private static final int MOST_OBJECT = 3 * 1024 * 1024;

    private final Resources resources;
    private final Writes writes;

    public PatchWrites(Resources resources, Writes writes) {
        this.resources = resources;
        this.writes = writes;
    }

    public ApiResponse patch(Writes.Target target, ApiRequest request) {
        ResourceStrategy strategy = resources.strategy(target.type());
        boolean strategic = strategy.servesStrategicMerge();
        String contentType = request.contentType();
        switch (contentType) {
            case "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml" -> {}
            case "application/strategic-merge-patch+json" -> {
                if (!strategic) {
                    throw Bodies.unknownPatchType(true);
                }
            }
            default -> throw Bodies.unknownPatchType(!strategic);
        }
        WriteOptions options = WriteOptions.of(request, "PatchOptions");
        if (contentType.equals("application/apply-patch+yaml")) {
            return apply(target, request, options);
        }
        if (contentType.equals("application/strategic-merge-patch+json") && request.body().length == 0) {
            throw ApiException.badRequest("unexpected end of JSON input");
        }
        JsonNode patch = Bodies.patch(request);
        resources.get(target.type(), target.namespace(), target.name());
        List<String> warnings = new ArrayList<>();
        UnaryOperator<ObjectNode> change = live -> switch (contentType) {
            case "application/json-patch+json" -> Patches.jsonPatch(live, patch);
            case "application/merge-patch+json" -> asObject(Patches.mergePatch(live, asObject(patch)));
            default -> {
                checkStrategicTypes(strategy, asObject(patch));
                // its structs know their kind whatever the patch says
                yield StrategicMerge.patch(strategy.schema(), live, asObject(patch))
                        .put("kind", target.type().kind())
                        .put("apiVersion", target.type().apiVersion());
            }
        };
        Writes.Written result = writes.modify(target, options, live -> {
            ObjectNode patched = change.apply(live);
            warnings.clear();
            warnings.addAll(decodePatched(target, strategy, patched, options));
            strategy.setDefaults(patched);
            writes.management(target).track(live, patched, writes.writer(target, options));
            return patched;
        });
        return result.answer(200, warnings);
    }

    private static void requireSize(String object) {
        if (object.length() > MOST_OBJECT) {
            throw ApiException.tooLarge(
                    "Request entity too large: limit is " + MOST_OBJECT + " for an object that a patch makes");
        }
    }

    static ObjectNode asObject(JsonNode node) {
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw ApiException.badRequest("json: cannot unmarshal value into Go value of type map[string]interface {}");
    }

    private List<String> decodePatched(
            Writes.Target target, ResourceStrategy strategy, ObjectNode patched, WriteOptions options) {
        ResourceType type = target.type();
        if (patched.path("metadata").path("managedFields") instanceof ArrayNode none && none.isEmpty()) {
            // says that nobody manages anything, and must not be dropped as an empty list
            none.addObject();
        }
        boolean unconditional = List.of("", "0")
                .contains(patched.path("metadata").path("resourceVersion").asText(""));
        if (unconditional && !strategy.allowsUnconditionalUpdate()) {
            throw Writes.unconditional(type, target.name());
        }
        String kind = patched.path("kind").asText("");
        if (!kind.equals(type.kind())) {
            if (strategy.servesStrategicMerge()) {
                throw notDecodable(
                        Json.write(patched),
                        "no kind \"" + kind + "\" is registered for version \"" + type.apiVersion()
                                + "\" in scheme \"pkg/runtime/scheme.go:110\"");
            }
            throw ApiException.invalid(
                    type.group(),
                    kind,
                    target.name(),
                    List.of(new FieldError(
                            FieldError.Kind.INVALID, "kind", "\"" + kind + "\"", "must be " + type.kind())));
        }
        checkVersion(target, strategy, patched);
        String version = patched.path("apiVersion").asText("");
        if (strategy.servesStrategicMerge()
                && !version.equals(type.apiVersion())
                && resources.kinds().findKind(version, kind).isEmpty()) {
            throw notDecodable(
                    Json.write(patched),
                    "no kind \"" + kind + "\" is registered for version \"" + version
                            + "\" in scheme \"pkg/runtime/scheme.go:110\"");
        }
        String before = Json.write(patched);
        requireSize(before);
        try {
            List<String> warnings = options.report(type, strategy.decode(patched));
            try {
                checkIdentity(target, patched);
            } catch (ApiException refused) {
                throw refused.withWarnings(warnings);
            }
            return warnings;
        } catch (ApiException wrongType) {
            String marker = "cannot be handled as a " + type.kind() + ": ";
            String message = String.valueOf(wrongType.getMessage());
            if (wrongType.code() == 400 && message.contains(marker)) {
                throw notDecodable(before, message.substring(message.indexOf(marker) + marker.length()));
            }
            throw wrongType;
        }
    }

    /** A patch moves nothing to another name or namespace. */
    private static void checkIdentity(Writes.Target target, ObjectNode patched) {
        if (patched.path("metadata").path("name").asText("").isEmpty()) {
            throw undeterminable(target);
        }
        checkName(target, patched);
        String namespace = patched.path("metadata").path("namespace").asText("");
        if (target.type().namespaced() && !namespace.isEmpty() && !namespace.equals(target.namespace())) {
            throw ApiException.badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request");
        }
    }

    private static void checkVersion(Writes.Target target, ResourceStrategy strategy, ObjectNode patched) {
        String apiVersion = patched.path("apiVersion").asText("");
        if (!strategy.servesStrategicMerge() && !apiVersion.equals(target.type().apiVersion())) {
            throw ApiException.invalid(
                    apiVersion.contains("/") ? apiVersion.substring(0, apiVersion.indexOf('/')) : "",
                    target.type().kind(),
                    target.name(),
                    List.of(new FieldError(
                            FieldError.Kind.INVALID,
                            "apiVersion",
                            "\"" + apiVersion + "\"",
                            "must be " + target.type().apiVersion())));
        }
    }

    private static ApiException notDecodable(String value, String detail) {
        return ApiException.invalid(
                "",
                "",
                "",
                List.of(new FieldError(
                        FieldError.Kind.INVALID,
                        "patch",
                        Json.write(Json.MAPPER.getNodeFactory().textNode(value)),
                        detail)));
    }

    /** A strategic patch is converted by reflection, which words wrong types in its own way. */
    private static void checkStrategicTypes(ResourceStrategy strategy, ObjectNode patch) {
        String problem = AppliedTypes.conversionProblem(strategy.schema(), patch);
        if (problem != null) {
            throw ApiException.invalid(
                    "",
                    "",
                    "",
                    List.of(new FieldError(
                            FieldError.Kind.INVALID, "patch", "\"" + AppliedTypes.goMap(patch) + "\"", problem)));
        }
    }

    private ApiResponse apply(Writes.Target target, ApiRequest request, WriteOptions options) {
        ResourceType type = target.type();
        ResourceStrategy strategy = resources.strategy(type);
        ObjectNode config = asObject(Bodies.patch(request));
        checkConfiguration(target, config);
        Optional<ObjectNode> present = resources.find(type, target.namespace(), target.name());
        if (present.isEmpty() && !target.subresource().isEmpty()) {
            throw ApiException.notFound(type, target.name());
        }
        AppliedTypes.require(strategy.schema(), config, type);
        if (present.isEmpty()) {
            return applyNew(target, config, options);
        }
        Writes.Written result = writes.modify(target, options, live -> {
            checkUid(target, config, live);
            Optional<ObjectNode> applied =
                    writes.management(target).apply(live, config, writes.writer(target, options), options.force());
            checkName(target, config);
            if (applied.isEmpty()) {
                return live;
            }
            ObjectNode merged = applied.get();
            requireSize(Json.write(merged));
            strategy.decode(merged);
            strategy.setDefaults(merged);
            return merged;
        });
        return result.answer(200, List.of());
    }

    private ApiResponse applyNew(Writes.Target target, ObjectNode config, WriteOptions options) {
        if (config.path("metadata").path("name").asText("").isEmpty()) {
            throw undeterminable(target);
        }
        checkName(target, config);
        ResourceStrategy strategy = resources.strategy(target.type());
        if (!config.path("metadata").path("uid").asText("").isEmpty()) {
            checkUid(target, config, Json.MAPPER.createObjectNode());
        }
        ObjectNode merged = writes.management(target)
                .apply(null, config, writes.writer(target, options), options.force())
                .orElseThrow();
        strategy.decode(merged);
        strategy.setDefaults(merged);
        merged.put("apiVersion", target.type().apiVersion())
                .put("kind", target.type().kind());
        if (target.type().namespaced()) {
            merged.withObject("/metadata").put("namespace", target.namespace());
        }
        merged.withObject("/metadata").put("name", target.name()).remove("resourceVersion");
        return writes.insert(target, merged, options, false).answer(201, List.of());
    }

    /** Comes after the question who owns the fields. */
    private static void checkName(Writes.Target target, ObjectNode config) {
        String name = config.path("metadata").path("name").asText("");
        if (!name.isEmpty() && !name.equals(target.name())) {
            throw ApiException.badRequest(
                    "the name of the object (" + name + ") does not match the name on the URL (" + target.name() + ")");
        }
    }

    private static ApiException undeterminable(Writes.Target target) {
        return ApiException.badRequest("the name of the object (" + target.name()
                + " based on URL) was undeterminable: name must be provided");
    }

    private static void checkUid(Writes.Target target, ObjectNode config, ObjectNode live) {
        String wanted = config.path("metadata").path("uid").asText("");
        String present = live.path("metadata").path("uid").asText("");
        if (!wanted.isEmpty() && !wanted.equals(present)) {
            throw ApiException.conflict(
                    target.type(),
                    target.name(),
                    "uid mismatch: the provided object specified uid " + wanted + ", and no existing object was found");
        }
    }

    private static void checkConfiguration(Writes.Target target, ObjectNode config) {
        ResourceType type = target.type();
        if (config.path("metadata").path("managedFields").isArray()) {
            throw ApiException.badRequest("metadata.managedFields must be nil");
        }
        String apiVersion = config.path("apiVersion").asText("");
        if (!apiVersion.equals(type.apiVersion())) {
            throw ApiException.badRequest("Incorrect version specified in apply patch. Specified patch version: "
                    + apiVersion + ", expected: " + type.apiVersion());
        }
        if (config.path("kind").asText("").isEmpty()) {
            throw ApiException.badRequest(
                    "invalid object type: " + (type.group().isEmpty() ? "/" : "") + apiVersion + ", Kind=");
        }
        if (!config.path("kind").asText("").equals(type.kind())) {
            throw ApiException.badRequest("the kind in the patch ("
                    + config.path("kind").asText("") + ") does not match the expected kind (" + type.kind() + ")");
        }
        String namespace = config.path("metadata").path("namespace").asText("");
        if (!namespace.isEmpty() && !namespace.equals(target.namespace())) {
            throw ApiException.badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request");
        }
    }
}
