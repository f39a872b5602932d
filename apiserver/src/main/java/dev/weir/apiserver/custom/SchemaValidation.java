package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.schema.Schema;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** OpenAPI validation of custom resources, in the words of kube-openapi's validator. */
final class SchemaValidation {
    private static final Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

    private final List<FieldError> errors = new ArrayList<>();

    private SchemaValidation() {}

    /** @param path dotted, empty at the root */
    static List<FieldError> validate(Schema schema, JsonNode value, String path) {
        SchemaValidation validation = new SchemaValidation();
        validation.check(schema, value, path);
        return validation.errors;
    }

    private void add(Kind kind, String path, @Nullable String value, String detail) {
        errors.add(new FieldError(kind, path, value, detail));
    }

    private void check(Schema schema, JsonNode value, String path) {
        if (value.isNull()) {
            if (!schema.nullable() && schema.type() != Schema.Type.ANY) {
                wrongType(schema, value, path);
            }
            return;
        }
        if (!typeFits(schema.type(), value)) {
            wrongType(schema, value, path);
            return;
        }
        enumeration(schema, value, path);
        switch (value) {
            case ObjectNode object -> object(schema, object, path);
            case ArrayNode array -> array(schema, array, path);
            default -> {
                if (value.isTextual()) {
                    text(schema, value.asText(), path);
                } else if (value.isNumber()) {
                    number(schema, value, path);
                }
            }
        }
        combinations(schema, value, path);
    }

    private static boolean typeFits(Schema.Type type, JsonNode value) {
        return switch (type) {
            case OBJECT -> value.isObject();
            case ARRAY -> value.isArray();
            case STRING -> value.isTextual();
            case INTEGER ->
                value.isIntegralNumber()
                        || value.isNumber()
                                && value.decimalValue().stripTrailingZeros().scale() <= 0;
            case NUMBER -> value.isNumber();
            case BOOLEAN -> value.isBoolean();
            case INT_OR_STRING -> value.isTextual() || value.isIntegralNumber();
            case ANY -> true;
        };
    }

    private void wrongType(Schema schema, JsonNode value, String path) {
        String got = value.isTextual()
                ? "string"
                : value.isNull()
                        ? "null"
                        : value.isIntegralNumber()
                                ? "integer"
                                : value.isNumber()
                                        ? "number"
                                        : value.isBoolean() ? "boolean" : value.isArray() ? "array" : "object";
        String wanted = schema.type() == Schema.Type.INT_OR_STRING
                ? "integer,string"
                : schema.type().name().toLowerCase(java.util.Locale.ROOT);
        String format = schema.keyword("format").asText("");
        if (schema.type() == Schema.Type.STRING && Formats.known(format)) {
            // then the format is looked at first, and numbers have Go's names
            wanted = format;
            got = value.isIntegralNumber() ? "int64" : value.isNumber() ? "float64" : got;
        }
        // the validator names the field without its parents when the type is wrong below status
        String shown = path.startsWith("status.") ? path.substring("status.".length()) : path;
        add(
                Kind.TYPE_INVALID,
                path,
                "\"" + got + "\"",
                shown + " in body must be of type " + wanted + ": \"" + got + "\"");
    }

    private void enumeration(Schema schema, JsonNode value, String path) {
        JsonNode allowed = schema.keyword("enum");
        if (!allowed.isArray()) {
            return;
        }
        List<String> names = new ArrayList<>();
        for (JsonNode candidate : allowed) {
            if (Json.same(candidate, value)) {
                return;
            }
            names.add("\"" + candidate.asText() + "\"");
        }
        add(
                Kind.NOT_SUPPORTED,
                path,
                value.isTextual() ? Json.write(value) : value.toString(),
                "supported values: " + String.join(", ", names));
    }

    private void object(Schema schema, ObjectNode object, String path) {
        for (JsonNode required : schema.keyword("required")) {
            if (!object.has(required.asText())) {
                add(Kind.REQUIRED, join(path, required.asText()), null, "");
            }
        }
        int size = object.size();
        if (schema.keyword("maxProperties").isNumber()
                && size > schema.keyword("maxProperties").asInt()) {
            add(
                    Kind.TOO_MANY,
                    path,
                    Integer.toString(size),
                    "must have at most " + schema.keyword("maxProperties").asInt() + " items");
        }
        if (schema.keyword("minProperties").isNumber()
                && size < schema.keyword("minProperties").asInt()) {
            add(
                    Kind.INVALID,
                    path,
                    Integer.toString(size),
                    path + " in body should have at least "
                            + schema.keyword("minProperties").asInt() + " properties");
        }
        object.properties().forEach(entry -> {
            Schema below = schema.properties().get(entry.getKey());
            Schema use = below != null ? below : schema.additionalProperties();
            if (use != null && !(path.isEmpty() && entry.getKey().equals("metadata"))) {
                check(use, entry.getValue(), join(path, entry.getKey()));
            }
        });
    }

