package dev.weir.apiserver.proto;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Recorded;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Turns protobuf messages into the JSON that they stand for, by the table of field numbers. */
final class ProtobufMessages {
    private static final String META = "k8s.io.apimachinery.pkg.apis.meta.v1.";
    private static final Pattern UPPER = Pattern.compile("[A-Z]");
    private static final Map<String, Map<Integer, Field>> MESSAGES = read();
    /** Fields whose Go type embeds the message: its fields stand one level up. */
    private static final Set<String> INLINED = Set.of(
            "volumeSource",
            "persistentVolumeSource",
            "localObjectReference",
            "handler",
            "ephemeralContainerCommon",
            "ingressRuleValue",
            "rule",
            "ruleWithOperations");
    /** Names that JSON spells in another way than protobuf. */
    private static final Map<String, String> RENAMED = Map.of(
            "uID", "uid",
            "aPIGroup", "apiGroup",
            "Webhooks", "webhooks",
            "Expression", "expression",
            "Name", "name");

    private static final String SCHEMA_PROPS = ".JSONSchemaProps";

    private record Field(String name, String kind) {}

    private static Map<String, Map<Integer, Field>> read() {
        Map<String, Map<Integer, Field>> messages = new HashMap<>();
        String table = new String(Recorded.bytes("protobuf-fields.txt.gz"), StandardCharsets.UTF_8);
        table.lines().forEach(line -> {
            String[] words = line.split(" ");
            Map<Integer, Field> fields = new HashMap<>();
            for (int i = 1; i < words.length; i++) {
                String[] parts = words[i].split(":", 3);
                fields.put(Integer.parseInt(parts[0]), new Field(parts[1], parts[2]));
            }
            messages.put(words[0], fields);
        });
        return messages;
    }

    /** Decodes {@code k8s\0} and the message that names the kind of the object within. */
    ObjectNode envelope(byte[] body) {
        if (body.length < 4 || body[0] != 'k' || body[1] != '8' || body[2] != 's' || body[3] != 0) {
            throw ApiException.badRequest(
                    "provided data does not appear to be a protobuf message, expected prefix" + " [107 56 115 0]");
        }
        try {
            ObjectNode unknown =
                    message("k8s.io.apimachinery.pkg.runtime.Unknown", new WireReader(body, 4, body.length));
            String apiVersion = unknown.path("typeMeta").path("apiVersion").asText("");
            String kind = unknown.path("typeMeta").path("kind").asText("");
            byte[] raw = unknown.path("raw").isMissingNode()
                    ? new byte[0]
                    : java.util.Base64.getDecoder().decode(unknown.path("raw").asText());
            ObjectNode object = Json.MAPPER.createObjectNode();
            object.put("kind", kind).put("apiVersion", apiVersion);
            object.setAll(message(messageName(apiVersion, kind), new WireReader(raw, 0, raw.length)));
            return object;
        } catch (IOException | IndexOutOfBoundsException | DateTimeException malformed) {
            throw ApiException.badRequest("malformed protobuf body: " + malformed.getMessage());
        }
    }

    private static String messageName(String apiVersion, String kind) {
        String group = apiVersion.contains("/") ? apiVersion.substring(0, apiVersion.indexOf('/')) : "core";
        String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
        String shortGroup = group.contains(".") ? group.substring(0, group.indexOf('.')) : group;
        for (String name : new String[] {
            "k8s.io.api." + shortGroup + "." + version + "." + kind,
            META + kind,
            "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions." + version + "." + kind
        }) {
            if (MESSAGES.containsKey(name)) {
                return name;
            }
        }
        throw ApiException.badRequest(
                "no protobuf message is known for kind \"" + kind + "\" in version \"" + apiVersion + "\"");
    }

    private ObjectNode message(String name, WireReader in) throws IOException {
        Map<Integer, Field> fields = MESSAGES.getOrDefault(name, Map.of());
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        while (in.hasMore()) {
            long tag = in.varint();
            Field field = fields.get((int) (tag >>> 3));
            int wire = (int) (tag & 7);
            if (field == null) {
                in.skip(wire);
            } else {
                add(object, jsonName(name, field.name()), field.kind(), in, wire);
            }
        }
        return object;
    }

