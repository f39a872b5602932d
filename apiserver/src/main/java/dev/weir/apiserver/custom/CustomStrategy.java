package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.builtin.Decoding;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.merge.FieldManagement;
import dev.weir.apiserver.merge.FieldSet;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.rest.ResourceStrategy;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One version of a custom resource: pruned, defaulted and validated by its definition's schema. */
final class CustomStrategy implements ResourceStrategy {
    static final String UNCHECKED =
            "some validation rules were not checked because the object was invalid; correct the existing errors to"
                    + " complete validation";
    private static final Set<Kind> BLOCKING =
            Set.of(Kind.NOT_SUPPORTED, Kind.REQUIRED, Kind.TOO_LONG, Kind.TOO_MANY, Kind.TYPE_INVALID);
    private static final Set<String> ROOT_FIELDS = Set.of("apiVersion", "kind", "metadata");

    private final ResourceType type;
    private final Schema own;
    private final Schema withRoot;
    private final boolean hasStatus;
    private final @Nullable String scaleReplicas;
    private final Rules rules;
    private final boolean hasRules;
    private final Set<String> selectable = new HashSet<>();

    private static final Set<String> STANDARD_FINALIZERS = Set.of("orphan", "foregroundDeletion", "kubernetes");

    private final Schema objectMeta;
    private final @Nullable String deprecation;
    private final @Nullable Schema storage;

    /** @param storage the schema of the version that is stored; null if it is this one */
    CustomStrategy(ResourceType type, JsonNode version, @Nullable JsonNode storage, Schema objectMeta, Rules rules) {
        this.storage = storage == null ? null : Schema.structural(storage);
        this.type = type;
        JsonNode schema = version.path("schema").path("openAPIV3Schema");
        this.own = Schema.structural(schema);
        this.objectMeta = objectMeta;
        this.withRoot = own.withRoot(objectMeta);
        this.deprecation = version.path("deprecated").asBoolean()
                ? version.path("deprecationWarning").asText(type.apiVersion() + " " + type.kind() + " is deprecated")
                : null;
        this.hasStatus = version.path("subresources").has("status");
        this.scaleReplicas = version.path("subresources").has("scale")
                ? version.path("subresources")
                        .path("scale")
                        .path("specReplicasPath")
                        .asText()
                : null;
        this.rules = rules;
        version.path("selectableFields")
                .forEach(field ->
                        selectable.add(field.path("jsonPath").asText(".").substring(1)));
        this.hasRules = schema.toString().contains("x-kubernetes-validations");
    }

    @Override
    public Schema schema() {
        return withRoot;
    }

    @Override
    public List<String> decode(ObjectNode object) {
        List<String> unknown = new ArrayList<>(metadata(object, ""));
        List<String> pruned = new ArrayList<>();
        prune(own, object, "", pruned);
        Collections.sort(pruned);
        unknown.addAll(pruned);
        embedded(own, object, "", unknown);
        return unknown;
    }

    /** Reads metadata as Go's decoder does; the unknown fields with the path before them. */
    private List<String> metadata(ObjectNode object, String path) {
        if (!(object.get("metadata") instanceof ObjectNode metadata)) {
            return List.of();
        }
        try {
            return Decoding.decode(objectMeta, "ObjectMeta", metadata).stream()
                    .map(field -> field.replaceFirst("\"", "\"" + path + "metadata."))
                    .toList();
        } catch (Decoding.WrongTypeException wrong) {
            throw ApiException.badRequest(type.kind() + " in version \"" + type.version() + "\" cannot be handled as a "
                    + type.kind() + ": " + wrong.getMessage());
        }
    }

    /** Objects within the object have metadata of their own. */
    private void embedded(Schema schema, JsonNode value, String path, List<String> unknown) {
        if (value instanceof ObjectNode object) {
            if (schema.embeddedResource()) {
                unknown.addAll(metadata(object, path + "."));
            }
            object.properties().forEach(entry -> {
                Schema below = schema.properties().getOrDefault(entry.getKey(), schema.additionalProperties());
                if (below != null) {
                    embedded(
                            below,
                            entry.getValue(),
                            path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(),
                            unknown);
                }
            });
        } else if (value.isArray()) {
            for (int i = 0; i < value.size(); i++) {
                embedded(schema.items(), value.get(i), path + "[" + i + "]", unknown);
            }
        }
    }

