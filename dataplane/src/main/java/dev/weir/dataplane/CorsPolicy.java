package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which pages of other origins browsers let read the answers of a route (CORS), after Envoy's filter. Immutable, pure.
 *
 * <p>The texts are values of headers; an empty one leaves its header out. {@code *} stands for everything, and is answered
 * with what was asked for where credentials are allowed, since browsers take it literally there.
 *
 * @param origins any of them
 * @param maxAge how long a browser may keep what a preflight answered, in seconds
 * @param answersOthers true if preflights of origins that are not allowed are answered, without these headers; false if the
 *     pods are to answer them
 */
record CorsPolicy(
        List<StringMatch> origins,
        String methods,
        String headers,
        String exposed,
        String maxAge,
        boolean credentials,
        boolean answersOthers) {
    private static final String ANY = "*";
    private static final StringMatch ANY_ORIGIN =
            new StringMatch.Regex(Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s?#]+"));
    private static final Set<String> SERVED = Set.of(
            "allowOrigins",
            "allowOrigin",
            "allowMethods",
            "allowHeaders",
            "exposeHeaders",
            "maxAge",
            "allowCredentials",
            "unmatchedPreflights");
    private static final int USUAL_AGE = 5;

    /** Of a VirtualService; empty if there is none. */
    static Optional<CorsPolicy> ofVirtualService(JsonNode policy, String path, Findings findings) {
        if (!policy.isObject()) {
            return Optional.empty();
        }
        findings.onlyServed(policy, path, SERVED);
        List<StringMatch> origins = new ArrayList<>();
        int index = 0;
        for (JsonNode origin : policy.path("allowOrigins")) {
            origin(origin, path + ".allowOrigins[" + index++ + "]", findings).ifPresent(origins::add);
        }
        if (!policy.has("allowOrigins")) {
            policy.path("allowOrigin").forEach(origin -> origins.add(exactly(origin.asText())));
        }
        String age = policy.path("maxAge").asText("");
        Optional<Duration> kept = GoDuration.parse(age);
        if (!age.isEmpty() && kept.isEmpty()) {
            findings.add(path + ".maxAge", age + " is not a duration such as 1.5s or 1m30s, ignored");
        }
        return Optional.of(new CorsPolicy(
                List.copyOf(origins),
                joined(policy.path("allowMethods")),
                joined(policy.path("allowHeaders")),
                joined(policy.path("exposeHeaders")),
                kept.map(Duration::toSeconds).map(Object::toString).orElse(""),
                policy.path("allowCredentials").asBoolean(),
                policy.path("unmatchedPreflights").asText().equals("IGNORE")));
    }

    private static Optional<StringMatch> origin(JsonNode origin, String path, Findings findings) {
        if (origin.has("exact")) {
            return Optional.of(exactly(origin.path("exact").asText()));
        }
        if (origin.has("prefix")) {
            return Optional.of(new StringMatch.Prefix(origin.path("prefix").asText(), false));
        }
        try {
            return Optional.of(
                    new StringMatch.Regex(Pattern.compile(origin.path("regex").asText(""))));
        } catch (PatternSyntaxException wrong) {
            findings.add(path, wrong.getPattern() + " is not RE2: " + wrong.getDescription() + "; it matches nothing");
            return Optional.empty();
        }
    }

    /** As in Envoy a star is every origin, also the {@code null} of pages that have none. */
    private static StringMatch exactly(String origin) {
        return origin.equals(ANY) ? new StringMatch.Present() : new StringMatch.Exact(origin, false);
    }

    /** Of a filter of an HTTPRoute. */
    static CorsPolicy ofFilter(JsonNode filter) {
        List<StringMatch> origins = filter.path("allowOrigins")
                .valueStream()
                .map(origin -> origin(withoutUsualPort(origin.asText())))
                .toList();
        return new CorsPolicy(
                origins,
                joined(filter.path("allowMethods")),
                joined(filter.path("allowHeaders")),
                joined(filter.path("exposeHeaders")),
                Integer.toString(filter.path("maxAge").asInt(USUAL_AGE)),
                filter.path("allowCredentials").asBoolean(),
                true);
    }

    private static StringMatch origin(String text) {
        if (text.equals(ANY)) {
            return ANY_ORIGIN;
        }
        if (!text.contains(ANY)) {
            return new StringMatch.Exact(text, true);
        }
        // any number of labels; the port is no part of them
        return new StringMatch.Regex(
                Pattern.compile("(?i)" + Pattern.quote(text).replace("\\*", "[^/:\\s?#]+")));
    }

    /** Browsers leave it out. */
    private static String withoutUsualPort(String origin) {
        boolean usual = origin.startsWith("http://") && origin.endsWith(":80")
                || origin.startsWith("https://") && origin.endsWith(":443");
        return usual ? origin.substring(0, origin.lastIndexOf(':')) : origin;
    }

    private static String joined(JsonNode names) {
        return names.valueStream().map(JsonNode::asText).collect(Collectors.joining(","));
    }

    /** True of what a browser asks before the request itself. */
    static boolean isPreflight(HttpRequest request) {
        return request.method().equals(HttpMethod.OPTIONS)
                && !request.headers().get(HttpHeaderNames.ORIGIN, "").isEmpty()
                && !request.headers()
                        .get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD, "")
                        .isEmpty();
    }

    /** False as well of a request that names no origin. */
    boolean allows(HttpRequest request) {
        String origin = request.headers().get(HttpHeaderNames.ORIGIN, "");
        return !origin.isEmpty() && origins.stream().anyMatch(allowed -> allowed.test(origin));
    }

    /** What the answer to an allowed preflight says. */
    HeaderEdits permission(HttpRequest preflight) {
        HttpHeaders asked = preflight.headers();
        Map<String, String> set = origin(asked);
        put(
                set,
                "access-control-allow-methods",
                orAsked(methods, asked.get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD, "")));
        put(
                set,
                "access-control-allow-headers",
                orAsked(headers, asked.get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_HEADERS, "")));
        put(set, "access-control-max-age", maxAge);
        return new HeaderEdits(set, Map.of(), List.of());
    }

    /** What the answer to an allowed request says beside what the pods say. */
    HeaderEdits share(HttpRequest request) {
        Map<String, String> set = origin(request.headers());
        put(set, "access-control-expose-headers", orAsked(exposed, ""));
        return new HeaderEdits(set, Map.of(), List.of());
    }

    private Map<String, String> origin(HttpHeaders asked) {
        Map<String, String> set = new LinkedHashMap<>();
        set.put("access-control-allow-origin", asked.get(HttpHeaderNames.ORIGIN, ""));
        put(set, "access-control-allow-credentials", credentials ? "true" : "");
        return set;
    }

    private String orAsked(String allowed, String asked) {
        return credentials && allowed.equals(ANY) ? asked : allowed;
    }

    private static void put(Map<String, String> set, String name, String value) {
        if (!value.isEmpty()) {
            set.put(name, value);
        }
    }
}
