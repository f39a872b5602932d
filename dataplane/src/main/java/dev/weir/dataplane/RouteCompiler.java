package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.weir.dataplane.Route.Action;
import dev.weir.dataplane.Route.Destination;
import dev.weir.dataplane.Route.Fault;
import dev.weir.dataplane.Route.Mirror;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Compiles the {@code http} of a VirtualService. Nothing is silently ignored: see {@link Findings}. */
final class RouteCompiler {
    private static final String DOMAIN = ".svc.cluster.local";
    private static final int NOT_SERVED = 501;
    private static final int NO_CLUSTER = 503;
    private static final Set<String> VIRTUAL_SERVICE = Set.of("hosts", "gateways", "http", "exportTo");
    private static final Set<String> HTTP = Set.of(
            "name",
            "match",
            "route",
            "redirect",
            "directResponse",
            "delegate",
            "rewrite",
            "timeout",
            "retries",
            "fault",
            "mirror",
            "mirrors",
            "mirrorPercentage",
            "mirrorPercent",
            "mirror_percent",
            "headers",
            "corsPolicy");
    private static final Set<String> RETRIES = Set.of(
            "attempts", "perTryTimeout", "retryOn", "backoff", "retryRemoteLocalities", "retryIgnorePreviousHosts");
    private static final Set<String> REDIRECT =
            Set.of("uri", "prefixRewrite", "authority", "scheme", "port", "derivePort", "redirectCode");

    private final String namespace;
    private final Findings findings;

    private RouteCompiler(String namespace, Findings findings) {
        this.namespace = namespace;
        this.findings = findings;
    }

    /** Routes in the order in which they are asked. */
    static List<Route> compile(JsonNode virtualService, Findings findings) {
        RouteCompiler compiler = new RouteCompiler(
                virtualService.path("metadata").path("namespace").asText(), findings);
        JsonNode spec = virtualService.path("spec");
        findings.onlyServed(spec, "spec", VIRTUAL_SERVICE);
        List<Route> routes = new ArrayList<>();
        int index = 0;
        for (JsonNode http : spec.path("http")) {
            compiler.route(http, "spec.http[" + index++ + "]").ifPresent(routes::add);
        }
        return List.copyOf(routes);
    }

    /** A service's full name: a short one is of this namespace, one with a dot is taken as it is. */
    static String qualify(String host, String namespace) {
        return host.contains(".") || host.equals("*") ? host : host + "." + namespace + DOMAIN;
    }

    private Optional<Route> route(JsonNode http, String path) {
        findings.onlyServed(http, path, HTTP);
        List<RequestMatch> matches = new MatchCompiler(namespace, findings).compile(http.path("match"), path);
        if (matches.isEmpty() && !http.path("match").isEmpty()) {
            findings.add(path, "left out, because none of its matches can be served");
            return Optional.empty();
        }
        return Optional.of(new Route(
                http.path("name").asText(),
                matches,
                action(http, path),
                fault(http, path),
                CorsPolicy.ofVirtualService(http.path("corsPolicy"), path + ".corsPolicy", findings)));
    }

    private Action action(JsonNode http, String path) {
        if (http.has("delegate")) {
            String to = http.path("delegate").path("name").asText();
            findings.add(path + ".delegate", "not served: requests get 501");
            return new Action.Refused(
                    NOT_SERVED, "the route delegates to the VirtualService " + to + ", which is not served");
        }
        HeaderEdits response = edits(http.path("headers").path("response"), path + ".headers.response");
        if (http.has("redirect")) {
            return new Action.Redirect(redirect(http.path("redirect"), path + ".redirect"), response);
        }
        if (http.has("directResponse")) {
            return answer(http.path("directResponse"), path + ".directResponse", response);
        }
        return forward(http, path, response);
    }

    private Action answer(JsonNode direct, String path, HeaderEdits response) {
        int status = direct.path("status").asInt();
        if (status < 200 || status > 599) {
            findings.add(path + ".status", status + " is not from 200 to 599: requests get 501");
            return new Action.Refused(NOT_SERVED, "the route's direct response has the status " + status);
        }
        JsonNode body = direct.path("body");
        try {
            byte[] bytes = body.has("bytes")
                    ? Base64.getDecoder().decode(body.path("bytes").asText())
                    : body.path("string").asText().getBytes(StandardCharsets.UTF_8);
            return new Action.Answer(status, bytes, response);
        } catch (IllegalArgumentException wrong) {
            findings.add(path + ".body.bytes", "not base64: requests get 501");
            return new Action.Refused(NOT_SERVED, "the body of the route's direct response is not base64");
        }
    }

