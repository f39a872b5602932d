package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Reads JSON as Go's decoder reads it into the structs of a built-in kind. */
public final class Decoding {
    private final List<String> unknown = new ArrayList<>();

    /** A value of the wrong type, worded as {@code encoding/json} words it. */
    public static final class WrongTypeException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        WrongTypeException(String message) {
            super(message, null, false, false);
        }
    }

    /** Drops unknown fields and nulls in place; returns the unknown ones as strict decoding words them. */
    public static List<String> decode(Schema schema, String kind, ObjectNode object) {
        Decoding decoding = new Decoding();
        decoding.object(schema, object, kind, "", "");
        return decoding.unknown;
    }

    private void object(Schema schema, ObjectNode object, String struct, String path, String goPath) {
        if (schema.isUntyped()) {
            return;
        }
        Iterator<Map.Entry<String, JsonNode>> fields = object.properties().iterator();
        while (fields.hasNext()) {
            Map.Entry<String, JsonNode> field = fields.next();
            String name = field.getKey();
            Schema below = schema.child(name);
            if (below == null) {
                unknown.add("unknown field \"" + dotted(path, name) + "\"");
                fields.remove();
            } else if (field.getValue().isNull()) {
                boolean entry = !schema.properties().containsKey(name)
                        && below.type() == Schema.Type.STRING
                        && !below.keyword("format").asText("").equals("byte");
                if (entry) {
                    // as Go reads a null among texts
                    field.setValue(TextNode.valueOf(""));
                } else {
                    fields.remove();
                }
            } else if (schema.properties().containsKey(name)) {
                value(below, field.getValue(), struct, dotted(path, name), dotted(goPath, name));
                canonical(below, field);
                if (ZeroValues.omitted(schema, name, below, field.getValue())) {
                    fields.remove();
                }
            } else {
                value(below, field.getValue(), struct, dotted(path, name), goPath);
                canonical(below, field);
            }
        }
    }

    private static void canonical(Schema schema, Map.Entry<String, JsonNode> field) {
        String component = schema.component();
        if (component != null && component.endsWith(".resource.Quantity")) {
            field.setValue(
                    TextNode.valueOf(Quantities.canonical(field.getValue().asText())));
        }
    }

    private static String dotted(String path, String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private void value(Schema schema, JsonNode value, String struct, String path, String goPath) {
        if (schema.isUntyped()) {
            return;
        }
        switch (schema.type()) {
            case OBJECT -> {
                if (!(value instanceof ObjectNode object)) {
                    throw wrong(value, struct, goPath, goType(schema));
                }
                object(schema, object, schema.component() == null ? struct : goType(schema), path, goPath);
            }
            case ARRAY -> {
                if (!value.isArray()) {
                    throw wrong(value, struct, goPath, "[]" + goType(schema.items()));
                }
                for (int i = 0; i < value.size(); i++) {
                    value(schema.items(), value.get(i), struct, path + "[" + i + "]", goPath);
                }
            }
            case STRING, INTEGER, NUMBER, BOOLEAN -> {
                scalar(schema, value, struct, goPath);
                String component = schema.component();
                if (schema.keyword("format").asText("").equals("byte")) {
                    bytes(value.asText());
                }
                if (component != null && component.endsWith("Time")) {
                    time(value.asText(), component.endsWith(".MicroTime"));
                }
            }
            case INT_OR_STRING, ANY -> {}
        }
    }

    private static void bytes(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!String.valueOf(text.charAt(i)).matches("[A-Za-z0-9+/=\\r\\n]")) {
                throw new WrongTypeException("illegal base64 data at input byte " + i);
            }
        }
    }

    /** Times with microseconds, such as a Lease's, must have all six digits. */
    private static void time(String text, boolean micro) {
        String layout = micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
        String rest =
                text.matches("\\d{4}.*") ? text.replaceFirst("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d", "") : text;
        if (!text.matches("\\d{4}.*")) {
            throw new WrongTypeException(
                    "parsing time \"" + text + "\" as \"" + layout + "\": cannot parse \"" + text + "\" as \"2006\"");
        }
        if (micro && !rest.matches("\\.\\d{6}.*") && !rest.equals(text)) {
            throw new WrongTypeException("parsing time \"" + text + "\" as \"" + layout + "\": cannot parse \"" + rest
                    + "\" as \".000000\"");
        }
    }

    private static void scalar(Schema schema, JsonNode value, String struct, String goPath) {
        boolean fits = switch (schema.type()) {
            case STRING -> value.isTextual();
            case INTEGER -> value.isIntegralNumber();
            case NUMBER -> value.isNumber();
            case BOOLEAN -> value.isBoolean();
            case OBJECT, ARRAY, INT_OR_STRING, ANY -> true;
        };
        if (!fits) {
            throw wrong(value, struct, goPath, goType(schema));
        }
    }

    private static WrongTypeException wrong(JsonNode value, String struct, String goPath, String goType) {
        String got = value.isTextual()
                ? "string"
                : value.isNumber() ? "number" : value.isBoolean() ? "bool" : value.isArray() ? "array" : "object";
        return new WrongTypeException("json: cannot unmarshal " + got + " into Go struct field " + struct + "." + goPath
                + " of type " + goType);
    }

    private static String goType(Schema schema) {
        String component = schema.component();
        if (component != null) {
            String name = component.substring(component.lastIndexOf('.') + 1);
            String[] parts = component.split("\\.");
            return schema.type() == Schema.Type.OBJECT && parts.length > 2
                    ? parts[parts.length - 2] + "." + name
                    : name;
        }
        return switch (schema.type()) {
            case STRING -> schema.keyword("format").asText().equals("byte") ? "[]uint8" : "string";
            case INTEGER -> schema.keyword("format").asText("int64");
            case NUMBER -> "float64";
            case BOOLEAN -> "bool";
            case OBJECT -> {
                Schema values = schema.additionalProperties();
                yield "map[string]" + (values == null ? "interface {}" : goType(values));
            }
            case ARRAY -> "[]" + goType(schema.items());
            case INT_OR_STRING -> "intstr.IntOrString";
            case ANY -> "interface {}";
        };
    }
}
