package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.rest.ObjectMeta;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rules of CustomResourceDefinitions, after the apiextensions API's validation package. */
final class DefinitionValidation {
    private static final List<String> SCOPES = List.of("Cluster", "Namespaced");
    private static final List<String> COLUMN_TYPES = List.of("boolean", "date", "integer", "number", "string");

    private final List<FieldError> errors = new ArrayList<>();
    private final Rules rules;
    private final Set<JsonNode> trusted;

    private DefinitionValidation(Rules rules, Set<JsonNode> trusted) {
        this.rules = rules;
        this.trusted = trusted;
    }

    /**
     * What is wrong with a definition.
     *
     * @param old null on create
     * @param vouched rules that need not be compiled
     */
    static List<FieldError> validate(
            Rules rules, Set<JsonNode> vouched, ObjectNode definition, @Nullable ObjectNode old) {
        Set<JsonNode> trusted = new HashSet<>(vouched);
        if (old != null) {
            trusted.addAll(RuleChecks.all(old.path("spec")));
        }
        DefinitionValidation validation = new DefinitionValidation(rules, trusted);
        validation.spec(definition);
        if (old != null) {
            validation.update(definition, old);
        }
        return validation.errors;
    }

    private void add(Kind kind, String field, @Nullable String value, String detail) {
        errors.add(new FieldError(kind, field, value, detail));
    }

    private static String quoted(String text) {
        return "\"" + text + "\"";
    }

    private void spec(ObjectNode definition) {
        JsonNode spec = definition.path("spec");
        String group = spec.path("group").asText("");
        String plural = spec.path("names").path("plural").asText("");
        String name = definition.path("metadata").path("name").asText("");
        if (!name.equals(plural + "." + group)) {
            add(Kind.INVALID, "metadata.name", quoted(name), "must be spec.names.plural+\".\"+spec.group");
        }
        if (group.isEmpty()) {
            add(Kind.REQUIRED, "spec.group", null, "");
        } else {
            String problem = ObjectMeta.nameProblem(group, ObjectMeta.NameRule.SUBDOMAIN);
            if (problem != null) {
                add(Kind.INVALID, "spec.group", quoted(group), problem);
            } else if (!group.contains(".")) {
                add(Kind.INVALID, "spec.group", quoted(group), "should be a domain with at least one dot");
            }
        }
        String scope = spec.path("scope").asText("");
        if (scope.isEmpty()) {
            add(Kind.REQUIRED, "spec.scope", null, "");
        } else if (!SCOPES.contains(scope)) {
            add(Kind.NOT_SUPPORTED, "spec.scope", quoted(scope), "supported values: \"Cluster\", \"Namespaced\"");
        }
        versions(spec.path("versions"));
        names(spec.path("names"));
    }

    private void names(JsonNode names) {
        label(names, "plural", true);
        label(names, "singular", false);
        String kind = names.path("kind").asText("");
        String listKind = names.path("listKind").asText("");
        if (kind.isEmpty()) {
            add(Kind.REQUIRED, "spec.names.kind", null, "");
        } else {
            String problem =
                    ObjectMeta.nameProblem(kind.toLowerCase(java.util.Locale.ROOT), ObjectMeta.NameRule.DNS_1035);
            if (problem != null) {
                add(
                        Kind.INVALID,
                        "spec.names.kind",
                        quoted(kind),
                        "may have mixed case, but should otherwise match: " + problem);
            }
        }
        if (!kind.isEmpty() && kind.equals(listKind)) {
            add(Kind.INVALID, "spec.names.listKind", quoted(listKind), "kind and listKind may not be the same");
        }
        for (String list : List.of("shortNames", "categories")) {
            for (int i = 0; i < names.path(list).size(); i++) {
                String text = names.path(list).get(i).asText();
                String problem = ObjectMeta.nameProblem(text, ObjectMeta.NameRule.DNS_1035);
                if (problem != null) {
                    add(Kind.INVALID, "spec.names." + list + "[" + i + "]", quoted(text), problem);
                }
            }
        }
    }

    private void label(JsonNode names, String field, boolean required) {
        String text = names.path(field).asText("");
        String problem = text.isEmpty() ? null : ObjectMeta.nameProblem(text, ObjectMeta.NameRule.DNS_1035);
        if (text.isEmpty() && required) {
            add(Kind.REQUIRED, "spec.names." + field, null, "");
        } else if (problem != null) {
            add(Kind.INVALID, "spec.names." + field, quoted(text), problem);
        }
    }

