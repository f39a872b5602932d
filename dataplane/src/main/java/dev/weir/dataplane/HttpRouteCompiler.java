package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.weir.dataplane.BackendRefs.Backend;
import dev.weir.dataplane.BackendRefs.Problem;
import dev.weir.dataplane.Ranked.Path;
import dev.weir.dataplane.Ranked.Weight;
import dev.weir.dataplane.RequestMatch.Condition;
import dev.weir.dataplane.Route.Action;
import dev.weir.dataplane.Route.Destination;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Compiles the rules of an HTTPRoute into routes, one for each match. */
final class HttpRouteCompiler {
    private static final int FAILED = 500;
    private static final Set<String> RULE = Set.of("name", "matches", "filters", "backendRefs", "timeouts", "retry");

    private final BackendRefs refs;
    private final Findings findings;
    private final List<Unresolved> unresolved = new ArrayList<>();
    private final JsonNode object;

    /** A reference that leads nowhere, or a value that is not served. */
    record Unresolved(Problem problem, String message) {}

    /**
     * An HTTPRoute's rules.
     *
     * @param routes in the order of rules and matches
     */
    record Compiled(List<Ranked> routes, List<Unresolved> unresolved) {}

    private HttpRouteCompiler(JsonNode object, BackendRefs refs, Findings findings) {
        this.object = object;
        this.refs = refs;
        this.findings = findings;
    }

    static Compiled compile(JsonNode httpRoute, BackendRefs refs, Findings findings) {
        HttpRouteCompiler compiler = new HttpRouteCompiler(httpRoute, refs, findings);
        List<Ranked> routes = new ArrayList<>();
        int index = 0;
        for (JsonNode rule : httpRoute.path("spec").path("rules")) {
            compiler.rule(rule, "spec.rules[" + index++ + "]", routes);
        }
        return new Compiled(List.copyOf(routes), List.copyOf(compiler.unresolved));
    }

    private void rule(JsonNode rule, String path, List<Ranked> into) {
        findings.onlyServed(rule, path, RULE);
        JsonNode metadata = object.path("metadata");
        String owner = metadata.path("namespace").asText() + "/"
                + metadata.path("name").asText();
        String created = metadata.path("creationTimestamp").asText();
        String name = owner + " " + rule.path("name").asText(path.substring("spec.".length()));
        RouteFilters filters = RouteFilters.compile(rule.path("filters"), path + ".filters", this::mirror, findings);
        Action action = action(rule, path, filters);
        if (rule.path("matches").isEmpty()) {
            Route route = new Route(name, List.of(), action, Optional.empty(), filters.cors());
            into.add(new Ranked(route, new Weight(Path.EVERYTHING, 1, false, 0, 0), created, owner));
        }
        int index = 0;
        for (JsonNode match : rule.path("matches")) {
            String at = path + ".matches[" + index++ + "]";
            try {
                RequestMatch compiled = new RequestMatch(conditions(match, at));
                Route route = new Route(name, List.of(compiled), action, Optional.empty(), filters.cors());
                into.add(new Ranked(route, weight(match, compiled), created, owner));
            } catch (PatternSyntaxException wrong) {
                String message = wrong.getPattern() + " is not RE2: " + wrong.getDescription();
                findings.add(at, message + "; it matches nothing");
                unresolved.add(new Unresolved(Problem.UnsupportedValue, at + ": " + message));
            }
        }
    }

    private List<Condition> conditions(JsonNode match, String path) {
        findings.onlyServed(match, path, Set.of("path", "headers", "queryParams", "method"));
        List<Condition> all = new ArrayList<>();
        all.add(new Condition.Uri(path(match.path("path"))));
        if (match.has("method")) {
            all.add(new Condition.Method(
                    new StringMatch.Exact(match.path("method").asText(), false)));
        }
        Set<String> seen = new HashSet<>();
        for (JsonNode header : match.path("headers")) {
            String name = StringMatch.fold(header.path("name").asText());
            // of names that differ in case only, the first counts
            if (seen.add(name)) {
                all.add(new Condition.Header(name, value(header)));
            }
        }
        seen.clear();
        for (JsonNode query : match.path("queryParams")) {
            String name = query.path("name").asText();
            if (seen.add(name)) {
                all.add(new Condition.Query(name, value(query)));
            }
        }
        return List.copyOf(all);
    }

    private static StringMatch path(JsonNode path) {
        String value = path.path("value").asText("/");
        return switch (path.path("type").asText("PathPrefix")) {
            case "Exact" -> new StringMatch.Exact(value, false);
            case "RegularExpression" -> new StringMatch.Regex(Pattern.compile(value));
            default -> StringMatch.PathPrefix.of(value);
        };
    }

    private static StringMatch value(JsonNode match) {
        String value = match.path("value").asText();
        return match.path("type").asText("Exact").equals("RegularExpression")
                ? new StringMatch.Regex(Pattern.compile(value))
                : new StringMatch.Exact(value, false);
    }

