package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A condition on a string, after Istio's StringMatch: exact and prefix are plain, a regex is RE2 and must match all. */
sealed interface StringMatch {
    /** @param value null if the request does not have it */
    boolean test(@Nullable String value);

    /** The very text. */
    record Exact(String text, boolean ignoreCase) implements StringMatch {
        @Override
        public boolean test(@Nullable String value) {
            return value != null && (ignoreCase ? value.equalsIgnoreCase(text) : value.equals(text));
        }

        @Override
        public String toString() {
            return "= " + text + (ignoreCase ? " (any case)" : "");
        }
    }

    /** Begins with the text, not by path elements: /foo also begins /foobar. */
    record Prefix(String text, boolean ignoreCase) implements StringMatch {
        @Override
        public boolean test(@Nullable String value) {
            return value != null && value.regionMatches(ignoreCase, 0, text, 0, text.length());
        }

        @Override
        public String toString() {
            return "begins " + text + (ignoreCase ? " (any case)" : "");
        }
    }

    /**
     * Begins with the text, by path elements: /foo begins /foo/bar and is /foo, but does not begin /foobar.
     *
     * @param text without a slash at its end, so empty for every path
     */
    record PathPrefix(String text) implements StringMatch {
        static PathPrefix of(String path) {
            return new PathPrefix(path.endsWith("/") ? path.substring(0, path.length() - 1) : path);
        }

        @Override
        public boolean test(@Nullable String value) {
            return value != null
                    && value.startsWith(text)
                    && (value.length() == text.length() || value.charAt(text.length()) == '/');
        }

        @Override
        public String toString() {
            return "below " + (text.isEmpty() ? "/" : text);
        }
    }

    /** All of the value matches. */
    record Regex(Pattern pattern) implements StringMatch {
        @Override
        public boolean test(@Nullable String value) {
            return value != null && pattern.matches(value);
        }

        @Override
        public String toString() {
            return "~ " + pattern.pattern();
        }
    }

    /** The request has it, whatever its value. */
    record Present() implements StringMatch {
        @Override
        public boolean test(@Nullable String value) {
            return value != null;
        }

        @Override
        public String toString() {
            return "present";
        }
    }

    /**
     * Reads a match; an empty object and the regex {@code *} ask for presence.
     *
     * @throws PatternSyntaxException if the regex is not RE2's
     */
    static StringMatch of(JsonNode node, boolean ignoreCase) {
        if (node.has("exact")) {
            return new Exact(node.path("exact").asText(), ignoreCase);
        }
        if (node.has("prefix")) {
            return new Prefix(node.path("prefix").asText(), ignoreCase);
        }
        if (node.has("regex") && !node.path("regex").asText().equals("*")) {
            return new Regex(Pattern.compile(node.path("regex").asText()));
        }
        return new Present();
    }

    /** Lower case, for names that know none. */
    static String fold(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
