package dev.weir.apiserver.cel;

import com.fasterxml.jackson.databind.JsonNode;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.weir.apiserver.schema.Schema;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Estimates what a rule costs at most, before there is any value: how large lists, maps and strings can become within a
 * request, times what is done to each. After the estimate of Kubernetes' CEL library, which counts a little more finely.
 */
public final class RuleCost {
    /** What one rule may cost. */
    public static final long MOST_PER_RULE = 10_000_000;
    /** What the rules of one definition may cost together. */
    public static final long MOST_PER_DEFINITION = 100_000_000;

    private static final long REQUEST_BYTES = 3L << 20;
    private static final double PER_CHARACTER = 0.1;
    private static final double PER_PATTERN_CHARACTER = 0.25;
    private static final Set<String> READS_TEXT = Set.of(
            "contains",
            "startsWith",
            "endsWith",
            "indexOf",
            "lastIndexOf",
            "lowerAscii",
            "upperAscii",
            "replace",
            "split",
            "trim",
            "find",
            "findAll",
            "url",
            "isURL",
            "isIP",
            "ip",
            "isCIDR",
            "cidr",
            "quantity",
            "isQuantity");

    private static final Set<String> LOGICAL = Set.of("_&&_", "_||_", "@not_strictly_false");

    private final Map<String, Schema> variables = new HashMap<>();

    private RuleCost() {}

    /** @param self what the rule is about */
    static double of(CelExpr expression, Schema self) {
        RuleCost cost = new RuleCost();
        cost.variables.put("self", self);
        cost.variables.put("oldSelf", self);
        return cost.cost(expression);
    }

    /** How many values of this schema a list or map can have; 1 for other values. */
    private static long size(Schema schema) {
        return bound(schema)
                .orElseGet(() -> schema.type() == Schema.Type.ARRAY
                        ? mostInRequest(schema.items())
                        : REQUEST_BYTES / (least(Objects.requireNonNull(schema.additionalProperties())) + 6));
    }

    /** How many values a list or map may have by its schema, empty if that does not say; 1 for other values. */
    public static OptionalLong bound(Schema schema) {
        return switch (schema.type()) {
            case ARRAY -> limit(schema, "maxItems");
            case OBJECT -> schema.additionalProperties() == null ? OptionalLong.of(1) : limit(schema, "maxProperties");
            default -> OptionalLong.of(1);
        };
    }

    /** How many values of a schema fit into one request. */
    public static long mostInRequest(Schema schema) {
        return REQUEST_BYTES / (least(schema) + 1);
    }

    private static OptionalLong limit(Schema schema, String keyword) {
        JsonNode limit = schema.keyword(keyword);
        return limit.isIntegralNumber() ? OptionalLong.of(Math.max(1, limit.asLong())) : OptionalLong.empty();
    }

    /** How many bytes a value has at least. */
    private static long least(Schema schema) {
        return switch (schema.type()) {
            case OBJECT -> {
                long bytes = 2;
                for (JsonNode name : schema.keyword("required")) {
                    Schema field = schema.properties().get(name.asText());
                    bytes += name.asText().length() + 4 + (field == null ? 1 : least(field));
                }
                yield bytes;
            }
            case ARRAY, STRING, INT_OR_STRING -> 2;
            case BOOLEAN -> 4;
            case INTEGER, NUMBER, ANY -> 1;
        };
    }

    private double cost(CelExpr expression) {
        return switch (expression.getKind()) {
            case CONSTANT, NOT_SET -> 0;
            case IDENT -> 1;
            // to ask whether a field is there costs nothing
            case SELECT ->
                (expression.select().testOnly() ? 0 : 1)
                        + cost(expression.select().operand());
            case CALL -> call(expression.call());
            case LIST ->
                10
                        + expression.list().elements().stream()
                                .mapToDouble(this::cost)
                                .sum();
            case MAP ->
                30
                        + expression.map().entries().stream()
                                .mapToDouble(entry -> cost(entry.key()) + cost(entry.value()))
                                .sum();
            case STRUCT ->
                40
                        + expression.struct().entries().stream()
                                .mapToDouble(entry -> cost(entry.value()))
                                .sum();
            case COMPREHENSION -> comprehension(expression.comprehension());
        };
    }