    private static String join(String path, String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private void array(Schema schema, ArrayNode array, String path) {
        int size = array.size();
        if (schema.keyword("maxItems").isNumber()
                && size > schema.keyword("maxItems").asInt()) {
            add(
                    Kind.TOO_MANY,
                    path,
                    Integer.toString(size),
                    "must have at most " + schema.keyword("maxItems").asInt() + " items");
        }
        if (schema.keyword("minItems").isNumber()
                && size < schema.keyword("minItems").asInt()) {
            add(
                    Kind.INVALID,
                    path,
                    Integer.toString(size),
                    path + " in body should have at least "
                            + schema.keyword("minItems").asInt() + " items");
        }
        for (int i = 0; i < size; i++) {
            check(schema.items(), array.get(i), path + "[" + i + "]");
        }
    }

    private void text(Schema schema, String text, String path) {
        long length = text.codePointCount(0, text.length());
        JsonNode most = schema.keyword("maxLength");
        if (most.isNumber() && length > most.asInt()) {
            add(Kind.TOO_LONG, path, null, "may not be more than " + most.asInt() + " bytes");
        }
        JsonNode least = schema.keyword("minLength");
        if (least.isNumber() && length < least.asInt()) {
            add(Kind.INVALID, path, quote(text), path + " in body should be at least " + least.asInt() + " chars long");
        }
        JsonNode pattern = schema.keyword("pattern");
        if (pattern.isTextual() && !matches(pattern.asText(), text)) {
            add(Kind.INVALID, path, quote(text), path + " in body should match '" + pattern.asText() + "'");
        }
        String format = schema.keyword("format").asText("");
        if (!Formats.has(format, text)) {
            add(Kind.TYPE_INVALID, path, quote(text), path + " in body must be of type " + format + ": " + quote(text));
        }
    }

    private static String quote(String text) {
        return Json.write(Json.MAPPER.getNodeFactory().textNode(text));
    }

    private static boolean matches(String pattern, String text) {
        try {
            return PATTERNS.computeIfAbsent(pattern, Pattern::compile)
                    .matcher(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
                    .find();
        } catch (PatternSyntaxException unsupported) {
            return true;
        }
    }

    private void number(Schema schema, JsonNode value, String path) {
        BigDecimal number = value.decimalValue();
        JsonNode most = schema.keyword("maximum");
        if (most.isNumber() && number.compareTo(most.decimalValue()) > 0) {
            add(Kind.INVALID, path, value.asText(), path + " in body should be less than or equal to " + plain(most));
        }
        JsonNode least = schema.keyword("minimum");
        if (least.isNumber() && number.compareTo(least.decimalValue()) < 0) {
            add(
                    Kind.INVALID,
                    path,
                    value.asText(),
                    path + " in body should be greater than or equal to " + plain(least));
        }
    }

    /** Bounds are floats in Go, printed without a needless fraction. */
    private static String plain(JsonNode bound) {
        return bound.decimalValue().stripTrailingZeros().toPlainString();
    }

    private void combinations(Schema schema, JsonNode value, String path) {
        for (JsonNode all : schema.keyword("allOf")) {
            check(Schema.structural(all), value, path);
        }
        JsonNode any = schema.keyword("anyOf");
        if (any.isArray() && schema.type() != Schema.Type.INT_OR_STRING && matching(any, value, path) == 0) {
            add(
                    Kind.INVALID,
                    path,
                    "\"" + shown(value) + "\"",
                    path + " in body must validate at least one schema (anyOf)");
        }
        JsonNode one = schema.keyword("oneOf");
        if (one.isArray() && matching(one, value, path) != 1) {
            add(
                    Kind.INVALID,
                    path,
                    "\"" + shown(value) + "\"",
                    path + " in body must validate one and only one schema (oneOf)");
        }
        JsonNode not = schema.keyword("not");
        if (not.isObject() && validate(Schema.structural(not), value, path).isEmpty()) {
            add(Kind.INVALID, path, "\"" + shown(value) + "\"", path + " in body must not validate the schema (not)");
        }
    }

    private static String shown(JsonNode value) {
        return value.isObject() ? "object" : value.isArray() ? "array" : value.asText();
    }

    private static int matching(JsonNode schemas, JsonNode value, String path) {
        int matching = 0;
        for (JsonNode candidate : schemas) {
            matching += validate(Schema.structural(candidate), value, path).isEmpty() ? 1 : 0;
        }
        return matching;
    }
}
