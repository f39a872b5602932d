package dev.weir.apiserver.custom;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Schema;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What definitions may say, and what they then ask of their objects. */
class DefinitionsTest {
    private static final YAMLMapper YAML = new YAMLMapper();
    private static final String DEFINITION = """
            metadata: {name: gadgets.example.com}
            spec:
              group: example.com
              scope: Namespaced
              names: {plural: gadgets, kind: Gadget}
              versions:
              - name: v1
                served: true
                storage: true
                schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}
            """;

    private static ObjectNode yaml(String text) throws Exception {
        return (ObjectNode) YAML.readTree(text);
    }

    private static List<String> messages(List<FieldError> errors) {
        return errors.stream().map(FieldError::message).toList();
    }

    private static List<FieldError> validate(ObjectNode definition, @Nullable ObjectNode old) {
        return DefinitionValidation.validate(new Rules(), Set.of(), definition, old);
    }

    @Test
    void aPlainDefinitionIsFine() throws Exception {
        assertThat(validate(yaml(DEFINITION), null)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            name: gadgets.example.com | name: other.example.com | metadata.name: Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group
            scope: Namespaced | scope: Everywhere | spec.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespaced"
            kind: Gadget} | kind: Gadget, listKind: Gadget} | spec.names.listKind: Invalid value: "Gadget": kind and listKind may not be the same
            storage: true | storage: false | must have exactly one version marked as storage version
            'schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}' | '' | spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required
            {openAPIV3Schema: {type: object | {openAPIV3Schema: {type: string | must be object at the root
            spec: {type: object} | spec: {} | spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields
            spec: {type: object} | spec: {type: array} | properties[spec].items: Required value: must be specified
            spec: {type: object} | spec: {type: object, properties: {}, additionalProperties: {type: string}} | additionalProperties and properties are mutual exclusive
            spec: {type: object} | spec: {type: array, x-kubernetes-list-type: map, items: {type: object}} | x-kubernetes-list-map-keys: Required value: must not be empty
            spec: {type: object} | spec: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a], items: {type: object, properties: {a: {type: string}}}} | items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys
            spec: {type: object} | spec: {type: integer, default: text} | properties[spec].default: Invalid value
            """)
    void refuses(String what, String by, String message) throws Exception {
        String text = DEFINITION.replace(what, by == null ? "" : by);
        assertThat(messages(validate(yaml(text), null)))
                .anySatisfy(error -> assertThat(error).contains(message));
    }

    @Test
    void someFieldsNeverChange() throws Exception {
        ObjectNode old = yaml(DEFINITION + "status: {storedVersions: [v1]}\n");
        ObjectNode next = yaml(DEFINITION.replace("Namespaced", "Cluster").replace("name: v1", "name: v2")
                + "status: {storedVersions: [v1]}\n");
        assertThat(messages(validate(next, old)))
                .anySatisfy(error ->
                        assertThat(error).contains("spec.scope: Invalid value: \"Cluster\": field is immutable"))
                .anySatisfy(
                        error -> assertThat(error).contains("status.storedVersions[0]", "missing from spec.versions"));
    }

    private static CustomStrategy strategy(String schema) throws Exception {
        ObjectNode version = yaml("{name: v1, subresources: {status: {}}}");
        version.putObject("schema").set("openAPIV3Schema", YAML.readTree(schema));
        ResourceType type = new ResourceType(
                "example.com",
                "v1",
                "gadgets",
                "gadget",
                "Gadget",
                "GadgetList",
                true,
                List.of(),
                List.of(),
                List.of(),
                Set.of("status"));
        return new CustomStrategy(type, version, null, Schema.UNKNOWN, new Rules());
    }

    private static List<String> problems(String spec, String now, @Nullable String before) throws Exception {
        CustomStrategy strategy = strategy("{type: object, properties: {spec: " + spec + "}}");
        ObjectNode object = yaml("{apiVersion: example.com/v1, kind: Gadget, metadata: {name: x}, spec: " + now + "}");
        ObjectNode old = before == null
                ? null
                : yaml("{apiVersion: example.com/v1, kind: Gadget, metadata: {name: x}, spec: " + before + "}");
        strategy.decode(object);
        strategy.setDefaults(object);
        return messages(strategy.validate(object, old, List.of()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {type: integer, minimum: 0, maximum: 10} | 11 | spec: Invalid value: 11: spec in body should be less than or equal to 10
            {type: integer} | text | spec: Invalid value: "string": spec in body must be of type integer: "string"
            {type: string, maxLength: 3} | abcd | spec: Too long: may not be more than 3 bytes
            {type: string, pattern: '^a+$'} | b | spec: Invalid value: "b": spec in body should match '^a+$'
            {type: string, enum: [a, b]} | c | spec: Unsupported value: "c": supported values: "a", "b"
            {type: object, required: [a], properties: {a: {type: string}}} | {} | spec.a: Required value
            {type: array, maxItems: 1, items: {type: string}} | [a, b] | spec: Too many: 2: must have at most 1 items
            {type: array, x-kubernetes-list-type: set, items: {type: string}} | [a, a] | spec[1]: Duplicate value: "a"
            {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [n], items: {type: object, properties: {n: {type: string}}}} | [{n: a}, {n: a}] | spec[1]: Duplicate value: {"n":"a"}
            {type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]} | {} | spec in body must validate one and only one schema (oneOf)
            {type: object, properties: {a: {type: integer}}, x-kubernetes-validations: [{rule: 'self.a > 1', message: too small}]} | {a: 1} | spec: Invalid value: "object": too small
            {type: object, properties: {a: {type: integer}}, x-kubernetes-validations: [{rule: 'self.a > 1', messageExpression: "'is ' + string(self.a)"}]} | {a: 1} | spec: Invalid value: "object": is 1
            {type: object, properties: {a: {type: integer}}, x-kubernetes-validations: [{rule: 'self.a > 1', reason: FieldValueForbidden, fieldPath: .a, message: nope}]} | {a: 1} | spec.a: Forbidden: nope
            {type: object, properties: {a: {type: integer}}, x-kubernetes-validations: [{rule: 'self.a > 1'}]} | {} | no such key: a evaluating rule: self.a > 1
            {type: string, x-kubernetes-validations: [{rule: 'broken('}]} | a | compilation failed
            """)
    void refusesObjects(String schema, String value, String message) throws Exception {
        assertThat(problems(schema, value, null))
                .anySatisfy(error -> assertThat(error).contains(message));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {x-kubernetes-int-or-string: true} | 80 |
            {x-kubernetes-int-or-string: true} | http |
            {type: integer} | 3.0 |
            {type: string, nullable: true} | null |
            {type: object, properties: {a: {type: string}}} | {a: null} |
            {type: string, maxLength: 3} | abcd | abcd
            {type: string, x-kubernetes-validations: [{rule: 'self == oldSelf'}]} | a |
            {type: string, x-kubernetes-validations: [{rule: "self != 'a'"}]} | a | a
            {type: string, format: date-time} | '"2026-01-01T00:00:00Z"' |
            """)
    void acceptsObjects(String schema, String value, String before) throws Exception {
        assertThat(problems(schema, value, before)).isEmpty();
    }

    @Test
    void prunesAndFillsIn() throws Exception {
        CustomStrategy strategy = strategy("""
                type: object
                properties:
                  spec:
                    type: object
                    properties:
                      size: {type: string, default: small}
                      nulled: {type: string}
                      open: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: integer, default: 1}}}
                      map: {type: object, additionalProperties: {type: object, properties: {weight: {type: integer, default: 5}}}}
                      list: {type: array, items: {type: object, properties: {on: {type: boolean, default: true}}}}
                """);
        ObjectNode object = yaml(
                "{apiVersion: example.com/v1, kind: Gadget, metadata: {name: x}, extra: 1, spec: {size: null, nulled:"
                        + " null, other: 1, open: {any: 1}, map: {a: {}, b: {weight: 1, c: 2}}, list: [{}, {on: false}]}}");
        assertThat(strategy.decode(object))
                .containsExactlyInAnyOrder(
                        "unknown field \"extra\"", "unknown field \"spec.other\"", "unknown field \"spec.map.b.c\"");
        strategy.setDefaults(object);
        JsonNode wanted = YAML.readTree(
                "{size: small, open: {any: 1, known: 1}, map: {a: {weight: 5}, b: {weight: 1}}, list: [{on: true}, {on: false}]}");
        assertThat(object.path("spec")).isEqualTo(wanted);
        ObjectNode again = object.deepCopy();
        strategy.setDefaults(again);
        assertThat(again).isEqualTo(object);
    }
}
