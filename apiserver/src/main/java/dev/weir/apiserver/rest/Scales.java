package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.merge.Patches;
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
        return selector.path("matchLabels").properties().stream()
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
        ObjectNode written = writes.modify(target, options, live -> {
            ObjectNode before = scale(type, live);
            JsonNode wanted = put
                    ? body
                    : request.contentType().equals("application/json-patch+json")
                            ? Patches.jsonPatch(before, body)
                            : Patches.mergePatch(before, body);
            JsonNode replicas = wanted.path("spec").path("replicas");
            if (replicas.asInt() < 0) {
                throw ApiException.invalid(
                        "autoscaling",
                        "Scale",
                        target.name(),
                        List.of(new FieldError(
                                FieldError.Kind.INVALID,
                                "spec.replicas",
                                Integer.toString(replicas.asInt()),
                                "must be greater than or equal to 0")));
            }
            ObjectNode next = live.deepCopy();
            set(next, paths(type).specReplicas(), replicas.asInt());
            String revision = wanted.path("metadata").path("resourceVersion").asText("");
            next.withObject("/metadata").put("resourceVersion", revision);
            writes.management(target).track(live, next, writes.writer(target, options));
            return next;
        });
        return new ApiResponse.Json(200, scale(type, written));
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
