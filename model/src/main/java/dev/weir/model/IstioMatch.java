package dev.weir.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A condition in the words of Istio's {@code HTTPMatchRequest}.
 *
 * <p>Istio has no prefix of path elements, only of letters: {@code /a} as a prefix would match {@code /ab} too. Such a
 * prefix is therefore written as a pattern.
 */
public final class IstioMatch {
    /** After the path elements: the end, or a slash and anything. */
    private static final String BELOW = "(/.*)?";

    private static final String SPECIAL = "\\.+*?()|[]{}^$";

    private IstioMatch() {}

    /** True if some request may fail it: a condition without any, or with a name only, is met by all. */
    static boolean restricts(JsonNode request) {
        boolean text = Stream.of("uri", "scheme", "method", "authority")
                .map(request::path)
                .anyMatch(match -> match.has("exact") || match.has("prefix") || match.has("regex"));
        return text
                || request.path("port").asInt() != 0
                || !request.path("sourceNamespace").asText().isEmpty()
                || Stream.of("headers", "withoutHeaders", "queryParams", "sourceLabels", "gateways")
                        .anyMatch(field -> !request.path(field).isEmpty());
    }

    /** Reads a match of a VirtualService; what {@link Match.Http} cannot say stays as it is. */
    public static Match read(JsonNode request) {
        Match.Http read = new Match.Http(
                path(request.path("uri")),
                request.path("method").path("exact").textValue(),
                named(request.path("headers")),
                named(request.path("queryParams")));
        return render(read).equals(request) ? read : new Match.Istio(request);
    }

    private static Match.@Nullable Text path(JsonNode uri) {
        String pattern = uri.path("regex").asText();
        if (pattern.endsWith(BELOW)) {
            String elements = pattern.substring(0, pattern.length() - BELOW.length());
            String plain = unquoted(elements);
            if (quoted(plain).equals(elements)) {
                return new Match.Text(Match.Kind.PREFIX, plain);
            }
        }
        return text(uri);
    }

    private static Match.@Nullable Text text(JsonNode match) {
        if (match.has("exact")) {
            return new Match.Text(Match.Kind.EXACT, match.path("exact").asText());
        }
        return match.has("regex")
                ? new Match.Text(Match.Kind.REGEX, match.path("regex").asText())
                : null;
    }

    private static List<Match.Named> named(JsonNode conditions) {
        List<Match.Named> named = new ArrayList<>();
        conditions.properties().forEach(entry -> {
            Match.Text text = text(entry.getValue());
            if (text != null) {
                named.add(new Match.Named(entry.getKey(), text));
            }
        });
        return named;
    }

    /** As {@code read} understands it. */
    public static ObjectNode render(Match match) {
        return switch (match) {
            case Match.Istio(JsonNode request) -> request.deepCopy();
            case Match.Http http -> render(http);
        };
    }

    private static ObjectNode render(Match.Http match) {
        ObjectNode request = JsonNodeFactory.instance.objectNode();
        Match.Text path = match.path();
        if (path != null) {
            put(
                    request.putObject("uri"),
                    path.kind() == Match.Kind.PREFIX
                            ? new Match.Text(Match.Kind.REGEX, quoted(path.value()) + BELOW)
                            : path);
        }
        if (match.method() != null) {
            request.putObject("method").put("exact", match.method());
        }
        match.headers().forEach(one -> put(request.withObject("/headers").putObject(one.name()), one.text()));
        match.query().forEach(one -> put(request.withObject("/queryParams").putObject(one.name()), one.text()));
        return request;
    }

    private static void put(ObjectNode into, Match.Text text) {
        into.put(text.kind() == Match.Kind.EXACT ? "exact" : "regex", text.value());
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder();
        for (char letter : text.toCharArray()) {
            if (SPECIAL.indexOf(letter) >= 0) {
                quoted.append('\\');
            }
            quoted.append(letter);
        }
        return quoted.toString();
    }

    private static String unquoted(String pattern) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            boolean escape = pattern.charAt(i) == '\\' && i + 1 < pattern.length();
            plain.append(pattern.charAt(escape ? ++i : i));
        }
        return plain.toString();
    }
}
