package dev.weir.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;

/** Tells specs and templates apart by a short name. */
public final class Fingerprint {
    private Fingerprint() {}

    /** Eight hexadecimal digits; the order of fields does not matter. */
    public static String of(JsonNode value) {
        CRC32 crc = new CRC32();
        crc.update(ordered(value).toString().getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    private static JsonNode ordered(JsonNode value) {
        if (value.isObject()) {
            Map<String, JsonNode> fields = new TreeMap<>();
            value.properties().forEach(entry -> fields.put(entry.getKey(), ordered(entry.getValue())));
            ObjectNode ordered = JsonNodeFactory.instance.objectNode();
            fields.forEach(ordered::set);
            return ordered;
        }
        if (value.isArray()) {
            ArrayNode ordered = JsonNodeFactory.instance.arrayNode();
            value.forEach(element -> ordered.add(ordered(element)));
            return ordered;
        }
        return value;
    }
}