    private Action forward(JsonNode http, String path, HeaderEdits response) {
        HeaderEdits request = edits(http.path("headers").path("request"), path + ".headers.request");
        boolean lone = http.path("route").size() == 1;
        List<Destination> destinations = new ArrayList<>();
        int index = 0;
        for (JsonNode route : http.path("route")) {
            String at = path + ".route[" + index++ + "]";
            findings.onlyServed(route, at, Set.of("destination", "weight", "headers"));
            JsonNode to = destination(route.path("destination"), at + ".destination");
            HeaderEdits ownRequest = edits(route.path("headers").path("request"), at + ".headers.request");
            HeaderEdits ownResponse = edits(route.path("headers").path("response"), at + ".headers.response");
            destinations.add(new Destination(
                    qualify(to.path("host").asText(), namespace),
                    to.path("subset").asText(""),
                    to.path("port").path("number").asInt(),
                    Math.max(0, route.path("weight").asInt()),
                    inOrder(lone, request, ownRequest),
                    inOrder(lone, response, ownResponse),
                    NO_CLUSTER));
        }
        return new Action.Forward(
                List.copyOf(destinations),
                mirrors(http, path),
                rewrite(http.path("rewrite"), path + ".rewrite"),
                duration(http.path("timeout"), path + ".timeout").filter(Duration::isPositive),
                retries(http.path("retries"), path + ".retries"));
    }

    /** A lone destination is part of its route; one of several is applied first, as Envoy does for weighted ones. */
    static List<HeaderEdits> inOrder(boolean lone, HeaderEdits route, HeaderEdits destination) {
        return (lone ? List.of(route, destination) : List.of(destination, route))
                .stream().filter(edits -> !edits.equals(HeaderEdits.NONE)).toList();
    }

    private JsonNode destination(JsonNode destination, String path) {
        findings.onlyServed(destination, path, Set.of("host", "port", "subset"));
        return destination;
    }

    private List<Mirror> mirrors(JsonNode http, String path) {
        List<Mirror> mirrors = new ArrayList<>();
        if (http.path("mirror").isObject()) {
            JsonNode share = http.path("mirrorPercentage");
            JsonNode old = http.has("mirrorPercent") ? http.path("mirrorPercent") : http.path("mirror_percent");
            double percent = share.isObject() ? share.path("value").asDouble() : old.asDouble(100);
            mirrors.add(mirror(http.path("mirror"), percent, path + ".mirror"));
        }
        int index = 0;
        for (JsonNode mirror : http.path("mirrors")) {
            JsonNode share = mirror.path("percentage");
            String at = path + ".mirrors[" + index++ + "].destination";
            mirrors.add(mirror(
                    mirror.path("destination"),
                    share.isObject() ? share.path("value").asDouble() : 100,
                    at));
        }
        return mirrors.stream().filter(mirror -> mirror.percent() > 0).toList();
    }

    private Mirror mirror(JsonNode destination, double percent, String path) {
        destination(destination, path);
        return new Mirror(
                qualify(destination.path("host").asText(), namespace),
                destination.path("subset").asText(""),
                destination.path("port").path("number").asInt(),
                percent);
    }

    private HeaderEdits edits(JsonNode node, String path) {
        Map<String, String> set = edits(node.path("set"), path + ".set", new LinkedHashMap<>());
        Map<String, String> add = edits(node.path("add"), path + ".add", new LinkedHashMap<>());
        List<String> remove = new ArrayList<>();
        node.path("remove").forEach(name -> remove.add(name.asText()));
        return new HeaderEdits(set, add, List.copyOf(remove));
    }

    private Map<String, String> edits(JsonNode node, String path, Map<String, String> into) {
        node.properties().forEach(field -> {
            String name = field.getKey();
            String value = field.getValue().asText();
            if (name.startsWith(":") && !name.equals(":authority")) {
                findings.add(path + "." + name, "not a header, ignored");
            } else if (value.matches("(?s).*%[A-Z_]+(\\(.*\\))?%.*")) {
                findings.add(path + "." + name, "Envoy's formatting of " + value + " is not served, ignored");
            } else if (value.chars().anyMatch(c -> c == '\r' || c == '\n' || c == 0)) {
                findings.add(path + "." + name, "a header value has one line, ignored");
            } else {
                into.put(name, value);
            }
        });
        return into;
    }

    private Rewrite rewrite(JsonNode node, String path) {
        findings.onlyServed(node, path, Set.of("uri", "authority", "uriRegexRewrite"));
        Pattern regex = null;
        String substitution = node.path("uriRegexRewrite").path("rewrite").asText();
        if (node.has("uriRegexRewrite")) {
            String text = node.path("uriRegexRewrite").path("match").asText();
            try {
                regex = Pattern.compile(text);
            } catch (PatternSyntaxException wrong) {
                findings.add(
                        path + ".uriRegexRewrite.match", text + " is not RE2: " + wrong.getMessage() + ", ignored");
            }
        }
        return new Rewrite(text(node, "uri"), regex, substitution, text(node, "authority"));
    }

