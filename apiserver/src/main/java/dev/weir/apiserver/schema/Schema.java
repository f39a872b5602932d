package dev.weir.apiserver.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One node of an OpenAPI v3 schema as merging, decoding and validation read it.
 *
 * <p>References are resolved on first use, so recursive schemas are fine. Safe for concurrent use.
 */
public final class Schema {
    /** What a value of this schema is; ANY where the schema does not say. */
    public enum Type {
        OBJECT,
        ARRAY,
        STRING,
        INTEGER,
        NUMBER,
        BOOLEAN,
        INT_OR_STRING,
        ANY
    }

    /** How lists merge. */
    public enum ListKind {
        ATOMIC,
        SET,
        MAP
    }

    /** Nothing is known: maps merge by key, lists are replaced. */
    public static final Schema UNKNOWN = new Schema(JsonNodeFactory.instance.objectNode(), Map.of(), true);

    private static final String REF = "#/components/schemas/";
    private static final Set<String> SCALAR_COMPONENTS = Set.of(
            "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
            "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
            "io.k8s.apimachinery.pkg.api.resource.Quantity");

    private final JsonNode own;
    private final JsonNode target;
    private final Map<String, Schema> components;
    private final @Nullable String component;
    private final boolean structural;
    private volatile @Nullable Map<String, Schema> properties;

    private Schema(JsonNode own, Map<String, Schema> components, boolean structural) {
        this.own = own;
        this.components = components;
        this.structural = structural;
        String ref =
                own.path("$ref").asText(own.path("allOf").path(0).path("$ref").asText(""));
        this.component = ref.startsWith(REF) ? ref.substring(REF.length()) : null;
        Schema referred = component == null ? null : components.get(component);
        this.target = referred == null ? own : referred.target;
    }

    private static final Map<String, List<String>> ALWAYS_WRITTEN = Map.ofEntries(
            Map.entry("apps.v1.StatefulSetSpec", List.of("serviceName")),
            Map.entry(
                    "Event",
                    List.of("firstTimestamp", "lastTimestamp", "eventTime", "reportingComponent", "reportingInstance")),
            Map.entry("autoscaling.v2.HorizontalPodAutoscalerStatus", List.of("currentMetrics")),
            Map.entry(
                    "core.v1.NodeSystemInfo",
                    List.of(
                            "machineID",
                            "systemUUID",
                            "bootID",
                            "kernelVersion",
                            "osImage",
                            "containerRuntimeVersion",
                            "kubeletVersion",
                            "kubeProxyVersion",
                            "operatingSystem",
                            "architecture")),
            Map.entry("core.v1.DaemonEndpoint", List.of("Port")),
            Map.entry("EndpointSlice", List.of("endpoints", "ports")),
            Map.entry("core.v1.PodCondition", List.of("lastProbeTime", "lastTransitionTime")),
            Map.entry("core.v1.NodeCondition", List.of("lastHeartbeatTime", "lastTransitionTime")),
            Map.entry("batch.v1.JobCondition", List.of("lastProbeTime", "lastTransitionTime")),
            Map.entry("apps.v1.DeploymentCondition", List.of("lastUpdateTime", "lastTransitionTime")));

    /** The schema of a custom resource version, {@code openAPIV3Schema}. */
    public static Schema structural(JsonNode openApiV3Schema) {
        return new Schema(openApiV3Schema, Map.of(), true);
    }

    /** This structural schema with the fields that every object has. */
    public Schema withRoot(Schema objectMeta) {
        Schema rooted = new Schema(own, components, structural);
        Map<String, Schema> all = new LinkedHashMap<>(properties());
        Schema text = structural(JsonNodeFactory.instance.objectNode().put("type", "string"));
        all.put("apiVersion", text);
        all.put("kind", text);
        all.put("metadata", objectMeta);
        rooted.properties = all;
        return rooted;
    }

