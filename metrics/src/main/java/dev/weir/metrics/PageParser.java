package dev.weir.metrics;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Reads Prometheus' text format, version 0.0.4, a line at a time.
 *
 * <p>Libraries for Java only write the format, or have not been kept for years; what is read here are samples, neither types nor
 * help.
 */
final class PageParser {
    private final Predicate<String> wanted;
    private final Map<Counter, Double> values = new HashMap<>();
    private int lines;
    private String line = "";
    private int at;

    /** @param wanted which metrics to keep, by name */
    PageParser(Predicate<String> wanted) {
        this.wanted = wanted;
    }

    /** The page is not in the format; the message says where and what. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        Malformed(String message) {
            super(message);
        }
    }

    /** The samples so far. Not-a-number is no value, so it is left out. */
    Map<Counter, Double> values() {
        return values;
    }

    /** @param text without its line end */
    void line(String text) throws Malformed {
        lines++;
        line = text;
        at = 0;
        blanks();
        if (at == line.length() || line.charAt(at) == '#') {
            return;
        }
        String name = name(":");
        boolean keep = wanted.test(name);
        Map<String, String> labels = new HashMap<>();
        blanks();
        if (at < line.length() && line.charAt(at) == '{') {
            at++;
            labels(labels);
        }
        blanks();
        int end = at;
        while (end < line.length() && line.charAt(end) != ' ' && line.charAt(end) != '\t') {
            end++;
        }
        String word = line.substring(at, end);
        at = end;
        double value = number(word).orElseThrow(() -> malformed("\"" + word + "\" is no value"));
        timestamp();
        if (keep && !Double.isNaN(value)) {
            values.put(new Counter(name, labels), value);
        }
    }

    private void labels(Map<String, String> labels) throws Malformed {
        blanks();
        while (at < line.length() && line.charAt(at) != '}') {
            String name = name("");
            blanks();
            expect('=');
            blanks();
            expect('"');
            if (labels.put(name, quoted()) != null) {
                throw malformed("label " + name + " twice");
            }
            blanks();
            if (at < line.length() && line.charAt(at) == ',') {
                at++;
                blanks();
            } else {
                break;
            }
        }
        expect('}');
    }

    private String quoted() throws Malformed {
        StringBuilder text = new StringBuilder();
        while (at < line.length()) {
            char c = line.charAt(at++);
            if (c == '"') {
                return text.toString();
            }
            if (c == '\\') {
                char escaped = at < line.length() ? line.charAt(at++) : ' ';
                switch (escaped) {
                    case 'n' -> text.append('\n');
                    case '\\', '"' -> text.append(escaped);
                    default -> throw malformed("unknown escape \\" + escaped);
                }
            } else {
                text.append(c);
            }
        }
        throw malformed("a label's value has no end");
    }

    /** @param more characters that are allowed beside letters, digits and the underscore */
    private String name(String more) throws Malformed {
        int start = at;
        while (at < line.length() && isNamed(line.charAt(at), more, at > start)) {
            at++;
        }
        if (at == start) {
            throw malformed("a name is missing at column " + (at + 1));
        }
        return line.substring(start, at);
    }

    private static boolean isNamed(char c, String more, boolean digits) {
        return c >= 'a' && c <= 'z'
                || c >= 'A' && c <= 'Z'
                || c == '_'
                || digits && c >= '0' && c <= '9'
                || more.indexOf(c) >= 0;
    }

    /** May follow, in milliseconds. */
    private void timestamp() throws Malformed {
        String rest = line.substring(at).strip();
        if (!rest.isEmpty() && !rest.matches("-?\\d+")) {
            throw malformed("\"" + rest + "\" follows the value");
        }
    }

    private void blanks() {
        while (at < line.length() && (line.charAt(at) == ' ' || line.charAt(at) == '\t')) {
            at++;
        }
    }

    private void expect(char wantedNext) throws Malformed {
        if (at >= line.length() || line.charAt(at) != wantedNext) {
            throw malformed(wantedNext + " is missing at column " + (at + 1));
        }
        at++;
    }

    private Malformed malformed(String what) {
        return new Malformed("line " + lines + ": " + what);
    }

    /** As Go reads numbers, as far as metrics have them: {@code +Inf}, {@code NaN}, {@code 1e-3}. */
    static Optional<Double> number(String word) {
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "+inf", "inf" -> Optional.of(Double.POSITIVE_INFINITY);
            case "-inf" -> Optional.of(Double.NEGATIVE_INFINITY);
            case "nan" -> Optional.of(Double.NaN);
            default ->
                word.matches("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?")
                        ? Optional.of(Double.parseDouble(word))
                        : Optional.empty();
        };
    }
}
