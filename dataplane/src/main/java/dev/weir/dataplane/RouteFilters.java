package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The filters of a rule or a backend of an HTTPRoute, compiled.
 *
 * @param unserved what keeps requests from being sent on, because Gateway API forbids to leave a filter out
 */
record RouteFilters(
        HeaderEdits request,
        HeaderEdits response,
        List<Route.Mirror> mirrors,
        Optional<RedirectTarget> redirect,
        Rewrite rewrite,
        Optional<CorsPolicy> cors,
        Optional<String> unserved) {
    private static final int MOVED = 302;
    private static final Set<String> OF_BACKENDS = Set.of("RequestHeaderModifier", "ResponseHeaderModifier");

    /** @param mirror what the field requestMirror and its path stand for */
    static RouteFilters compile(
            JsonNode filters,
            String path,
            BiFunction<JsonNode, String, Optional<Route.Mirror>> mirror,
            Findings findings) {
        HeaderEdits request = HeaderEdits.NONE;
        HeaderEdits response = HeaderEdits.NONE;
        List<Route.Mirror> mirrors = new ArrayList<>();
        Optional<RedirectTarget> redirect = Optional.empty();
        Rewrite rewrite = Rewrite.NONE;
        Optional<CorsPolicy> cors = Optional.empty();
        Optional<String> unserved = Optional.empty();
        int index = 0;
        for (JsonNode filter : filters) {
            String at = path + "[" + index++ + "]";
            String type = filter.path("type").asText();
            switch (type) {
                case "RequestHeaderModifier" -> request = edits(filter.path("requestHeaderModifier"));
                case "ResponseHeaderModifier" -> response = edits(filter.path("responseHeaderModifier"));
                case "RequestMirror" ->
                    mirror.apply(filter.path("requestMirror"), at + ".requestMirror")
                            .ifPresent(mirrors::add);
                case "RequestRedirect" -> redirect = Optional.of(redirect(filter.path("requestRedirect")));
                case "URLRewrite" -> rewrite = rewrite(filter.path("urlRewrite"));
                case "CORS" -> cors = Optional.of(CorsPolicy.ofFilter(filter.path("cors")));
                default -> {
                    String what = at + ": the filter " + type + " is not served";
                    findings.add(at, "the filter " + type + " is not served: requests get 500");
                    unserved = Optional.of(what);
                }
            }
        }
        return new RouteFilters(request, response, List.copyOf(mirrors), redirect, rewrite, cors, unserved);
    }

    /** A backend's own, of which only changes of headers are served. */
    static RouteFilters ofBackend(JsonNode filters, String path, Findings findings) {
        RouteFilters compiled = compile(filters, path, (_, _) -> Optional.empty(), findings);
        int index = 0;
        for (JsonNode filter : filters) {
            String at = path + "[" + index++ + "]";
            String type = filter.path("type").asText();
            if (!OF_BACKENDS.contains(type) && compiled.unserved().isEmpty()) {
                findings.add(at, "the filter " + type + " is not served for one backend: its share gets 500");
                return new RouteFilters(
                        compiled.request(),
                        compiled.response(),
                        List.of(),
                        Optional.empty(),
                        Rewrite.NONE,
                        Optional.empty(),
                        Optional.of(at + ": the filter " + type + " is not served for one backend"));
            }
        }
        return compiled;
    }

    private static HeaderEdits edits(JsonNode modifier) {
        List<String> remove = new ArrayList<>();
        modifier.path("remove").forEach(name -> remove.add(name.asText()));
        return new HeaderEdits(values(modifier.path("set")), values(modifier.path("add")), List.copyOf(remove));
    }

    private static Map<String, String> values(JsonNode headers) {
        Map<String, String> values = new LinkedHashMap<>();
        for (JsonNode header : headers) {
            values.putIfAbsent(
                    header.path("name").asText(), header.path("value").asText());
        }
        return values;
    }

    private static RedirectTarget redirect(JsonNode redirect) {
        String scheme = text(redirect, "scheme");
        int otherwise = scheme == null ? RedirectTarget.REQUEST_PORT : RedirectTarget.PROTOCOL_PORT;
        JsonNode path = redirect.path("path");
        boolean prefix = path.path("type").asText().equals("ReplacePrefixMatch");
        return new RedirectTarget(
                prefix ? null : text(path, "replaceFullPath"),
                prefix ? withoutSlash(path.path("replacePrefixMatch").asText()) : null,
                text(redirect, "hostname"),
                scheme,
                redirect.path("port").asInt(otherwise),
                redirect.path("statusCode").asInt(MOVED));
    }

    private static Rewrite rewrite(JsonNode rewrite) {
        String hostname = text(rewrite, "hostname");
        JsonNode path = rewrite.path("path");
        return switch (path.path("type").asText()) {
            case "ReplacePrefixMatch" ->
                new Rewrite(withoutSlash(path.path("replacePrefixMatch").asText()), null, "", hostname);
            case "ReplaceFullPath" -> {
                String full = path.path("replaceFullPath").asText().replace("\\", "\\\\");
                yield new Rewrite(null, Pattern.compile("(?s)\\A.*\\z"), full.isEmpty() ? "/" : full, hostname);
            }
            default -> new Rewrite(null, null, "", hostname);
        };
    }

    /** The prefix that it replaces has none either, so that just one slash comes before the rest. */
    private static String withoutSlash(String path) {
        return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    }

    private static @Nullable String text(JsonNode node, String field) {
        String text = node.path(field).asText("");
        return text.isEmpty() ? null : text;
    }
}
