package dev.weir.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/** A JSON schema as tables for people: a row for each field, with what it may be. */
final class SchemaPage {
    private static final int LONGEST = 2_000;

    private final JsonNode root;
    private final StringBuilder page = new StringBuilder();
    private final List<String> rules = new ArrayList<>();

    /** @param root where references lead */
    SchemaPage(JsonNode root) {
        this.root = root;
    }

    /** Adds a heading and the fields of an object, and of what is in it. */
    SchemaPage section(String heading, String path, JsonNode schema) {
        page.append("\n## ").append(heading).append("\n\n");
        page.append("| field | what it may be | meaning |\n|---|---|---|\n");
        rules.clear();
        fields(path, resolved(schema));
        if (!rules.isEmpty()) {
            page.append("\nFurther rules:\n\n");
            rules.forEach(rule -> page.append("- ").append(rule).append('\n'));
        }
        return this;
    }

    @Override
    public String toString() {
        return page.toString();
    }

    private JsonNode resolved(JsonNode schema) {
        String reference = schema.path("$ref").asText();
        return reference.isEmpty() ? schema : root.at(reference.substring(1));
    }

    private void fields(String path, JsonNode schema) {
        for (JsonNode rule : schema.path("x-kubernetes-validations")) {
            rules.add((path.isEmpty() ? "" : "`" + path + "`: ")
                    + rule.path("message").asText());
        }
        List<String> required = new ArrayList<>();
        schema.path("required").forEach(name -> required.add(name.asText()));
        schema.path("properties").properties().forEach(entry -> {
            String at = path.isEmpty() ? entry.getKey() : path + "." + entry.getKey();
            JsonNode below = resolved(entry.getValue());
            row(at, entry.getValue(), below, required.contains(entry.getKey()));
            descend(at, below);
        });
    }

    private void descend(String path, JsonNode schema) {
        if (schema.path("type").asText().equals("array")) {
            descend(path + "[]", resolved(schema.path("items")));
        } else {
            fields(path, schema);
        }
    }

    private void row(String path, JsonNode own, JsonNode schema, boolean required) {
        StringJoiner kind = new StringJoiner(", ");
        kind.add(type(schema));
        bounds(schema, kind);
        if (required) {
            kind.add("required");
        }
        if (schema.has("default") && !schema.path("default").isContainerNode()) {
            kind.add("default `" + schema.path("default").asText() + "`");
        }
        String meaning =
                own.path("description").asText(schema.path("description").asText());
        page.append("| `")
                .append(path)
                .append("` | ")
                .append(kind)
                .append(" | ")
                .append(cell(meaning))
                .append(" |\n");
    }

    private static String cell(String text) {
        String line = text.strip().replace("\n", " ").replace("|", "\\|");
        return line.length() > LONGEST ? line.substring(0, LONGEST) : line;
    }

    private String type(JsonNode schema) {
        if (schema.path("enum").isArray()) {
            StringJoiner values = new StringJoiner(", ", "one of ", "");
            schema.path("enum").forEach(value -> values.add("`" + value.asText() + "`"));
            return values.toString();
        }
        String type = schema.path("type").asText("any value");
        if (type.equals("array")) {
            JsonNode items = resolved(schema.path("items"));
            return "list of " + (items.has("properties") ? "objects" : type(items) + "s");
        }
        JsonNode values = schema.path("additionalProperties");
        return type.equals("object") && values.isObject()
                ? "map of " + values.path("type").asText() + "s"
                : type;
    }

    private static void bounds(JsonNode schema, StringJoiner kind) {
        if (schema.has("minimum") || schema.has("maximum")) {
            kind.add(schema.path("minimum").asText("") + " to "
                    + schema.path("maximum").asText(""));
        }
        if (schema.has("maxLength")) {
            kind.add("at most " + schema.path("maxLength").asText() + " characters");
        }
        if (schema.has("maxItems")) {
            kind.add((schema.has("minItems") ? schema.path("minItems").asText() + " to " : "at most ")
                    + schema.path("maxItems").asText());
        }
        if (schema.has("maxProperties")) {
            kind.add("at most " + schema.path("maxProperties").asText());
        }
        if (schema.has("pattern")) {
            kind.add("matching `" + schema.path("pattern").asText().replace("|", "\\|") + "`");
        }
    }
}
