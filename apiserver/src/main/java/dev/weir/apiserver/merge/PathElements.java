package dev.weir.apiserver.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.schema.Schema;
import java.util.TreeSet;

/** The names that FieldsV1 gives to fields and list items. */
final class PathElements {
    private PathElements() {}

    static String field(String name) {
        return "f:" + name;
    }

    /** The element of an item of a set or map list. */
    static String item(Schema list, JsonNode item) {
        if (list.listKind() == Schema.ListKind.SET) {
            return "v:" + Json.write(item);
        }
        ObjectNode key = JsonNodeFactory.instance.objectNode();
        Schema items = list.items();
        for (String name : new TreeSet<>(list.mapKeys())) {
            JsonNode value = item.get(name);
            if (value == null) {
                Schema field = items.properties().get(name);
                value = field == null ? null : field.defaultValue();
            }
            if (value != null) {
                key.set(name, value);
            }
        }
        return "k:" + Json.write(key);
    }

    /** The schema below an element. */
    static Schema below(Schema schema, String element) {
        if (element.startsWith("f:")) {
            Schema child = schema.child(element.substring(2));
            return child == null ? Schema.UNKNOWN : child;
        }
        return schema.items();
    }

    /** As conflict messages print it: {@code .spec.ports[port=80,protocol="TCP"]}. */
    static String readable(Iterable<String> path) {
        StringBuilder text = new StringBuilder();
        for (String element : path) {
            String rest = element.substring(2);
            switch (element.charAt(0)) {
                case 'f' -> text.append('.').append(rest);
                case 'v' -> text.append("[=").append(rest).append(']');
                case 'i' -> text.append('[').append(rest).append(']');
                default -> text.append('[').append(keys(rest)).append(']');
            }
        }
        return text.toString();
    }

    private static String keys(String json) {
        try {
            StringBuilder text = new StringBuilder();
            Json.MAPPER
                    .readTree(json)
                    .properties()
                    .forEach(entry -> text.append(text.isEmpty() ? "" : ",")
                            .append(entry.getKey())
                            .append('=')
                            .append(Json.write(entry.getValue())));
            return text.toString();
        } catch (com.fasterxml.jackson.core.JsonProcessingException unreadable) {
            return json;
        }
    }
}
