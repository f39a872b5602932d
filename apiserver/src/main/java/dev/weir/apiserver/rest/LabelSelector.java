package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads label selectors such as {@code app in (a,b),!old}, after the parser of apimachinery's labels package. */
final class LabelSelector {
    private static final String OPERATORS = "in, notin, =, ==, !=, gt, lt";
    private static final Set<String> SYMBOLS = Set.of(")", ",", "!", "==", "=", ">", "<", "!=", "(");

    private final List<String> tokens;
    private int at;

    private LabelSelector(String text) {
        this.tokens = tokens(text);
    }

    /** @throws ApiException 400 if the text cannot be read */
    static Predicate<JsonNode> parse(String text) {
        LabelSelector parser = new LabelSelector(text);
        Predicate<JsonNode> all = _ -> true;
        while (!parser.look().isEmpty()) {
            String token = parser.look();
            if (isSymbol(token) && !token.equals("!")) {
                throw ApiException.badRequest("found '" + token + "', expected: !, identifier, or 'end of string'");
            }
            all = all.and(parser.requirement());
            String next = parser.take();
            if (next.isEmpty()) {
                return all;
            }
            if (!next.equals(",")) {
                throw ApiException.badRequest("found '" + next + "', expected: ',' or 'end of string'");
            }
            String after = parser.look();
            if (after.isEmpty() || isSymbol(after) && !after.equals("!")) {
                throw ApiException.badRequest("found '" + after + "', expected: identifier after ','");
            }
        }
        return all;
    }

    private static List<String> tokens(String text) {
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < text.length(); ) {
            char c = text.charAt(i);
            int end = i;
            if (" \t\r\n".indexOf(c) >= 0) {
                i++;
                continue;
            }
            if (isSpecial(c)) {
                boolean two = "=!".indexOf(c) >= 0 && i + 1 < text.length() && text.charAt(i + 1) == '=';
                end = i + (two ? 2 : 1);
            } else {
                while (end < text.length() && !isSpecial(text.charAt(end)) && " \t\r\n".indexOf(text.charAt(end)) < 0) {
                    end++;
                }
            }
            tokens.add(text.substring(i, end));
            i = end;
        }
        return tokens;
    }

    private static boolean isSpecial(char c) {
        return "=!(),><".indexOf(c) >= 0;
    }

    private static boolean isSymbol(String token) {
        return SYMBOLS.contains(token);
    }

    /** The next token; empty at the end. */
    private String look() {
        return at < tokens.size() ? tokens.get(at) : "";
    }

    private String take() {
        String token = look();
        at++;
        return token;
    }

    private static ApiException problem(String words) {
        return ApiException.badRequest("unable to parse requirement: " + words);
    }

    private Predicate<JsonNode> requirement() {
        boolean absent = look().equals("!");
        if (absent) {
            take();
        }
        String key = take();
        if (key.isEmpty() || isSymbol(key)) {
            throw problem("found '" + key + "', expected: identifier");
        }
        String wrong = ObjectMeta.qualifiedProblem(key);
        if (wrong != null) {
            throw problem("<nil>: Invalid value: \"" + key + "\": " + wrong);
        }
        if (absent) {
            return object -> label(object, key) == null;
        }
        if (look().isEmpty() || look().equals(",")) {
            return object -> label(object, key) != null;
        }
        String operator = take();
        return switch (operator) {
            case "in", "notin" -> among(key, operator.equals("in"), values());
            case "=", "==", "!=", ">", "<" -> compared(key, operator, exact());
            default -> throw problem("found '" + operator + "', expected: " + OPERATORS);
        };
    }

    private Set<String> values() {
        String open = take();
        if (!open.equals("(")) {
            throw problem("found '" + open + "' expected: '('");
        }
        String first = look();
        if (first.equals(")")) {
            take();
            return Set.of("");
        }
        if (first.isEmpty() || isSymbol(first) && !first.equals(",")) {
            throw problem("found '" + first + "', expected: ',', ')' or identifier");
        }
        Set<String> found = identifiers();
        if (!take().equals(")")) {
            throw problem("found '" + first + "', expected: ')'");
        }
        return found;
    }

    private Set<String> identifiers() {
        Set<String> found = new LinkedHashSet<>();
        while (true) {
            String token = take();
            if (token.equals(",")) {
                if (found.isEmpty()) {
                    found.add("");
                }
                if (look().equals(")")) {
                    found.add("");
                    return found;
                }
                if (look().equals(",")) {
                    take();
                    found.add("");
                }
            } else if (token.isEmpty() || isSymbol(token)) {
                throw problem("found '" + token + "', expected: ',', or identifier");
            } else {
                found.add(token);
                if (look().equals(")")) {
                    return found;
                }
                if (!look().equals(",")) {
                    throw problem("found '" + look() + "', expected: ',' or ')'");
                }
            }
        }
    }

    private String exact() {
        if (look().isEmpty() || look().equals(",")) {
            return "";
        }
        String value = take();
        if (isSymbol(value)) {
            throw problem("found '" + value + "', expected: identifier");
        }
        return value;
    }

    private static Predicate<JsonNode> among(String key, boolean in, Set<String> values) {
        List<String> problems = new ArrayList<>();
        int i = 0;
        for (String value : new TreeSet<>(values)) {
            problems.addAll(problems(key, value, i++));
        }
        refuse(problems);
        return object -> {
            String value = label(object, key);
            return in ? value != null && values.contains(value) : value == null || !values.contains(value);
        };
    }

    private static List<String> problems(String key, String value, int index) {
        String wrong = ObjectMeta.labelValueProblem(value);
        return wrong == null
                ? List.of()
                : List.of("values[" + index + "][" + key + "]: Invalid value: \"" + value + "\": " + wrong);
    }

    private static void refuse(List<String> problems) {
        if (problems.size() == 1) {
            throw problem(problems.getFirst());
        }
        if (!problems.isEmpty()) {
            throw problem(problems.stream().collect(Collectors.joining(", ", "[", "]")));
        }
    }

    private static Predicate<JsonNode> compared(String key, String operator, String wanted) {
        boolean order = operator.equals(">") || operator.equals("<");
        List<String> problems = new ArrayList<>();
        if (order && !wanted.matches("[+-]?\\d{1,18}")) {
            problems.add("values[0]: Invalid value: \"" + wanted
                    + "\": for 'Gt', 'Lt' operators, the value must be an integer");
        }
        problems.addAll(problems(key, wanted, 0));
        refuse(problems);
        return object -> {
            String value = label(object, key);
            return switch (operator) {
                case "!=" -> !wanted.equals(value);
                case ">", "<" -> value != null && compares(value, operator, wanted);
                default -> wanted.equals(value);
            };
        };
    }

    private static boolean compares(String value, String operator, String wanted) {
        try {
            int order = Long.compare(Long.parseLong(value), Long.parseLong(wanted));
            return operator.equals(">") ? order > 0 : order < 0;
        } catch (NumberFormatException notNumbers) {
            return false;
        }
    }

    private static @Nullable String label(JsonNode object, String key) {
        JsonNode value = object.path("metadata").path("labels").get(key);
        return value == null ? null : value.asText();
    }
}
