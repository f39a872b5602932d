package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.cel.RuleCost;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;

/** Compiles the rules of a definition's schema and adds up what they cost, when the definition is written. */
final class RuleChecks {
    private static final int MOST_SHOWN = 100;
    private static final double UNBOUNDED = Double.POSITIVE_INFINITY;
    private static final String RULES = "x-kubernetes-validations";
    private static final String ADVICE =
            " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and"
                    + " strings are declared)";

    private final Rules rules;
    private final Set<JsonNode> trusted;
    private final List<FieldError> errors = new ArrayList<>();
    private double total;

    private RuleChecks(Rules rules, Set<JsonNode> trusted) {
        this.rules = rules;
        this.trusted = trusted;
    }

    /**
     * What is wrong with the rules of a schema.
     *
     * @param trusted rules that are not looked at again, because they were once
     */
    static List<FieldError> problems(Rules rules, Set<JsonNode> trusted, JsonNode schema, String path) {
        RuleChecks checks = new RuleChecks(rules, trusted);
        checks.node(schema, path, 1, true);
        if (checks.total > RuleCost.MOST_PER_DEFINITION) {
            checks.errors.add(new FieldError(
                    Kind.FORBIDDEN,
                    path,
                    null,
                    RULES + " estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of "
                            + factor(checks.total / RuleCost.MOST_PER_DEFINITION) + ADVICE));
        }
        return checks.errors;
    }

    /** Every rule at any depth of a document. */
    static Set<JsonNode> all(JsonNode document) {
        Set<JsonNode> found = new HashSet<>();
        for (JsonNode list : document.findValues(RULES)) {
            list.forEach(found::add);
        }
        return found;
    }

    /** @param times how many values of this schema an object can hold; {@link #UNBOUNDED} if that is left open */
    private void node(JsonNode schema, String path, double times, boolean root) {
        JsonNode list = schema.path(RULES);
        for (int i = 0; i < list.size(); i++) {
            if (!trusted.contains(list.get(i))) {
                rule(list.get(i), schema, path + "." + RULES + "[" + i + "]", times, root);
            }
        }
        schema.path("properties")
                .properties()
                .forEach(entry -> node(entry.getValue(), path + ".properties[" + entry.getKey() + "]", times, false));
        OptionalLong bound = RuleCost.bound(Schema.structural(schema));
        double below = bound.isPresent() ? times * bound.getAsLong() : UNBOUNDED;
        if (schema.path("additionalProperties").isObject()) {
            node(schema.path("additionalProperties"), path + ".additionalProperties", below, false);
        }
        if (schema.path("items").isObject()) {
            node(schema.path("items"), path + ".items", below, false);
        }
    }

    private void rule(JsonNode rule, JsonNode schema, String path, double times, boolean root) {
        Schema about = Schema.structural(schema);
        boolean optional = rule.path("optionalOldSelf").asBoolean();
        String expression = rule.path("rule").asText("");
        expression(expression, Rules.Result.RULE, about, root, optional, path + ".rule", times);
        String message = rule.path("messageExpression").asText("");
        if (!message.isEmpty()) {
            expression(message, Rules.Result.MESSAGE, about, root, optional, path + ".messageExpression", times);
        }
    }

    private void expression(
            String expression,
            Rules.Result result,
            Schema about,
            boolean root,
            boolean optionalOld,
            String path,
            double times) {
        switch (rules.check(expression, result, about, root, optionalOld)) {
            case Rules.Checked.Unsound(String problem) ->
                errors.add(new FieldError(
                        Kind.INVALID,
                        path,
                        Json.write(Json.MAPPER.getNodeFactory().textNode(expression)),
                        problem));
            case Rules.Checked.Sound(double once) -> {
                double cost = once * (times == UNBOUNDED ? RuleCost.mostInRequest(about) : times);
                total += cost;
                if (cost > RuleCost.MOST_PER_RULE) {
                    errors.add(new FieldError(
                            Kind.FORBIDDEN,
                            path,
                            null,
                            "estimated rule cost exceeds budget by factor of " + factor(cost / RuleCost.MOST_PER_RULE)
                                    + ADVICE));
                }
            }
        }
    }

    private static String factor(double factor) {
        return factor > MOST_SHOWN ? "more than 100x" : String.format(Locale.ROOT, "%.1fx", factor);
    }
}