    @Override
    public Optional<String> deprecation() {
        return Optional.ofNullable(deprecation);
    }

    private static void prune(Schema schema, JsonNode value, String path, List<String> unknown) {
        if (value instanceof ObjectNode object) {
            boolean keeps = schema.preservesUnknown()
                    || schema.additionalProperties() != null
                    || schema.keyword("additionalProperties").asBoolean();
            object.properties().removeIf(entry -> {
                String name = entry.getKey();
                Schema below = schema.properties().get(name);
                boolean root = path.isEmpty() || schema.embeddedResource();
                if (root && ROOT_FIELDS.contains(name)) {
                    return false;
                }
                String at = path.isEmpty() ? name : path + "." + name;
                if (below == null && !keeps) {
                    unknown.add("unknown field \"" + at + "\"");
                    return true;
                }
                Schema use = below != null ? below : schema.additionalProperties();
                if (use == null || use.keepsAll()) {
                    return false;
                }
                prune(use, entry.getValue(), at, unknown);
                // null stands for absent where it is not a value of its own and no default replaces it
                return entry.getValue().isNull()
                        && !use.nullable()
                        && use.type() != Schema.Type.ANY
                        && use.defaultValue() == null;
            });
        } else if (value instanceof ArrayNode array
                && !(schema.preservesUnknown() && schema.type() != Schema.Type.ARRAY)) {
            for (int i = 0; i < array.size(); i++) {
                prune(schema.items(), array.get(i), path + "[" + i + "]", unknown);
            }
        }
    }

    @Override
    public void setDefaults(ObjectNode object) {
        fill(own, object);
    }

    private static void fill(Schema schema, JsonNode value) {
        if (value instanceof ObjectNode object) {
            schema.properties().forEach((name, field) -> {
                JsonNode present = object.get(name);
                JsonNode standard = field.defaultValue();
                boolean droppable = present != null && present.isNull() && !field.nullable() && standard != null;
                if ((present == null || droppable) && standard != null) {
                    object.set(name, standard.deepCopy());
                }
                JsonNode now = object.get(name);
                if (now != null) {
                    fill(field, now);
                }
            });
            Schema additional = schema.additionalProperties();
            if (additional != null) {
                object.properties().forEach(entry -> {
                    if (!schema.properties().containsKey(entry.getKey())) {
                        fill(additional, entry.getValue());
                    }
                });
            }
        } else if (value.isArray()) {
            value.forEach(item -> fill(schema.items(), item));
        }
    }

    @Override
    public void prepareForCreate(ObjectNode object) {
        if (hasStatus) {
            object.remove("status");
        }
    }

    @Override
    public void prepareForUpdate(ObjectNode object, ObjectNode old) {
        if (hasStatus) {
            JsonNode status = old.get("status");
            if (status == null) {
                object.remove("status");
            } else {
                object.set("status", status.deepCopy());
            }
        }
    }

    @Override
    public List<FieldError> validate(ObjectNode object, @Nullable ObjectNode old, List<FieldError> ofMetadata) {
        List<FieldError> errors = new ArrayList<>(ofMetadata);
        SchemaValidation.validate(own, object, "").stream()
                .filter(error -> old == null || !unchangedSince(error, object, old))
                .forEach(errors::add);
        scale(object, errors);
        duplicates(own, object, "", errors);
        if (!hasRules) {
            return errors;
        }
        if (errors.stream().anyMatch(error -> BLOCKING.contains(error.kind()))) {
            errors.add(new FieldError(Kind.INVALID, "", "null", UNCHECKED));
            return errors;
        }
        errors.addAll(RuleValidation.validate(rules, own, object, old));
        return errors;
    }

    /** Fields that were already wrong and did not change do not stop an update. */
    private static boolean unchangedSince(FieldError error, ObjectNode object, ObjectNode old) {
        JsonNode now = object;
        JsonNode before = old;
        for (String part : error.field().split("\\.|(?=\\[)")) {
            String name = part.replaceAll("[\\[\\]]", "");
            boolean index = part.startsWith("[") && name.matches("\\d+");
            now = index ? now.path(Integer.parseInt(name)) : now.path(name);
            before = index ? before.path(Integer.parseInt(name)) : before.path(name);
        }
        return !before.isMissingNode() && Json.same(now, before);
    }

