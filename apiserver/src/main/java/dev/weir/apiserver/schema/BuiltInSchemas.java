package dev.weir.apiserver.schema;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The schemas of built-in kinds, read from the recorded OpenAPI documents when first asked for. */
public final class BuiltInSchemas {
    private final Map<String, Map<String, Schema>> byDocument = new ConcurrentHashMap<>();

    /** The schema of a kind; {@link Schema#UNKNOWN} if the documents do not describe it. */
    public Schema of(String group, String version, String kind) {
        Map<String, Schema> components = byDocument.computeIfAbsent(
                document(group, version),
                file -> Recorded.exists(file) ? Schema.components(Recorded.json(file)) : Map.of());
        for (Schema schema : components.values()) {
            for (JsonNode gvk : schema.keyword("x-kubernetes-group-version-kind")) {
                if (gvk.path("kind").asText().equals(kind)
                        && gvk.path("group").asText().equals(group)
                        && gvk.path("version").asText().equals(version)) {
                    return schema;
                }
            }
        }
        return Schema.UNKNOWN;
    }

    private static String document(String group, String version) {
        return "openapi/" + (group.isEmpty() ? "api_" + version : "apis_" + group + "_" + version) + ".json.gz";
    }
}
