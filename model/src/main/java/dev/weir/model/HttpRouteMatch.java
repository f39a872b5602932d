package dev.weir.model;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Match;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A condition in the words of Gateway API's {@code HTTPRouteMatch}, which are the Release's words too.
 *
 * <p>Its defaults: a path of every request, texts compared exactly.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record HttpRouteMatch(
        @Nullable Text path,
        @Nullable String method,
        List<Named> headers,
        List<Named> queryParams,
        @Nullable ObjectNode istio) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String EVERYWHERE = "/";

    public HttpRouteMatch {
        headers = List.copyOf(Objects.requireNonNullElse(headers, List.of()));
        queryParams = List.copyOf(Objects.requireNonNullElse(queryParams, List.of()));
    }

    /** What a path must be like. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Text(@Nullable String type, String value) {}

    /** What a header or a query parameter must be like. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Named(@Nullable String type, String name, String value) {}

    /** Whether nothing is asked of a request. */
    boolean isEmpty() {
        return path == null
                && method == null
                && headers.isEmpty()
                && queryParams.isEmpty()
                && (istio == null || !IstioMatch.restricts(istio));
    }

    /**
     * Reads a match of an HTTPRoute.
     *
     * @throws IllegalArgumentException if it says something that no {@link Match.Http} says
     */
    public static Match.Http read(JsonNode match) {
        return JSON.convertValue(match, HttpRouteMatch.class).http();
    }

    /** @throws IllegalArgumentException if a type of comparison is unknown or a name is given twice */
    Match.Http http() {
        List<Match.Named> headerConditions = headers.stream()
                .map(one -> new Match.Named(
                        Objects.requireNonNullElse(one.name(), "").toLowerCase(Locale.ROOT),
                        text(one.type(), one.value())))
                .toList();
        List<Match.Named> queryConditions = queryParams.stream()
                .map(one -> new Match.Named(Objects.requireNonNullElse(one.name(), ""), text(one.type(), one.value())))
                .toList();
        once(headerConditions);
        once(queryConditions);
        return new Match.Http(path == null ? null : path(path), method, headerConditions, queryConditions);
    }

    private static void once(List<Match.Named> conditions) {
        if (conditions.stream().map(Match.Named::name).distinct().count() < conditions.size()) {
            throw new IllegalArgumentException("a header or a query parameter is named twice");
        }
    }

    private static Match.@Nullable Text path(Text path) {
        String value = Objects.requireNonNullElse(path.value(), EVERYWHERE);
        if (!"PathPrefix".equals(Objects.requireNonNullElse(path.type(), "PathPrefix"))) {
            return text(path.type(), value);
        }
        String elements = value.endsWith("/") ? value.substring(0, value.length() - 1) : value;
        return elements.isEmpty() ? null : new Match.Text(Match.Kind.PREFIX, elements);
    }

    private static Match.Text text(@Nullable String type, @Nullable String value) {
        Match.Kind kind = switch (Objects.requireNonNullElse(type, "Exact")) {
            case "Exact" -> Match.Kind.EXACT;
            case "RegularExpression" -> Match.Kind.REGEX;
            default -> throw new IllegalArgumentException("\"" + type + "\" is no type of comparison");
        };
        return new Match.Text(kind, Objects.requireNonNullElse(value, ""));
    }

    /** As {@code read} understands it, with everything that has a default said. */
    public static ObjectNode render(Match.Http match) {
        ObjectNode rendered = JsonNodeFactory.instance.objectNode();
        Match.Text path = match.path();
        rendered.putObject("path")
                .put("type", path == null ? "PathPrefix" : type(path.kind()))
                .put("value", path == null ? EVERYWHERE : path.value());
        if (match.method() != null) {
            rendered.put("method", match.method());
        }
        named(rendered, "headers", match.headers());
        named(rendered, "queryParams", match.query());
        return rendered;
    }

    private static void named(ObjectNode rendered, String field, List<Match.Named> conditions) {
        if (!conditions.isEmpty()) {
            ArrayNode list = rendered.putArray(field);
            conditions.forEach(one -> list.addObject()
                    .put("type", type(one.text().kind()))
                    .put("name", one.name())
                    .put("value", one.text().value()));
        }
    }

    private static String type(Match.Kind kind) {
        return switch (kind) {
            case EXACT -> "Exact";
            case PREFIX -> "PathPrefix";
            case REGEX -> "RegularExpression";
        };
    }
}