    private void versions(JsonNode versions) {
        int stored = 0;
        Set<String> names = new HashSet<>();
        boolean unique = true;
        for (int i = 0; i < versions.size(); i++) {
            JsonNode version = versions.get(i);
            String path = "spec.versions[" + i + "]";
            String name = version.path("name").asText("");
            String problem = ObjectMeta.nameProblem(name, ObjectMeta.NameRule.DNS_1035);
            if (problem != null) {
                add(Kind.INVALID, path + ".name", quoted(name), problem);
            }
            unique &= names.add(name);
            stored += version.path("storage").asBoolean() ? 1 : 0;
            version(version, path);
        }
        if (!unique) {
            add(Kind.INVALID, "spec.versions", Json.write(versions), "must contain unique version names");
        }
        if (stored != 1) {
            add(
                    Kind.INVALID,
                    "spec.versions",
                    Json.write(versions),
                    "must have exactly one version marked as storage version");
        }
    }

    private void version(JsonNode version, String path) {
        JsonNode schema = version.path("schema").path("openAPIV3Schema");
        String at = path + ".schema.openAPIV3Schema";
        if (!schema.isObject()) {
            add(Kind.REQUIRED, at, null, "schemas are required");
        } else {
            List<FieldError> structure = StructuralSchemas.problems(schema, at);
            errors.addAll(structure.isEmpty() ? RuleChecks.problems(rules, trusted, schema, at) : structure);
        }
        JsonNode scale = version.path("subresources").path("scale");
        if (scale.isObject()) {
            scalePath(scale, path + ".subresources.scale", "specReplicasPath", ".spec.");
            scalePath(scale, path + ".subresources.scale", "statusReplicasPath", ".status.");
        }
        JsonNode columns = version.path("additionalPrinterColumns");
        for (int i = 0; i < columns.size(); i++) {
            column(columns.get(i), path + ".additionalPrinterColumns[" + i + "]");
        }
        JsonNode selectable = version.path("selectableFields");
        for (int i = 0; i < selectable.size(); i++) {
            String json = selectable.get(i).path("jsonPath").asText("");
            String field = path + ".selectableFields[" + i + "].jsonPath";
            if (json.isEmpty()) {
                add(Kind.REQUIRED, field, null, "");
            } else if (!json.startsWith(".") || json.startsWith(".metadata")) {
                add(Kind.INVALID, field, quoted(json), "is an invalid path: must not point to fields in metadata");
            }
        }
    }

    private void scalePath(JsonNode scale, String path, String name, String prefix) {
        String text = scale.path(name).asText("");
        if (text.isEmpty()) {
            add(Kind.REQUIRED, path + "." + name, null, "");
        } else if (!text.startsWith(prefix)) {
            add(
                    Kind.INVALID,
                    path + "." + name,
                    quoted(text),
                    "should be a json path under " + prefix.replaceAll("\\.$", ""));
        }
    }

    private void column(JsonNode column, String path) {
        for (String name : List.of("name", "type", "jsonPath")) {
            if (column.path(name).asText("").isEmpty()) {
                add(Kind.REQUIRED, path + "." + name, null, "");
            }
        }
        String type = column.path("type").asText("");
        if (!type.isEmpty() && !COLUMN_TYPES.contains(type)) {
            add(Kind.INVALID, path + ".type", quoted(type), "must be one of " + String.join(",", COLUMN_TYPES));
        }
    }

    private void update(ObjectNode definition, ObjectNode old) {
        for (String field : List.of("group", "scope", "names.plural", "names.kind")) {
            String pointer = "/spec/" + field.replace('.', '/');
            if (!Json.same(definition.at(pointer), old.at(pointer))) {
                add(Kind.INVALID, "spec." + field, definition.at(pointer).toString(), "field is immutable");
            }
        }
        Set<String> names = new HashSet<>();
        definition
                .path("spec")
                .path("versions")
                .forEach(v -> names.add(v.path("name").asText()));
        JsonNode stored = definition.path("status").path("storedVersions");
        for (int i = 0; i < stored.size(); i++) {
            if (!names.contains(stored.get(i).asText())) {
                add(
                        Kind.INVALID,
                        "status.storedVersions[" + i + "]",
                        stored.get(i).toString(),
                        "missing from spec.versions; " + stored.get(i).asText()
                                + " was previously a storage version, and must remain in spec.versions until a storage"
                                + " migration ensures no data remains persisted in "
                                + stored.get(i).asText()
                                + " and removes " + stored.get(i).asText() + " from status.storedVersions");
            }
        }
    }
}
