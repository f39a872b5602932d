package dev.weir.apiserver.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Recorded;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Renders objects as the Tables that {@code kubectl get} prints. */
public final class Tables {
    private final JsonNode recorded = Recorded.json("table-columns.json.gz");
    private final Map<String, ArrayNode> custom = new ConcurrentHashMap<>();
    private final Clock clock;

    public Tables(Clock clock) {
        this.clock = clock;
    }

    /** Sets a custom resource version's printer columns, as its definition has them; null for none. */
    public void setCustom(ResourceType type, @Nullable ArrayNode printerColumns) {
        custom.put(id(type), printerColumns == null ? CustomColumns.standard() : printerColumns);
    }

    private static String id(ResourceType type) {
        return type.apiVersion() + "/" + type.plural();
    }

    /** A table of these objects; {@code include} is None, Metadata or Object. */
    public ObjectNode ofObjects(
            ResourceType type, List<ObjectNode> objects, String include, String revision, boolean withColumns) {
        ArrayNode printer = custom.get(id(type));
        ObjectNode table = Json.MAPPER.createObjectNode();
        table.put("kind", "Table").put("apiVersion", "meta.k8s.io/v1");
        table.putObject("metadata").put("resourceVersion", revision);
        JsonNode columns = printer != null ? CustomColumns.definitions(printer) : columns(type);
        // later events of a watch say null
        table.set("columnDefinitions", withColumns ? columns : Json.MAPPER.nullNode());
        ArrayNode rows = table.putArray("rows");
        for (ObjectNode object : objects) {
            ObjectNode row = rows.addObject();
            ArrayNode cells = printer != null
                    ? CustomColumns.cells(printer, object, clock.instant())
                    : BuiltInCells.of(type, object, columns, clock.instant());
            row.set("cells", cells);
            switch (include) {
                case "None" -> row.putNull("object");
                case "Object" -> row.set("object", object);
                default -> {
                    ObjectNode partial = row.putObject("object");
                    partial.put("kind", "PartialObjectMetadata").put("apiVersion", "meta.k8s.io/v1");
                    partial.set("metadata", object.path("metadata"));
                }
            }
        }
        if (objects.isEmpty() && columns.path(1).path("name").asText().equals("Created At")) {
            // the kinds without columns of their own leave it at that
            table.putNull("rows");
        }
        return table;
    }

    private JsonNode columns(ResourceType type) {
        String key = type.apiVersion() + "/" + type.plural();
        JsonNode found = recorded.path(key);
        return found.isArray() ? found : recorded.path("v1/" + type.plural());
    }
}