    @Override
    public List<String> warnings(ObjectNode object) {
        return object.path("metadata")
                .path("finalizers")
                .valueStream()
                .map(JsonNode::asText)
                .filter(finalizer -> !finalizer.contains("/") && !STANDARD_FINALIZERS.contains(finalizer))
                .map(finalizer -> "metadata.finalizers: \"" + finalizer
                        + "\": prefer a domain-qualified finalizer name to avoid accidental conflicts with other"
                        + " finalizer writers")
                .toList();
    }

    private void scale(ObjectNode object, List<FieldError> errors) {
        if (scaleReplicas == null) {
            return;
        }
        replicas(object, scaleReplicas, errors);
        if (object.has("status")) {
            replicas(object, ".status.replicas", errors);
        }
    }

    private static void replicas(ObjectNode object, String path, List<FieldError> errors) {
        JsonNode value = object;
        for (String part : path.substring(1).split("\\.")) {
            value = value.path(part);
        }
        if (value.isIntegralNumber() && value.asLong() < 0) {
            errors.add(new FieldError(Kind.INVALID, path, value.asText(), "should be a non-negative integer"));
        } else if (!value.isMissingNode() && !value.isNumber()) {
            errors.add(new FieldError(
                    Kind.INVALID,
                    path,
                    "0",
                    path + " accessor error: " + value.asText() + " is of the type "
                            + (value.isTextual() ? "string" : "bool") + ", expected int64"));
        }
    }

    private static void duplicates(Schema schema, JsonNode value, String path, List<FieldError> errors) {
        if (value instanceof ObjectNode object) {
            object.properties().forEach(entry -> {
                Schema below = schema.properties().get(entry.getKey());
                Schema use = below != null ? below : schema.additionalProperties();
                if (use != null) {
                    duplicates(
                            use,
                            entry.getValue(),
                            path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(),
                            errors);
                }
            });
        } else if (value instanceof ArrayNode array) {
            Set<String> seen = new HashSet<>();
            for (int i = 0; i < array.size(); i++) {
                JsonNode key = key(schema, array.get(i));
                if (key != null && !seen.add(Json.write(key))) {
                    errors.add(new FieldError(Kind.DUPLICATE, path + "[" + i + "]", Json.write(key), ""));
                }
                duplicates(schema.items(), array.get(i), path + "[" + i + "]", errors);
            }
        }
    }

    private static @Nullable JsonNode key(Schema schema, JsonNode item) {
        return switch (schema.listKind()) {
            case ATOMIC -> null;
            case SET -> item;
            case MAP -> {
                ObjectNode key = JsonNodeFactory.instance.objectNode();
                schema.mapKeys()
                        .forEach(name -> key.set(name, item.path(name).isMissingNode() ? null : item.get(name)));
                yield key;
            }
        };
    }

    @Override
    public FieldSet resetFields(String subresource) {
        if (!hasStatus) {
            return new FieldSet();
        }
        return subresource.equals("status")
                ? FieldManagement.topLevel(List.of("spec"))
                : subresource.isEmpty() ? FieldManagement.topLevel(List.of("status")) : new FieldSet();
    }

    @Override
    public boolean hasGeneration() {
        return true;
    }

    @Override
    public boolean specChanged(ObjectNode object, ObjectNode old) {
        return !Json.same(counted(object), counted(old));
    }

    private ObjectNode counted(ObjectNode object) {
        ObjectNode counted = JsonNodeFactory.instance.objectNode();
        counted.setAll(object);
        counted.remove(List.of("metadata", "apiVersion", "kind"));
        if (hasStatus) {
            counted.remove("status");
        }
        return counted;
    }

    @Override
    public boolean allowsUnconditionalUpdate() {
        return false;
    }

    @Override
    public Set<String> selectableFields() {
        return Set.copyOf(selectable);
    }

    @Override
    public boolean servesStrategicMerge() {
        return false;
    }

    @Override
    public ObjectNode onRead(ObjectNode stored) {
        if (storage == null && stored.path("apiVersion").asText().equals(type.apiVersion())) {
            return stored;
        }
        ObjectNode converted = stored.deepCopy();
        if (storage != null) {
            // what is kept has the form of the version that is stored
            prune(storage, converted, "", new ArrayList<>());
            fill(storage, converted);
        }
        converted.put("apiVersion", type.apiVersion());
        prune(own, converted, "", new ArrayList<>());
        fill(own, converted);
        return converted;
    }
}
