package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The {@code x-kubernetes-validations} of a schema, at every depth.
 *
 * <p>A rule that speaks of the old value holds where there is none; a rule that does not is skipped where nothing
 * changed, so that a rule that comes later does not stop writes elsewhere.
 */
final class RuleValidation {
    private static final Pattern OLD = Pattern.compile("\\boldSelf\\b");

    private final Rules rules;
    private final List<FieldError> errors = new ArrayList<>();

    private RuleValidation(Rules rules) {
        this.rules = rules;
    }

    /** @param old null on create */
    static List<FieldError> validate(Rules rules, Schema schema, JsonNode value, @Nullable JsonNode old) {
        RuleValidation validation = new RuleValidation(rules);
        validation.check(schema, value, old, "");
        return validation.errors;
    }

    private void check(Schema schema, JsonNode value, @Nullable JsonNode old, String path) {
        for (JsonNode rule : schema.keyword("x-kubernetes-validations")) {
            rule(rule, schema, value, old, path);
        }
        if (value instanceof ObjectNode object) {
            for (Map.Entry<String, JsonNode> entry : object.properties()) {
                Schema below = schema.properties().get(entry.getKey());
                Schema use = below != null ? below : schema.additionalProperties();
                if (use != null && !(path.isEmpty() && entry.getKey().equals("metadata"))) {
                    String at = below == null
                            ? path + "[" + entry.getKey() + "]"
                            : path.isEmpty() ? entry.getKey() : path + "." + entry.getKey();
                    check(use, entry.getValue(), old == null ? null : old.get(entry.getKey()), at);
                }
            }
        } else if (value instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                check(schema.items(), array.get(i), correlated(schema, array.get(i), old), path + "[" + i + "]");
            }
        }
    }

    /** The old item that a map list's key finds; other lists have none. */
    private static @Nullable JsonNode correlated(Schema schema, JsonNode item, @Nullable JsonNode old) {
        if (schema.listKind() != Schema.ListKind.MAP || old == null) {
            return null;
        }
        for (JsonNode candidate : old) {
            if (schema.mapKeys().stream().allMatch(key -> Json.same(candidate.get(key), item.get(key)))) {
                return candidate;
            }
        }
        return null;
    }

    private void rule(JsonNode rule, Schema schema, JsonNode value, @Nullable JsonNode old, String path) {
        String expression = rule.path("rule").asText();
        boolean transition = OLD.matcher(expression).find();
        boolean optional = rule.path("optionalOldSelf").asBoolean();
        if (transition && old == null && !optional) {
            return;
        }
        if (old != null && !transition && Json.same(value, old)) {
            return;
        }
        Rules.Subject subject = new Rules.Subject(schema, value, old, optional);
        switch (rules.evaluate(expression, subject)) {
            case Rules.Outcome.Value(Object result) when Boolean.TRUE.equals(result) -> {}
            case Rules.Outcome.Value _ -> errors.add(failed(rule, subject, path));
            case Rules.Outcome.Failed(String message) ->
                errors.add(
                        new FieldError(Kind.INVALID, path, shown(value), message + " evaluating rule: " + name(rule)));
        }
    }

    private static String name(JsonNode rule) {
        String message = rule.path("message").asText("");
        return (message.isEmpty() ? rule.path("rule").asText() : message).strip();
    }

    private FieldError failed(JsonNode rule, Rules.Subject subject, String path) {
        String message = rule.path("message").asText("").strip();
        String expression = rule.path("messageExpression").asText("");
        if (!expression.isEmpty()
                && rules.evaluate(expression, subject) instanceof Rules.Outcome.Value(Object text)
                && text instanceof String words
                && !words.isBlank()
                && !words.contains("\n")) {
            message = words.strip();
        }
        if (message.isEmpty()) {
            message = "failed rule: " + rule.path("rule").asText().strip();
        }
        String at = path + rule.path("fieldPath").asText("");
        String field = at.startsWith(".") ? at.substring(1) : at;
        String value = shown(subject.self());
        return switch (rule.path("reason").asText("")) {
            case "FieldValueRequired" -> new FieldError(Kind.REQUIRED, field, null, message);
            case "FieldValueForbidden" -> new FieldError(Kind.FORBIDDEN, field, null, message);
            case "FieldValueDuplicate" -> new FieldError(Kind.DUPLICATE, field, value, "");
            default -> new FieldError(Kind.INVALID, field, value, message);
        };
    }

    private static String shown(JsonNode value) {
        return value.isObject()
                ? "\"object\""
                : value.isArray() ? "\"array\"" : value.isTextual() ? Json.write(value) : value.asText();
    }
}
