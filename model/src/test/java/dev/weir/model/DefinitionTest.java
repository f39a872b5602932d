package dev.weir.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The records and the definition say the same: same fields, same types; everything in the definition is bounded. */
class DefinitionTest {
    private static JsonNode schema() throws IOException {
        return new YAMLMapper()
                .readTree(DefinitionTest.class.getResourceAsStream("/crds/weir.dev_releases.yaml"))
                .at("/spec/versions/0/schema/openAPIV3Schema");
    }

    @Test
    void recordsAndDefinitionHaveTheSameFields() throws IOException {
        List<String> differences = new ArrayList<>();
        compare("spec", ReleaseSpec.class, schema().at("/properties/spec"), differences);
        compare("status", ReleaseStatus.class, schema().at("/properties/status"), differences);
        assertThat(differences).isEmpty();
    }

    private static void compare(String field, Type type, JsonNode schema, List<String> differences) {
        String wanted = schema.path("type").asText();
        if (type instanceof ParameterizedType generic) {
            boolean list = generic.getRawType() == List.class;
            expect(field, wanted, list ? "array" : "object", differences);
            assertThat(generic.getRawType()).isIn(List.class, Map.class);
            compare(
                    field + "[]",
                    generic.getActualTypeArguments()[list ? 0 : 1],
                    schema.path(list ? "items" : "additionalProperties"),
                    differences);
        } else if (type instanceof Class<?> kind && kind.isRecord()) {
            expect(field, wanted, "object", differences);
            TreeSet<String> names = new TreeSet<>();
            for (RecordComponent component : kind.getRecordComponents()) {
                names.add(component.getName());
                compare(
                        field + "." + component.getName(),
                        component.getGenericType(),
                        schema.path("properties").path(component.getName()),
                        differences);
            }
            TreeSet<String> defined = new TreeSet<>();
            schema.path("properties").fieldNames().forEachRemaining(defined::add);
            if (!names.equals(defined)) {
                differences.add(field + ": record has " + names + ", definition has " + defined);
            }
        } else {
            String simple = ((Class<?>) type).getSimpleName();
            expect(
                    field,
                    wanted,
                    switch (simple) {
                        case "String" -> "string";
                        case "int", "Integer", "long" -> "integer";
                        case "boolean", "Boolean" -> "boolean";
                        case "ObjectNode" -> "object";
                        default -> simple;
                    },
                    differences);
        }
    }

    private static void expect(String field, String defined, String record, List<String> differences) {
        if (!defined.equals(record)) {
            differences.add(field + ": record says " + record + ", definition says " + defined);
        }
    }

    @Test
    void everyListMapAndStringIsBounded() throws IOException {
        List<String> unbounded = new ArrayList<>();
        bounds("spec", schema().at("/properties/spec"), unbounded);
        bounds("status", schema().at("/properties/status"), unbounded);
        assertThat(unbounded).isEmpty();
    }

    private static void bounds(String field, JsonNode schema, List<String> unbounded) {
        boolean bounded = switch (schema.path("type").asText()) {
            case "string" -> schema.has("maxLength") || schema.has("enum") || schema.has("format");
            case "array" -> schema.has("maxItems");
            case "object" -> schema.has("maxProperties") || !schema.has("additionalProperties");
            default -> true;
        };
        if (!bounded) {
            unbounded.add(field);
        }
        schema.path("properties").properties().forEach(e -> bounds(field + "." + e.getKey(), e.getValue(), unbounded));
        for (String nested : List.of("items", "additionalProperties")) {
            if (schema.path(nested).isObject()) {
                bounds(field + "[]", schema.path(nested), unbounded);
            }
        }
    }
}
