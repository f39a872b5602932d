package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.rest.Resources;
import java.util.List;

/** The OpenAPI v3 documents of custom groups: what kubectl needs to validate, apply and explain. */
final class OpenApiDocuments {
    private OpenApiDocuments() {}

    /** The document of the type's group version, with every type of it that is served now. */
    static ObjectNode of(Resources resources, ResourceType any) {
        ObjectNode document = Json.MAPPER.createObjectNode();
        document.put("openapi", "3.0.0");
        document.putObject("info").put("title", "Weir").put("version", "v1.34.3");
        ObjectNode paths = document.putObject("paths");
        ObjectNode schemas = document.putObject("components").putObject("schemas");
        for (ResourceType type : resources.kinds().all()) {
            if (type.apiVersion().equals(any.apiVersion())) {
                schemas.set(component(type), schema(resources, type));
                paths.set(path(type), operations(type));
            }
        }
        return document;
    }

    private static String component(ResourceType type) {
        List<String> parts = new java.util.ArrayList<>(List.of(type.group().split("\\.")));
        java.util.Collections.reverse(parts);
        return String.join(".", parts) + "." + type.version() + "." + type.kind();
    }

    private static String path(ResourceType type) {
        return "/apis/" + type.apiVersion() + (type.namespaced() ? "/namespaces/{namespace}/" : "/") + type.plural()
                + "/{name}";
    }

    private static ObjectNode schema(Resources resources, ResourceType type) {
        ObjectNode schema = resources.strategy(type).schema().published();
        schema.withArray("x-kubernetes-group-version-kind").add(gvk(type));
        return schema;
    }

    private static ObjectNode gvk(ResourceType type) {
        return Json.MAPPER
                .createObjectNode()
                .put("group", type.group())
                .put("version", type.version())
                .put("kind", type.kind());
    }

    private static ObjectNode operations(ResourceType type) {
        ObjectNode operations = Json.MAPPER.createObjectNode();
        ObjectNode patch = operations.putObject("patch");
        for (String name : List.of("dryRun", "fieldManager", "fieldValidation", "force")) {
            patch.withArray("parameters")
                    .addObject()
                    .put("name", name)
                    .put("in", "query")
                    .putObject("schema")
                    .put("type", name.equals("force") ? "boolean" : "string");
        }
        ObjectNode content = patch.putObject("requestBody").putObject("content");
        for (String mime : List.of(
                "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")) {
            content.putObject(mime);
        }
        patch.put("x-kubernetes-action", "patch");
        patch.set("x-kubernetes-group-version-kind", gvk(type));
        return operations;
    }
}