    private double call(CelExpr.CelCall call) {
        boolean constant = call.target().isEmpty()
                && !call.args().isEmpty()
                && call.args().stream().allMatch(arg -> arg.getKind() == CelExpr.ExprKind.Kind.CONSTANT);
        if (constant) {
            return 0;
        }
        if (call.function().equals("_?_:_")) {
            return cost(call.args().getFirst())
                    + Math.max(cost(call.args().get(1)), cost(call.args().get(2)));
        }
        double parts = call.args().stream().mapToDouble(this::cost).sum()
                + call.target().map(this::cost).orElse(0.0);
        CelExpr text = call.target()
                .orElseGet(() -> call.args().isEmpty()
                        ? CelExpr.ofNotSet(0)
                        : call.args().getFirst());
        if (call.function().equals("matches")) {
            CelExpr pattern = call.args().getLast();
            return parts + characters(text) * PER_CHARACTER * Math.max(1, characters(pattern) * PER_PATTERN_CHARACTER);
        }
        if (LOGICAL.contains(call.function())) {
            return parts;
        }
        return parts + (READS_TEXT.contains(call.function()) ? 1 + characters(text) * PER_CHARACTER : 1);
    }

    /** How long a text can be; constants are as long as they are. */
    private double characters(CelExpr expression) {
        if (expression.getKind() == CelExpr.ExprKind.Kind.CONSTANT) {
            return expression.constant().getKind() == CelConstant.Kind.STRING_VALUE
                    ? expression.constant().stringValue().length()
                    : 1;
        }
        Schema schema = schema(expression);
        if (schema == null || schema.type() != Schema.Type.STRING) {
            return 1;
        }
        JsonNode values = schema.keyword("enum");
        if (!values.isEmpty()) {
            int longest = 0;
            for (JsonNode value : values) {
                longest = Math.max(longest, value.asText().length());
            }
            return longest;
        }
        return schema.keyword("format").asText("").isEmpty()
                ? limit(schema, "maxLength").orElse(REQUEST_BYTES)
                : 64;
    }

    private double comprehension(CelExpr.CelComprehension all) {
        Schema range = schema(all.iterRange());
        long times = range == null ? 1 : size(range);
        Schema item = range == null ? null : item(range);
        Schema hidden = item == null ? variables.remove(all.iterVar()) : variables.put(all.iterVar(), item);
        double once = 1 + cost(all.loopCondition()) + cost(all.loopStep());
        if (hidden == null) {
            variables.remove(all.iterVar());
        } else {
            variables.put(all.iterVar(), hidden);
        }
        return cost(all.iterRange()) + cost(all.accuInit()) + times * once + cost(all.result());
    }

    private static @Nullable Schema item(Schema range) {
        return range.type() == Schema.Type.ARRAY ? range.items() : null;
    }

    /** The schema of what an expression yields, as far as it only walks through the value. */
    private @Nullable Schema schema(CelExpr expression) {
        return switch (expression.getKind()) {
            case IDENT -> variables.get(expression.ident().name());
            case SELECT -> {
                Schema operand = schema(expression.select().operand());
                yield operand == null
                        ? null
                        : field(operand, expression.select().field());
            }
            case CALL -> {
                CelExpr.CelCall call = expression.call();
                Schema operand =
                        call.function().equals("_[_]") ? schema(call.args().getFirst()) : null;
                yield operand == null
                        ? null
                        : operand.type() == Schema.Type.ARRAY ? operand.items() : operand.additionalProperties();
            }
            // filter and its like yield at most what they go through
            case COMPREHENSION -> schema(expression.comprehension().iterRange());
            case CONSTANT, LIST, MAP, STRUCT, NOT_SET -> null;
        };
    }

    private static @Nullable Schema field(Schema schema, String name) {
        for (Map.Entry<String, Schema> entry : schema.properties().entrySet()) {
            if (Values.escape(entry.getKey()).equals(name)) {
                return entry.getValue();
            }
        }
        return schema.additionalProperties();
    }
}
