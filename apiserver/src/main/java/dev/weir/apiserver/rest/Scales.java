package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.FieldManagement;
import dev.weir.apiserver.merge.FieldSet;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.merge.Patches;
import dev.weir.apiserver.merge.ScaleOwnership;
import dev.weir.apiserver.schema.BuiltInSchemas;
import dev.weir.apiserver.schema.Schema;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The scale subresource of built-in workloads and of custom resources that declare one. */
public final class Scales {
    /** Where a kind keeps its replicas; dotted paths from the root. */
    public record Paths(String specReplicas, String statusReplicas, String selector) {
        static final Paths WORKLOAD = new Paths("spec.replicas", "status.replicas", "");
    }

    private final Resources resources;
    private final Writes writes;
    private final Map<String, Paths> custom;
    private final Schema scaleSchema = new BuiltInSchemas().of("autoscaling", "v1", "Scale");

    /** @param custom by qualified plural, filled by the definitions of custom resources */
    public Scales(Resources resources, Writes writes, Map<String, Paths> custom) {
        this.resources = resources;
        this.writes = writes;
        this.custom = custom;
    }

    public ApiResponse get(Writes.Target target) {
        return new ApiResponse.Json(
                200, scale(target.type(), resources.get(target.type(), target.namespace(), target.name())));
    }

    private Paths paths(ResourceType type) {
        return custom.getOrDefault(type.qualifiedPlural(), Paths.WORKLOAD);
    }

    private ObjectNode scale(ResourceType type, ObjectNode object) {
        Paths paths = paths(type);
        JsonNode from = object.path("metadata");
        ObjectNode scale = Json.MAPPER.createObjectNode();
        scale.put("kind", "Scale").put("apiVersion", "autoscaling/v1");
        ObjectNode metadata = scale.putObject("metadata");
        for (String field : List.of("name", "namespace", "uid", "resourceVersion", "creationTimestamp")) {
            if (from.has(field)) {
                metadata.set(field, from.get(field));
            }
        }
        JsonNode replicas = at(object, paths.specReplicas());
        if (replicas.isMissingNode() && custom.containsKey(type.qualifiedPlural())) {
            throw ApiException.internal("the spec replicas field \"." + paths.specReplicas() + "\" does not exist");
        }
        ObjectNode spec = scale.putObject("spec");
        if (replicas.asInt() != 0) {
            spec.put("replicas", replicas.asInt());
        }
        ObjectNode status = scale.putObject("status");
        status.put("replicas", at(object, paths.statusReplicas()).asInt());
        String selector = paths.selector().isEmpty()
                ? selector(object.path("spec").path("selector"))
                : at(object, paths.selector()).asText("");
        if (!selector.isEmpty()) {
            status.put("selector", selector);
        }
        return scale;
    }

    private static JsonNode at(JsonNode object, String path) {
        JsonNode node = object;
        for (String part : path.split("\\.")) {
            node = node.path(part);
        }
        return node;
    }

    private static String selector(JsonNode selector) {
        // that of a ReplicationController is a plain map
        JsonNode labels = selector.has("matchLabels") || selector.has("matchExpressions")
                ? selector.path("matchLabels")
                : selector;
        return labels.properties().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue().asText())
                .sorted()
                .collect(Collectors.joining(","));
    }

    /** PUT or PATCH of the scale. */
    public ApiResponse update(Writes.Target target, ApiRequest request) {
        ResourceType type = target.type();
        boolean put = request.method().equals("PUT");
        WriteOptions options = WriteOptions.of(request, put ? "UpdateOptions" : "PatchOptions");
        JsonNode body = put ? Bodies.object(request) : Bodies.patch(request);
        Writes.Written written = writes.modify(target, options, live -> {
            ObjectNode before = scale(type, live);
            ScaleOwnership.toScale(live, paths(type).specReplicas(), before);
            ObjectNode wanted = wanted(target, request, options, before, body);
            int replicas = wanted.path("spec").path("replicas").asInt();
            checkReplicas(target, replicas);
            ObjectNode next = live.deepCopy();
            set(next, paths(type).specReplicas(), replicas);
            String revision = wanted.path("metadata").path("resourceVersion").asText("");
            next.withObject("/metadata").put("resourceVersion", revision);
            ScaleOwnership.toParent(wanted, next, paths(type).specReplicas(), type.apiVersion());
            return next;
        });
        return new ApiResponse.Json(200, scale(type, written.object()));
    }

    /** The Scale as the request wants it, its managed fields done. */
    private ObjectNode wanted(
            Writes.Target target, ApiRequest request, WriteOptions options, ObjectNode before, JsonNode body) {
        FieldManagement management = new FieldManagement(scaleSchema, "autoscaling/v1", new FieldSet());
        FieldManagement.Writer writer = writes.writer(target, options);
        if (request.contentType().equals("application/apply-patch+yaml")) {
            ObjectNode config = PatchWrites.asObject(body);
            return management.apply(before, config, writer, options.force()).orElse(before);
        }
        JsonNode changed = request.method().equals("PUT")
                ? body
                : switch (request.contentType()) {
                    case "application/json-patch+json" -> Patches.jsonPatch(before, body);
                    case "application/strategic-merge-patch+json", "application/merge-patch+json" ->
                        Patches.mergePatch(before, body);
                    default -> throw Bodies.unknownPatchType(false);
                };
        ObjectNode wanted = PatchWrites.asObject(changed).deepCopy();
        if (wanted.path("spec").path("replicas").asInt() == 0) {
            // a Scale of no replicas does not carry the field
            wanted.withObject("/spec").remove("replicas");
        }
        wanted.withObject("/metadata").remove("managedFields");
        management.track(before, wanted, writer);
        return wanted;
    }

    /** Built-in kinds check the Scale; custom resources are checked as a whole once their replicas are set. */
    private void checkReplicas(Writes.Target target, int replicas) {
        if (replicas < 0 && !custom.containsKey(target.type().qualifiedPlural())) {
            throw ApiException.invalid(
                    "autoscaling",
                    "Scale",
                    target.name(),
                    List.of(new FieldError(
                            FieldError.Kind.INVALID,
                            "spec.replicas",
                            Integer.toString(replicas),
                            "must be greater than or equal to 0")));
        }
    }

    private static void set(ObjectNode object, String path, int value) {
        String[] parts = path.split("\\.");
        ObjectNode node = object;
        for (int i = 0; i < parts.length - 1; i++) {
            node = node.withObject("/" + parts[i]);
        }
        node.put(parts[parts.length - 1], value);
    }
}