    /** Zero values are kept: which of them Go writes is known where the object is decoded into its kind. */
    private void add(ObjectNode object, String name, String kind, WireReader in, int wire) throws IOException {
        if (kind.startsWith("{}")) {
            entry(object.withObject("/" + name), kind.substring(2), in.slice());
        } else if (kind.startsWith("[]")) {
            object.withArray(name).add(value(kind.substring(2), in, wire));
        } else {
            JsonNode value = value(kind, in, wire);
            if (INLINED.contains(name) && value instanceof ObjectNode inner) {
                object.setAll(inner);
            } else if (!value.isNull()) {
                object.set(name, value);
            }
        }
    }

    private static String jsonName(String message, String name) {
        if (message.endsWith(SCHEMA_PROPS)) {
            return switch (name) {
                case "schema", "ref" -> "$" + name;
                default ->
                    name.startsWith("xKubernetes")
                            ? UPPER.matcher(name)
                                    .replaceAll(letter -> "-" + letter.group().toLowerCase(Locale.ROOT))
                            : name;
            };
        }
        return RENAMED.getOrDefault(name, name);
    }

    private void entry(ObjectNode map, String kind, WireReader in) throws IOException {
        String key = "";
        JsonNode value = JsonNodeFactory.instance.textNode("");
        while (in.hasMore()) {
            long tag = in.varint();
            if (tag >>> 3 == 1) {
                key = in.text();
            } else {
                value = value(kind, in, (int) (tag & 7));
            }
        }
        map.set(key, value);
    }

    private JsonNode value(String kind, WireReader in, int wire) throws IOException {
        JsonNodeFactory json = JsonNodeFactory.instance;
        return switch (kind) {
            case "string" -> json.textNode(in.text());
            case "bytes" -> json.textNode(java.util.Base64.getEncoder().encodeToString(in.bytes()));
            case "bool" -> json.booleanNode(in.varint() != 0);
            case "int32", "uint32" -> json.numberNode((int) in.varint());
            case "int64", "uint64" -> number(in.varint());
            case "double" -> json.numberNode(in.fixedDouble());
            default -> wire == 2 ? special(kind, in.slice()) : json.nullNode();
        };
    }

    private static JsonNode number(long value) {
        return value == (int) value
                ? JsonNodeFactory.instance.numberNode((int) value)
                : JsonNodeFactory.instance.numberNode(value);
    }

    /** Messages that JSON writes as something other than an object. */
    private JsonNode special(String kind, WireReader in) throws IOException {
        JsonNodeFactory json = JsonNodeFactory.instance;
        ObjectNode plain = message(kind, in);
        return switch (kind.substring(kind.lastIndexOf('.') + 1)) {
            case "Time", "MicroTime", "Timestamp" -> {
                if (plain.isEmpty()) {
                    yield json.nullNode();
                }
                Instant time = Instant.ofEpochSecond(
                        plain.path("seconds").asLong(), plain.path("nanos").asLong());
                yield json.textNode(
                        kind.endsWith("MicroTime")
                                ? micros(time)
                                : time.truncatedTo(ChronoUnit.SECONDS).toString());
            }
            case "IntOrString" ->
                plain.path("type").asInt() == 1
                        ? json.textNode(plain.path("strVal").asText(""))
                        : json.numberNode(plain.path("intVal").asInt());
            case "Quantity" -> json.textNode(plain.path("string").asText("0"));
            case "RawExtension", "FieldsV1", "JSON" -> {
                JsonNode raw = plain.has("raw") ? plain.path("raw") : plain.path("Raw");
                yield raw.isMissingNode()
                        ? json.nullNode()
                        : Json.MAPPER.readTree(java.util.Base64.getDecoder().decode(raw.asText()));
            }
            case "Verbs", "ExtraValue" -> plain.withArray("items");
            case "JSONSchemaPropsOrBool" ->
                plain.has("schema")
                        ? plain.path("schema")
                        : json.booleanNode(plain.path("allows").asBoolean());
            case "JSONSchemaPropsOrArray" ->
                plain.path("schema").isMissingNode() ? plain.withArray("jSONSchemas") : plain.path("schema");
            default -> plain;
        };
    }

    private static String micros(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString().replace("Z", "") + "."
                + String.format(java.util.Locale.ROOT, "%06d", time.getNano() / 1000) + "Z";
    }
}
