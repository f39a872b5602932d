package dev.weir.apiserver.cel;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.cel.common.values.CelByteString;
import dev.cel.common.values.NullValue;
import dev.weir.apiserver.schema.Schema;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** JSON as rules see it: typed by the schema, and by what it looks like where the schema does not say. Pure. */
final class Values {
    private static final Set<String> KEYWORDS = Set.of(
            "true",
            "false",
            "null",
            "in",
            "as",
            "break",
            "const",
            "continue",
            "else",
            "for",
            "function",
            "if",
            "import",
            "let",
            "loop",
            "package",
            "namespace",
            "return",
            "var",
            "void",
            "while");
    private static final Pattern STEP = Pattern.compile("([0-9]*\\.?[0-9]+)(ns|us|µs|ms|s|m|h)");

    private Values() {}

    static Object of(Schema schema, JsonNode node) {
        return switch (node.getNodeType()) {
            case OBJECT -> map(schema, (ObjectNode) node);
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                node.forEach(item -> list.add(of(schema.items(), item)));
                yield list;
            }
            case NUMBER -> number(schema, node);
            case BOOLEAN -> node.asBoolean();
            case STRING -> text(schema, node.asText());
            case NULL, MISSING, BINARY, POJO -> NullValue.NULL_VALUE;
        };
    }

    private static Object number(Schema schema, JsonNode node) {
        return node.isIntegralNumber() && schema.type() != Schema.Type.NUMBER
                ? (Object) node.asLong()
                : (Object) node.asDouble();
    }

    private static Map<String, Object> map(Schema schema, ObjectNode object) {
        Map<String, Object> map = new LinkedHashMap<>();
        object.properties().forEach(entry -> {
            Schema field = schema.properties().get(entry.getKey());
            Schema below = field != null ? field : schema.child(entry.getKey());
            boolean key = field == null && schema.additionalProperties() != null;
            map.put(
                    key ? entry.getKey() : escape(entry.getKey()),
                    of(below == null ? Schema.UNKNOWN : below, entry.getValue()));
        });
        return map;
    }

    private static Object text(Schema schema, String text) {
        try {
            return switch (schema.keyword("format").asText("")) {
                case "date-time" -> OffsetDateTime.parse(text).toInstant();
                case "date" ->
                    LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
                case "duration" -> duration(text);
                case "byte" -> CelByteString.of(Base64.getDecoder().decode(text));
                default -> text;
            };
        } catch (DateTimeException | IllegalArgumentException malformed) {
            // the format is checked before the rules are, so this is a value that did not change
            return text;
        }
    }

    private static Duration duration(String text) {
        String unsigned = text.replaceFirst("^[+-]", "");
        Matcher steps = STEP.matcher(unsigned);
        Duration sum = Duration.ZERO;
        int end = 0;
        while (steps.find() && steps.start() == end) {
            double unit = switch (steps.group(2)) {
                case "h" -> 3_600e9;
                case "m" -> 60e9;
                case "s" -> 1e9;
                case "ms" -> 1e6;
                case "us", "µs" -> 1e3;
                default -> 1;
            };
            sum = sum.plusNanos(Math.round(Double.parseDouble(steps.group(1)) * unit));
            end = steps.end();
        }
        if (end != unsigned.length()) {
            throw new IllegalArgumentException(text);
        }
        return text.startsWith("-") ? sum.negated() : sum;
    }

    /** A property's name as an identifier, escaped as Kubernetes escapes it. */
    static String escape(String name) {
        if (KEYWORDS.contains(name)) {
            return "__" + name + "__";
        }
        return name.replace("__", "__underscores__")
                .replace(".", "__dot__")
                .replace("-", "__dash__")
                .replace("/", "__slash__");
    }
}