    /** The schema as documents for clients carry it. */
    public ObjectNode published() {
        ObjectNode published = own.isObject() ? ((ObjectNode) own).deepCopy() : JsonNodeFactory.instance.objectNode();
        published.put("type", "object");
        ObjectNode fields = published.withObject("/properties");
        fields.putObject("apiVersion").put("type", "string");
        fields.putObject("kind").put("type", "string");
        fields.putObject("metadata").put("type", "object").put("x-kubernetes-preserve-unknown-fields", true);
        return published;
    }

    /** The components of a recorded OpenAPI document, by name. */
    static Map<String, Schema> components(JsonNode document) {
        Map<String, Schema> components = new LinkedHashMap<>();
        document.path("components")
                .path("schemas")
                .properties()
                .forEach(entry -> components.put(entry.getKey(), new Schema(entry.getValue(), components, false)));
        return components;
    }

    public Type type() {
        if (own.path("x-kubernetes-int-or-string").asBoolean()
                || target.path("format").asText().equals("int-or-string")) {
            return Type.INT_OR_STRING;
        }
        if (component != null && SCALAR_COMPONENTS.contains(component)) {
            return component.endsWith("Quantity") ? Type.INT_OR_STRING : Type.STRING;
        }
        return switch (target.path("type").asText()) {
            case "object" -> Type.OBJECT;
            case "array" -> Type.ARRAY;
            case "string" -> Type.STRING;
            case "integer" -> Type.INTEGER;
            case "number" -> Type.NUMBER;
            case "boolean" -> Type.BOOLEAN;
            default -> Type.ANY;
        };
    }

    /** The name of the component that this schema refers to, such as {@code io.k8s.api.core.v1.PodSpec}. */
    public @Nullable String component() {
        return component;
    }

    /** Declared fields, in declaration order; unmodifiable. */
    public Map<String, Schema> properties() {
        Map<String, Schema> known = properties;
        if (known == null) {
            Map<String, Schema> made = new LinkedHashMap<>();
            target.path("properties")
                    .properties()
                    .forEach(entry -> made.put(entry.getKey(), new Schema(entry.getValue(), components, structural)));
            known = made;
            properties = known;
        }
        return known;
    }

    /** The schema of undeclared keys; null where none are allowed or nothing is said. */
    public @Nullable Schema additionalProperties() {
        JsonNode additional = target.path("additionalProperties");
        return additional.isObject() ? new Schema(additional, components, structural) : null;
    }

    /** The schema of a list's items, or {@link #UNKNOWN}. */
    public Schema items() {
        JsonNode items = target.path("items");
        return items.isObject() ? new Schema(items, components, structural) : UNKNOWN;
    }

    public ListKind listKind() {
        return switch (keyword("x-kubernetes-list-type").asText()) {
            case "map" -> ListKind.MAP;
            case "set" -> ListKind.SET;
            default -> ListKind.ATOMIC;
        };
    }

    /** The fields that identify an item of a {@link ListKind#MAP} list. */
    public List<String> mapKeys() {
        List<String> keys = new ArrayList<>();
        keyword("x-kubernetes-list-map-keys").forEach(key -> keys.add(key.asText()));
        return keys;
    }

    /** True for objects that are replaced as a whole. */
    public boolean atomicMap() {
        return component != null && component.endsWith(".runtime.RawExtension")
                || keyword("x-kubernetes-map-type").asText().equals("atomic");
    }

    public @Nullable JsonNode defaultValue() {
        return own.get("default");
    }

    public boolean preservesUnknown() {
        return own.path("x-kubernetes-preserve-unknown-fields").asBoolean();
    }

    /** True if nothing is said of this node at all, as {@code additionalProperties: true} says nothing of the values. */
    public boolean keepsAll() {
        return own.isBoolean() && own.asBoolean();
    }

    public boolean embeddedResource() {
        return own.path("x-kubernetes-embedded-resource").asBoolean();
    }

    public boolean nullable() {
        return own.path("nullable").asBoolean();
    }

