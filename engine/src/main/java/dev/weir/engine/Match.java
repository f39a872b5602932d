package dev.weir.engine;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A condition on a request. Only routers look inside; equal conditions are equal values. */
public sealed interface Match {
    /** The condition, for people. */
    String words();

    /**
     * A condition that every router knows; all parts must hold, and one that is absent always does.
     *
     * @param path of a PREFIX: whole path elements, without a slash at its end
     * @param method in capitals; null for any
     * @param headers names in small letters, each once, ordered by name
     * @param query parameters, each once, ordered by name
     */
    record Http(@Nullable Text path, @Nullable String method, List<Named> headers, List<Named> query) implements Match {
        public Http {
            headers = sorted(headers);
            query = sorted(query);
        }

        /** Every request. */
        public static final Http ALWAYS = new Http(null, null, List.of(), List.of());

        @Override
        public String words() {
            List<String> words = new ArrayList<>();
            if (method != null) {
                words.add("method " + method);
            }
            if (path != null) {
                words.add("path " + path.words());
            }
            headers.forEach(header ->
                    words.add("header " + header.name() + " " + header.text().words()));
            query.forEach(one ->
                    words.add("query parameter " + one.name() + " " + one.text().words()));
            return words.isEmpty() ? "anything" : String.join(" and ", words);
        }

        private static List<Named> sorted(List<Named> conditions) {
            return conditions.stream().sorted(Comparator.comparing(Named::name)).toList();
        }

        /** Requests with one header of just this value. */
        public static Http header(String name, String value) {
            return new Http(null, null, List.of(new Named(name, new Text(Kind.EXACT, value))), List.of());
        }
    }

    /**
     * A condition in Istio's own words, for what the others cannot say.
     *
     * @param request an {@code HTTPMatchRequest}; opaque
     */
    record Istio(JsonNode request) implements Match {
        @Override
        public String words() {
            return "what Istio matches by " + request;
        }
    }

    /** How a text is compared. */
    enum Kind {
        EXACT,
        /** Paths only. */
        PREFIX,
        /** RE2, for the whole text. */
        REGEX
    }

    /** What a text must be like. */
    record Text(Kind kind, String value) {
        private String words() {
            return switch (kind) {
                case EXACT -> value;
                case PREFIX -> value + " and below";
                case REGEX -> "like " + value;
            };
        }
    }

    /** What a header or a query parameter must be like. */
    record Named(String name, Text text) {}
}
