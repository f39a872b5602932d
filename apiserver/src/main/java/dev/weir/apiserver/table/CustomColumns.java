package dev.weir.apiserver.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code additionalPrinterColumns} of custom resources. */
final class CustomColumns {
    private static final Pattern STEP = Pattern.compile(
            "\\.([A-Za-z0-9_-]+)|\\[(\\d+|\\*)]|\\['([^']+)']|\\[\\?\\(@\\.([A-Za-z0-9_-]+)==[\"']([^\"']*)[\"']\\)]");
    private static final String NAME_WORDS =
            "Name must be unique within a namespace. Is required when creating resources, although some resources may"
                    + " allow a client to request the generation of an appropriate name automatically. Name is"
                    + " primarily intended for creation idempotence and configuration definition. Cannot be updated."
                    + " More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

    private CustomColumns() {}

    /** The columns of a definition that names none. */
    static ArrayNode standard() {
        ArrayNode columns = JsonNodeFactory.instance.arrayNode();
        columns.addObject()
                .put("name", "Age")
                .put("type", "date")
                .put("description", AGE_WORDS)
                .put("jsonPath", ".metadata.creationTimestamp");
        return columns;
    }

    private static final String AGE_WORDS =
            "CreationTimestamp is a timestamp representing the server time when this object was created. It is not"
                    + " guaranteed to be set in happens-before order across separate operations. Clients may not set"
                    + " this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system."
                    + " Read-only. Null for lists. More info:"
                    + " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

    static ArrayNode definitions(ArrayNode printer) {
        ArrayNode columns = JsonNodeFactory.instance.arrayNode();
        columns.addObject()
                .put("name", "Name")
                .put("type", "string")
                .put("format", "name")
                .put("description", NAME_WORDS)
                .put("priority", 0);
        for (JsonNode column : printer) {
            String description = column.path("description").asText("");
            columns.addObject()
                    .put("name", column.path("name").asText())
                    .put("type", column.path("type").asText())
                    .put("format", column.path("format").asText(""))
                    .put(
                            "description",
                            description.isEmpty()
                                    ? "Custom resource definition column (in JSONPath format): "
                                            + column.path("jsonPath").asText()
                                    : description)
                    .put("priority", column.path("priority").asInt());
        }
        return columns;
    }

    static ArrayNode cells(ArrayNode printer, ObjectNode object, Instant now) {
        ArrayNode cells = JsonNodeFactory.instance.arrayNode();
        cells.add(object.path("metadata").path("name").asText());
        for (JsonNode column : printer) {
            JsonNode value = find(object, column.path("jsonPath").asText());
            cells.add(cell(column.path("type").asText(), value, now));
        }
        return cells;
    }

    private static JsonNode cell(String type, JsonNode value, Instant now) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        if (value.isMissingNode() || value.isNull()) {
            return json.nullNode();
        }
        return switch (type) {
            case "integer" -> value.isNumber() ? json.numberNode(value.asLong()) : json.nullNode();
            case "number" -> value.isNumber() ? value : json.nullNode();
            case "boolean" -> value.isBoolean() ? value : json.nullNode();
            case "date" -> json.textNode(Ages.since(value.asText(), now));
            default -> json.textNode(value.isValueNode() ? value.asText() : Json.write(value));
        };
    }

    /** The first match of a simple JSON path. */
    static JsonNode find(JsonNode object, String path) {
        JsonNode node = object;
        Matcher steps = STEP.matcher(path);
        while (steps.find()) {
            if (steps.group(1) != null) {
                node = node.path(steps.group(1));
            } else if (steps.group(2) != null) {
                // of all items a column shows the first
                node = node.path(steps.group(2).equals("*") ? 0 : Integer.parseInt(steps.group(2)));
            } else if (steps.group(3) != null) {
                node = node.path(steps.group(3));
            } else {
                node = first(node, steps.group(4), steps.group(5));
            }
        }
        return node;
    }

    private static JsonNode first(JsonNode list, String field, String value) {
        for (JsonNode item : list) {
            if (item.path(field).asText().equals(value)) {
                return item;
            }
        }
        return JsonNodeFactory.instance.missingNode();
    }
}
