package dev.weir.apiserver.cel;

import com.google.common.collect.ImmutableCollection;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import dev.cel.common.types.CelType;
import dev.cel.common.types.CelTypeProvider;
import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.types.StructType;
import dev.weir.apiserver.schema.Schema;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The types that a structural schema gives to the compiler, so that rules about fields that do not exist are found.
 * Where a schema leaves something open, or a value may be null, anything goes.
 */
@SuppressWarnings("Immutable") // what the constructor fills in is not changed afterwards
final class SchemaTypes implements CelTypeProvider {
    private static final Pattern IDENTIFIER = Pattern.compile("[_a-zA-Z][_a-zA-Z0-9]*");
    private static final Set<String> TIMES = Set.of("date", "date-time");

    private final Map<String, StructType> structs = new LinkedHashMap<>();
    private final CelType self;

    /** @param root true for the schema of a whole object, which has a name and a kind whatever it says */
    SchemaTypes(Schema schema, boolean root) {
        self = type(schema, "Self", root);
    }

    CelType self() {
        return self;
    }

    private CelType type(Schema schema, String name, boolean object) {
        if (schema.nullable()) {
            return SimpleType.DYN;
        }
        return switch (schema.type()) {
            case STRING -> text(schema);
            case INTEGER -> SimpleType.INT;
            case NUMBER -> SimpleType.DOUBLE;
            case BOOLEAN -> SimpleType.BOOL;
            case ARRAY -> ListType.create(type(schema.items(), name + "_item", false));
            case OBJECT -> map(schema, name, object || schema.embeddedResource());
            case INT_OR_STRING, ANY -> SimpleType.DYN;
        };
    }

    private static CelType text(Schema schema) {
        String format = schema.keyword("format").asText("");
        if (TIMES.contains(format)) {
            return SimpleType.TIMESTAMP;
        }
        return switch (format) {
            case "duration" -> SimpleType.DURATION;
            case "byte" -> SimpleType.BYTES;
            default -> SimpleType.STRING;
        };
    }

    private CelType map(Schema schema, String name, boolean object) {
        Schema values = schema.additionalProperties();
        if (values != null && schema.properties().isEmpty()) {
            return MapType.create(SimpleType.STRING, type(values, name + "_value", false));
        }
        if (schema.preservesUnknown() || values != null || schema.properties().isEmpty() && !object) {
            return SimpleType.DYN;
        }
        Map<String, CelType> fields = new LinkedHashMap<>();
        schema.properties().forEach((field, below) -> {
            String escaped = Values.escape(field);
            if (IDENTIFIER.matcher(escaped).matches()) {
                fields.put(escaped, type(below, name + "_" + escaped, false));
            }
        });
        if (object) {
            fields.put("apiVersion", SimpleType.STRING);
            fields.put("kind", SimpleType.STRING);
            fields.put(
                    "metadata",
                    struct(name + "_metadata", Map.of("name", SimpleType.STRING, "generateName", SimpleType.STRING)));
        }
        return struct(name, fields);
    }

    private StructType struct(String name, Map<String, CelType> fields) {
        StructType struct = StructType.create(
                name, ImmutableSet.copyOf(fields.keySet()), field -> Optional.ofNullable(fields.get(field)));
        structs.put(name, struct);
        return struct;
    }

    @Override
    public ImmutableCollection<CelType> types() {
        return ImmutableList.copyOf(structs.values());
    }

    @Override
    public Optional<CelType> findType(String name) {
        return Optional.ofNullable(structs.get(name));
    }
}