    private static Weight weight(JsonNode match, RequestMatch compiled) {
        Path path = compiled.catchesAll()
                ? Path.EVERYTHING
                : switch (match.path("path").path("type").asText("PathPrefix")) {
                    case "Exact" -> Path.EXACT;
                    case "RegularExpression" -> Path.REGEX;
                    default -> Path.PREFIX;
                };
        int headers = (int) compiled.conditions().stream()
                .filter(Condition.Header.class::isInstance)
                .count();
        int queries = (int) compiled.conditions().stream()
                .filter(Condition.Query.class::isInstance)
                .count();
        String prefix = compiled.prefix();
        int length = prefix != null
                ? prefix.length()
                : match.path("path").path("value").asText().length();
        return new Weight(path, length, match.has("method"), headers, queries);
    }

    private Action action(JsonNode rule, String path, RouteFilters filters) {
        if (filters.unserved().isPresent()) {
            String what = filters.unserved().get();
            unresolved.add(new Unresolved(Problem.UnsupportedValue, what));
            return new Action.Refused(FAILED, what);
        }
        if (filters.redirect().isPresent()) {
            return new Action.Redirect(filters.redirect().get(), filters.response());
        }
        List<Destination> destinations = destinations(rule, path, filters);
        if (destinations.isEmpty()) {
            return new Action.Refused(FAILED, "the route has no backend with a weight");
        }
        JsonNode timeouts = rule.path("timeouts");
        findings.onlyServed(timeouts, path + ".timeouts", Set.of("request", "backendRequest"));
        Optional<Duration> perTry = duration(timeouts, "backendRequest", path + ".timeouts");
        return new Action.Forward(
                destinations,
                filters.mirrors(),
                filters.rewrite(),
                duration(timeouts, "request", path + ".timeouts"),
                retries(rule.path("retry"), path + ".retry", perTry));
    }

    private List<Destination> destinations(JsonNode rule, String path, RouteFilters filters) {
        List<Destination> destinations = new ArrayList<>();
        boolean lone = rule.path("backendRefs").size() == 1;
        int index = 0;
        for (JsonNode reference : rule.path("backendRefs")) {
            String at = path + ".backendRefs[" + index++ + "]";
            Backend backend = backend(reference, at);
            RouteFilters own = RouteFilters.ofBackend(reference.path("filters"), at + ".filters", findings);
            own.unserved().ifPresent(what -> unresolved.add(new Unresolved(Problem.UnsupportedValue, what)));
            int weight = reference.path("weight").asInt(1);
            if (weight > 0) {
                destinations.add(new Destination(
                        own.unserved().isPresent() ? "" : backend.host(),
                        "",
                        backend.port(),
                        weight,
                        RouteCompiler.inOrder(lone, filters.request(), own.request()),
                        RouteCompiler.inOrder(lone, filters.response(), own.response()),
                        FAILED));
            }
        }
        return List.copyOf(destinations);
    }

    private Backend backend(JsonNode reference, String path) {
        Backend backend = refs.resolve(reference);
        backend.problem()
                .ifPresent(problem -> unresolved.add(new Unresolved(problem, path + ": " + backend.message())));
        return backend;
    }

    /** A mirror that leads nowhere copies nothing. */
    private Optional<Route.Mirror> mirror(JsonNode filter, String path) {
        Backend backend = backend(filter.path("backendRef"), path + ".backendRef");
        JsonNode fraction = filter.path("fraction");
        double percent = filter.path("percent").asDouble(100);
        if (fraction.isObject()) {
            percent = 100.0
                    * fraction.path("numerator").asDouble()
                    / fraction.path("denominator").asDouble(100);
        }
        return backend.host().isEmpty() || percent <= 0
                ? Optional.empty()
                : Optional.of(new Route.Mirror(backend.host(), "", backend.port(), Math.min(100, percent)));
    }

    /** A timeout of zero is none. */
    private Optional<Duration> duration(JsonNode node, String field, String path) {
        if (!node.has(field)) {
            return Optional.empty();
        }
        Optional<Duration> read = GoDuration.parse(node.path(field).asText());
        if (read.isEmpty()) {
            findings.add(
                    path + "." + field, node.path(field).asText() + " is not a duration such as 1s or 500ms, ignored");
        }
        return read.filter(Duration::isPositive);
    }

    private RetryPolicy retries(JsonNode retry, String path, Optional<Duration> perTry) {
        RetryPolicy standard = RetryPolicy.STANDARD;
        if (!retry.isObject()) {
            return new RetryPolicy(
                    standard.attempts(), perTry, standard.conditions(), Set.of(), RetryPolicy.standardBackoff());
        }
        findings.onlyServed(retry, path, Set.of("codes", "attempts", "backoff"));
        Set<Integer> codes = new TreeSet<>();
        retry.path("codes").forEach(code -> codes.add(code.asInt()));
        Set<String> conditions = new TreeSet<>(Set.of(RetryPolicy.CONNECT_FAILURE, "refused-stream", "reset"));
        if (!codes.isEmpty()) {
            conditions.add("retriable-status-codes");
        }
        return new RetryPolicy(
                Math.clamp(retry.path("attempts").asInt(1), 0, 100),
                perTry,
                conditions,
                codes,
                duration(retry, "backoff", path).orElse(RetryPolicy.standardBackoff()));
    }

    /** The hosts that an HTTPRoute names, in lower case; empty for all of its parent's. */
    static Set<String> hostnames(JsonNode httpRoute) {
        Set<String> names = new TreeSet<>();
        httpRoute
                .path("spec")
                .path("hostnames")
                .forEach(name -> names.add(name.asText().toLowerCase(Locale.ROOT)));
        return names;
    }
}