    /** True if nothing below this node is described, so that merging goes by what the values look like. */
    public boolean isUntyped() {
        return keepsAll()
                || type() == Type.ANY && properties().isEmpty()
                || preservesUnknown() && properties().isEmpty() && additionalProperties() == null
                || !structural && type() == Type.OBJECT && properties().isEmpty() && additionalProperties() == null;
    }

    public @Nullable String patchMergeKey() {
        JsonNode key = own.path("x-kubernetes-patch-merge-key");
        return key.isMissingNode() ? null : key.asText();
    }

    /** Any of {@code merge}, {@code replace}, {@code retainKeys}. */
    public Set<String> patchStrategies() {
        return Set.of(own.path("x-kubernetes-patch-strategy").asText("").split(","));
    }

    public Set<String> required() {
        Set<String> required = new TreeSet<>();
        target.path("required").forEach(name -> required.add(name.asText()));
        return required;
    }

    /** Any other keyword; missing node if absent. */
    public JsonNode keyword(String name) {
        JsonNode value = own.path(name);
        return value.isMissingNode() ? target.path(name) : value;
    }

    /** The field of an object or the value of a map key; {@link #UNKNOWN} where unknown fields are kept, else null. */
    public @Nullable Schema child(String key) {
        Schema declared = properties().get(key);
        if (declared != null) {
            return declared;
        }
        Schema additional = additionalProperties();
        if (additional != null) {
            return additional;
        }
        return preservesUnknown() || isUntyped() ? UNKNOWN : null;
    }

    /** Adds the empty structs that Go always writes: the objects whose default is {@code {}}. */
    public void fillEmptyStructs(JsonNode value) {
        if (structural) {
            return;
        }
        if (value instanceof ObjectNode object) {
            properties().forEach((name, field) -> {
                if (field.isStruct() && !object.has(name)) {
                    object.putObject(name);
                }
                JsonNode present = object.get(name);
                if (present != null) {
                    field.fillEmptyStructs(present);
                }
            });
            for (String name : alwaysWritten()) {
                if (!object.has(name)) {
                    object.set(name, properties().getOrDefault(name, UNKNOWN).zero());
                }
            }
            Schema additional = additionalProperties();
            if (additional != null && additional.type() == Type.OBJECT) {
                object.forEach(additional::fillEmptyStructs);
            }
        } else if (value.isArray()) {
            Schema items = items();
            value.forEach(items::fillEmptyStructs);
        }
    }

    /** What Go writes for a value that was just made: empty structs, and null for required lists. */
    public ObjectNode emptyStruct() {
        ObjectNode empty = JsonNodeFactory.instance.objectNode();
        if (structural) {
            return empty;
        }
        Set<String> required = required();
        properties().forEach((name, field) -> {
            if (field.isStruct()) {
                empty.set(name, field.emptyStruct());
            } else if (required.contains(name) && field.type() != Type.OBJECT
                    || alwaysWritten().contains(name)) {
                empty.set(name, field.zero());
            }
        });
        return empty;
    }

    /** Optional fields that the structs of built-in kinds write even if they hold nothing. */
    private List<String> alwaysWritten() {
        String name = component != null
                ? component.substring(component.indexOf("api.") + "api.".length())
                : own.path("x-kubernetes-group-version-kind")
                        .path(0)
                        .path("kind")
                        .asText("");
        return ALWAYS_WRITTEN.getOrDefault(name, List.of());
    }

    /** What a field holds that nobody has set. */
    private JsonNode zero() {
        JsonNodeFactory json = JsonNodeFactory.instance;
        if (component != null && component.endsWith("Time")) {
            return json.nullNode();
        }
        return switch (type()) {
            case STRING -> json.textNode("");
            case INTEGER, NUMBER -> json.numberNode(0);
            case BOOLEAN -> json.booleanNode(false);
            case OBJECT, ARRAY, INT_OR_STRING, ANY -> json.nullNode();
        };
    }

    private boolean isStruct() {
        return component != null
                && type() == Type.OBJECT
                && own.path("default").isObject()
                && own.path("default").isEmpty();
    }
}
