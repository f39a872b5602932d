package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.PatternSyntaxException;
import dev.weir.dataplane.RequestMatch.Condition;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Compiles the {@code match} of a VirtualService route. A match with a part that cannot be served matches nothing. */
final class MatchCompiler {
    private static final Set<String> MATCH = Set.of(
            "name",
            "statPrefix",
            "uri",
            "scheme",
            "method",
            "authority",
            "headers",
            "withoutHeaders",
            "queryParams",
            "port",
            "sourceLabels",
            "sourceNamespace",
            "gateways",
            "ignoreUriCase");
    /** Not headers, though Istio's API once let them be asked for as such; Istio ignores them there too. */
    private static final Set<String> PSEUDO = Set.of("uri", "scheme", "method", "authority");

    private final String namespace;
    private final Findings findings;

    MatchCompiler(String namespace, Findings findings) {
        this.namespace = namespace;
        this.findings = findings;
    }

    /** Those that can be served. */
    List<RequestMatch> compile(JsonNode matches, String path) {
        List<RequestMatch> compiled = new ArrayList<>();
        int index = 0;
        for (JsonNode match : matches) {
            String at = path + ".match[" + index++ + "]";
            try {
                compiled.add(new RequestMatch(conditions(match, at)));
            } catch (PatternSyntaxException wrong) {
                findings.add(
                        at, wrong.getPattern() + " is not RE2: " + wrong.getDescription() + "; it matches nothing");
            }
        }
        return List.copyOf(compiled);
    }

    private List<Condition> conditions(JsonNode match, String path) {
        findings.onlyServed(match, path, MATCH);
        List<Condition> all = new ArrayList<>();
        one(match.path("uri"), match.path("ignoreUriCase").asBoolean(), Condition.Uri::new, all);
        one(match.path("method"), false, Condition.Method::new, all);
        one(match.path("authority"), false, Condition.Authority::new, all);
        one(match.path("scheme"), false, Condition.Scheme::new, all);
        named(match.path("headers"), path + ".headers", Condition.Header::new, all);
        named(match.path("withoutHeaders"), path + ".withoutHeaders", Condition.WithoutHeader::new, all);
        match.path("queryParams")
                .properties()
                .forEach(e -> all.add(new Condition.Query(e.getKey(), StringMatch.of(e.getValue(), false))));
        if (match.path("port").isNumber()) {
            all.add(new Condition.Port(match.path("port").asInt()));
        }
        if (!match.path("gateways").isEmpty()) {
            all.add(new Condition.Gateways(RouteCompiler.gateways(match.path("gateways"), namespace)));
        } else if (match.has("sourceLabels") || match.has("sourceNamespace")) {
            Map<String, String> labels = new LinkedHashMap<>();
            match.path("sourceLabels")
                    .properties()
                    .forEach(e -> labels.put(e.getKey(), e.getValue().asText()));
            all.add(new Condition.Source(labels, match.path("sourceNamespace").asText("")));
        }
        return List.copyOf(all);
    }

    private static void one(
            JsonNode node, boolean ignoreCase, Function<StringMatch, Condition> make, List<Condition> into) {
        if (node.isObject()) {
            into.add(make.apply(StringMatch.of(node, ignoreCase)));
        }
    }

    private void named(
            JsonNode node, String path, BiFunction<String, StringMatch, Condition> make, List<Condition> into) {
        node.properties().forEach(entry -> {
            if (PSEUDO.contains(entry.getKey())) {
                findings.add(path + "." + entry.getKey(), "not a header, ignored");
            } else {
                into.add(make.apply(StringMatch.fold(entry.getKey()), StringMatch.of(entry.getValue(), false)));
            }
        });
    }
}
