package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Whether an {@code openAPIV3Schema} is structural and consistent in itself; its rules are for {@link RuleChecks}. */
final class StructuralSchemas {
    private static final Set<String> TYPES = Set.of("object", "array", "string", "integer", "number", "boolean");

    private final List<FieldError> errors = new ArrayList<>();

    private StructuralSchemas() {}

    static List<FieldError> problems(JsonNode schema, String path) {
        StructuralSchemas check = new StructuralSchemas();
        String type = schema.path("type").asText("");
        if (!type.equals("object")) {
            check.add(
                    type.isEmpty() ? Kind.REQUIRED : Kind.INVALID,
                    path + ".type",
                    type.isEmpty() ? null : "\"" + type + "\"",
                    type.isEmpty() ? "must not be empty at the root" : "must be object at the root");
        }
        check.node(schema, path, true);
        return check.errors;
    }

    private void add(Kind kind, String field, @Nullable String value, String detail) {
        errors.add(new FieldError(kind, field, value, detail));
    }

    private void node(JsonNode schema, String path, boolean root) {
        type(schema, path, root);
        boolean properties = schema.path("properties").isObject();
        JsonNode additional = schema.path("additionalProperties");
        if (properties && additional.isObject()) {
            add(
                    Kind.FORBIDDEN,
                    path + ".additionalProperties",
                    null,
                    "additionalProperties and properties are mutual exclusive");
        }
        if (schema.path("uniqueItems").asBoolean()) {
            add(
                    Kind.FORBIDDEN,
                    path + ".uniqueItems",
                    null,
                    "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        }
        if (schema.has("$ref")) {
            add(Kind.FORBIDDEN, path + ".$ref", null, "$ref is not supported");
        }
        list(schema, path);
        defaultValue(schema, path);
        validations(schema.path("x-kubernetes-validations"), path + ".x-kubernetes-validations");
        schema.path("properties")
                .properties()
                .forEach(entry -> node(entry.getValue(), path + ".properties[" + entry.getKey() + "]", false));
        if (additional.isObject()) {
            node(additional, path + ".additionalProperties", false);
        }
        if (schema.path("items").isObject()) {
            node(schema.path("items"), path + ".items", false);
        }
    }

    private void type(JsonNode schema, String path, boolean root) {
        String type = schema.path("type").asText("");
        boolean either = schema.path("x-kubernetes-int-or-string").asBoolean();
        boolean open = schema.path("x-kubernetes-preserve-unknown-fields").asBoolean();
        if (type.isEmpty() && !root && !either && !open) {
            add(
                    Kind.REQUIRED,
                    path + ".type",
                    null,
                    "must not be empty for specified " + (path.endsWith(".items") ? "array items" : "object fields"));
        } else if (!type.isEmpty() && !TYPES.contains(type)) {
            add(
                    Kind.NOT_SUPPORTED,
                    path + ".type",
                    "\"" + type + "\"",
                    "supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"");
        }
        if (either && !type.isEmpty()) {
            add(
                    Kind.INVALID,
                    path + ".type",
                    "\"" + type + "\"",
                    "must be empty if x-kubernetes-int-or-string is true");
        }
        if (type.equals("array") && !schema.path("items").isObject()) {
            add(Kind.REQUIRED, path + ".items", null, "must be specified");
        }
        if (schema.path("x-kubernetes-embedded-resource").asBoolean() && !type.equals("object")) {
            add(
                    Kind.INVALID,
                    path + ".type",
                    "\"" + type + "\"",
                    "must be object if x-kubernetes-embedded-resource is true");
        }
    }

    private void list(JsonNode schema, String path) {
        String kind = schema.path("x-kubernetes-list-type").asText("");
        JsonNode keys = schema.path("x-kubernetes-list-map-keys");
        if (!kind.isEmpty() && !Set.of("atomic", "set", "map").contains(kind)) {
            add(
                    Kind.NOT_SUPPORTED,
                    path + ".x-kubernetes-list-type",
                    "\"" + kind + "\"",
                    "supported values: \"atomic\", \"map\", \"set\"");
        }
        if (!kind.isEmpty() && !schema.path("type").asText("").equals("array")) {
            add(
                    Kind.INVALID,
                    path + ".type",
                    "\"" + schema.path("type").asText("") + "\"",
                    "must be array if x-kubernetes-list-type is set");
        }
        if (kind.equals("map") && keys.isEmpty()) {
            add(
                    Kind.REQUIRED,
                    path + ".x-kubernetes-list-map-keys",
                    null,
                    "must not be empty if x-kubernetes-list-type is map");
        }
        if (!kind.equals("map") && !keys.isEmpty()) {
            add(
                    Kind.REQUIRED,
                    path + ".x-kubernetes-list-type",
                    null,
                    "must be map if x-kubernetes-list-map-keys is non-empty");
        }
        JsonNode items = schema.path("items");
        for (int i = 0; kind.equals("map") && i < keys.size(); i++) {
            String key = keys.get(i).asText();
            JsonNode field = items.path("properties").path(key);
            boolean required = Json.same(Json.MAPPER.createArrayNode().add(key), filtered(items.path("required"), key));
            if (field.isMissingNode()) {
                add(
                        Kind.INVALID,
                        path + ".x-kubernetes-list-map-keys[" + i + "]",
                        "\"" + key + "\"",
                        "entries must all be names of item properties");
            } else if (!required && !field.has("default")) {
                add(
                        Kind.REQUIRED,
                        path + ".items.properties[" + key + "].default",
                        null,
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required"
                                + " property");
            }
        }
    }

    private static JsonNode filtered(JsonNode names, String name) {
        var found = Json.MAPPER.createArrayNode();
        for (JsonNode candidate : names) {
            if (candidate.asText().equals(name)) {
                found.add(name);
                break;
            }
        }
        return found;
    }

    private void defaultValue(JsonNode schema, String path) {
        JsonNode standard = schema.get("default");
        if (standard == null || standard.isNull()) {
            return;
        }
        for (FieldError error : SchemaValidation.validate(Schema.structural(schema), standard, "")) {
            String field = path + ".default" + (error.field().isEmpty() ? "" : "." + error.field());
            errors.add(new FieldError(error.kind(), field, error.value(), error.detail()));
        }
    }

    private void validations(JsonNode validations, String path) {
        for (int i = 0; i < validations.size(); i++) {
            String rule = validations.get(i).path("rule").asText("");
            if (rule.isBlank()) {
                add(Kind.REQUIRED, path + "[" + i + "].rule", null, "rule is not specified");
            }
        }
    }
}