    private RedirectTarget redirect(JsonNode node, String path) {
        findings.onlyServed(node, path, REDIRECT);
        int port = node.has("port")
                ? node.path("port").asInt()
                : switch (node.path("derivePort").asText()) {
                    case "" -> RedirectTarget.SAME_PORT;
                    case "FROM_REQUEST_PORT" -> RedirectTarget.REQUEST_PORT;
                    default -> RedirectTarget.PROTOCOL_PORT;
                };
        int code = node.path("redirectCode").asInt(301);
        if (!Set.of(301, 302, 303, 307, 308).contains(code)) {
            findings.add(path + ".redirectCode", code + " is not 301, 302, 303, 307 or 308; 301 is sent");
            code = 301;
        }
        return new RedirectTarget(
                text(node, "uri"),
                text(node, "prefixRewrite"),
                text(node, "authority"),
                text(node, "scheme"),
                port,
                code);
    }

    private static @Nullable String text(JsonNode node, String field) {
        String text = node.path(field).asText("");
        return text.isEmpty() ? null : text;
    }

    private RetryPolicy retries(JsonNode node, String path) {
        if (!node.isObject()) {
            return RetryPolicy.STANDARD;
        }
        findings.onlyServed(node, path, RETRIES);
        Set<String> conditions = new TreeSet<>();
        Set<Integer> codes = new TreeSet<>();
        for (String word : node.path("retryOn").asText().split(",", -1)) {
            String condition = word.strip();
            if (condition.matches("[1-5]\\d\\d")) {
                codes.add(Integer.parseInt(condition));
                conditions.add("retriable-status-codes");
            } else if (RetryPolicy.SERVED.contains(condition)) {
                conditions.add(condition);
            } else if (!condition.isEmpty()) {
                findings.add(path + ".retryOn", condition + " is not served, ignored");
            }
        }
        if (node.path("retryOn").asText().isBlank()) {
            conditions.addAll(RetryPolicy.ISTIO_DEFAULT);
        }
        return new RetryPolicy(
                Math.clamp(node.path("attempts").asInt(RetryPolicy.STANDARD.attempts()), 0, 100),
                duration(node.path("perTryTimeout"), path + ".perTryTimeout").filter(Duration::isPositive),
                conditions,
                codes,
                duration(node.path("backoff"), path + ".backoff")
                        .filter(Duration::isPositive)
                        .orElse(RetryPolicy.standardBackoff()));
    }

    private Optional<Fault> fault(JsonNode http, String path) {
        JsonNode fault = http.path("fault");
        if (!fault.isObject()) {
            return Optional.empty();
        }
        findings.onlyServed(fault, path + ".fault", Set.of("delay", "abort"));
        JsonNode delay = fault.path("delay");
        JsonNode abort = fault.path("abort");
        findings.onlyServed(delay, path + ".fault.delay", Set.of("percentage", "percent", "fixedDelay"));
        findings.onlyServed(abort, path + ".fault.abort", Set.of("percentage", "httpStatus"));
        Duration pause = duration(delay.path("fixedDelay"), path + ".fault.delay.fixedDelay")
                .orElse(Duration.ZERO);
        double delayed = delay.has("percentage")
                ? delay.path("percentage").path("value").asDouble()
                : delay.path("percent").asDouble();
        int status = abort.path("httpStatus").asInt();
        boolean sendable = status >= 200 && status <= 599;
        if (abort.has("httpStatus") && !sendable) {
            findings.add(path + ".fault.abort.httpStatus", status + " is not from 200 to 599, ignored");
        }
        double aborted = sendable ? abort.path("percentage").path("value").asDouble() : 0;
        return Optional.of(new Fault(pause.isZero() ? 0 : delayed, pause, aborted, status))
                .filter(f -> f.delayPercent() > 0 || f.abortPercent() > 0);
    }

    private Optional<Duration> duration(JsonNode node, String path) {
        if (!node.isTextual()) {
            return Optional.empty();
        }
        Optional<Duration> read = GoDuration.parse(node.asText());
        if (read.isEmpty()) {
            findings.add(path, node.asText() + " is not a duration such as 1.5s or 1m30s, ignored");
        }
        return read;
    }

    /** The names of the Gateways that a VirtualService or a match is attached to: mesh, or namespace/name. */
    static Set<String> gateways(JsonNode names, String namespace) {
        Set<String> qualified = new HashSet<>();
        for (JsonNode node : names) {
            String name = node.asText();
            qualified.add(name.equals("mesh") || name.contains("/") ? name : namespace + "/" + name);
        }
        return qualified;
    }
}
