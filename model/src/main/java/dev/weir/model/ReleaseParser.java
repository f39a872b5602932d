package dev.weir.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.weir.engine.Match;
import dev.weir.engine.MirrorPercent;
import dev.weir.engine.Release;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Translates one spec into the engine's words and collects what is wrong with it. Used once. */
final class ReleaseParser {
    private static final int STANDARD_PERCENT = 100;
    private static final int STANDARD_SHARE = 1;
    private static final int MOST_SHARE = 1_000_000;
    private static final int LONGEST_LABEL = 63;
    private static final String RESERVED = "weir.dev/";
    private static final Pattern SERVICE_NAME = Pattern.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?");
    private static final Pattern GATEWAY = Pattern.compile(
            "([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
    private static final String MESH = "mesh";
    private static final Pattern PATH = Pattern.compile("([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+");
    private static final Pattern UNCLEAN = Pattern.compile("//|/\\.\\.?(/|$)|%2[fF]");
    /** What a tester sends to reach a candidate that has no conditions of its own. */
    private static final Match STANDARD_MATCH = Match.Http.header("traffic", "test");

    private final String name;
    private final String namespace;
    private final ReleaseSpec spec;
    private final String service;
    private final List<String> violations = new ArrayList<>();

    ReleaseParser(String name, String namespace, ReleaseSpec spec) {
        this.name = name;
        this.namespace = namespace;
        this.spec = spec;
        this.service = Objects.requireNonNullElse(spec.service().name(), name);
    }

    ReleaseSpec.Parsed parse() {
        oneOf("spec.workload", spec.workload(), ReleaseSpec.WORKLOAD_DEPLOYMENT);
        oneOf(
                "spec.strategy",
                spec.strategy(),
                ReleaseSpec.STRATEGY_NONE,
                ReleaseSpec.STRATEGY_MIRROR,
                ReleaseSpec.STRATEGY_CANARY,
                ReleaseSpec.STRATEGY_BLUE_GREEN);
        oneOf("spec.router", spec.router(), ReleaseSpec.ROUTER_ISTIO, ReleaseSpec.ROUTER_GATEWAY_API);
        names();
        List<String> gateways = gateways();
        List<Release.Version> versions = versions();
        if (!violations.isEmpty()) {
            return new ReleaseSpec.Parsed.Invalid(List.copyOf(violations));
        }
        Release release = new Release(
                name,
                namespace,
                spec.router(),
                strategy(),
                service,
                Objects.requireNonNull(spec.service().port()),
                gateways,
                spec.adopt(),
                versions);
        return new ReleaseSpec.Parsed.Valid(release, unused());
    }

    /** What the spec says that the strategy has no use for: allowed, since a strategy may be meant to change. */
    private List<String> unused() {
        List<String> unused = new ArrayList<>();
        for (int i = 0; i < spec.versions().size(); i++) {
            ReleaseSpec.Version version = spec.versions().get(i);
            String field = "spec.versions[" + i + "]";
            if (version.share() != null && !spec.strategy().equals(ReleaseSpec.STRATEGY_BLUE_GREEN)) {
                unused.add(noEffect(field + ".share", ReleaseSpec.STRATEGY_BLUE_GREEN));
            }
            if (version.mirrorPercent() != null && !spec.strategy().equals(ReleaseSpec.STRATEGY_MIRROR)) {
                unused.add(noEffect(field + ".mirrorPercent", ReleaseSpec.STRATEGY_MIRROR));
            }
            if (!version.matches().isEmpty()) {
                if (!spec.strategy().equals(ReleaseSpec.STRATEGY_CANARY)) {
                    unused.add(noEffect(field + ".matches", ReleaseSpec.STRATEGY_CANARY));
                } else if (i == 0) {
                    unused.add(field + ".matches: has no effect: the first version gets what no other matches");
                }
            }
        }
        return unused;
    }

    private String noEffect(String field, String strategy) {
        return field + ": has no effect with strategy " + spec.strategy() + ", only with " + strategy;
    }

    /** Each once. Istio's own word for the mesh is left out: every route is for the mesh too. */
    private List<String> gateways() {
        boolean istio = spec.router().equals(ReleaseSpec.ROUTER_ISTIO);
        for (int i = 0; i < spec.gateways().size(); i++) {
            String gateway = spec.gateways().get(i);
            if (!GATEWAY.matcher(gateway).matches()) {
                violations.add(
                        "spec.gateways[" + i + "]: \"" + gateway + "\" is no name or namespace/name of a Gateway");
            }
        }
        return spec.gateways().stream()
                .distinct()
                .filter(gateway -> !istio || !gateway.equals(MESH))
                .toList();
    }

    /** The release's name is a label's value, and the service's name a Service's. */
    private void names() {
        if (name.length() > LONGEST_LABEL) {
            violations.add("metadata.name: \"" + name + "\" has " + name.length() + " characters; at most "
                    + LONGEST_LABEL + " are allowed, since it is the value of a label");
        }
        // one that the server is still to name has none
        if (!service.isEmpty() && !SERVICE_NAME.matcher(service).matches()) {
            violations.add((spec.service().name() == null ? "metadata.name" : "spec.service.name") + ": \"" + service
                    + "\" is no name of a Service: lower case letters, digits and '-', from a letter to a letter or digit,"
                    + " at most " + LONGEST_LABEL
                    + (spec.service().name() == null ? "; or name the Service in spec.service.name" : ""));
        }
        ownLabels("spec.metadata.labels", spec.metadata().labels());
    }

    private void ownLabels(String field, @Nullable Map<String, String> labels) {
        Objects.requireNonNullElse(labels, Map.<String, String>of()).keySet().stream()
                .filter(key -> key.startsWith(RESERVED))
                .forEach(key -> violations.add(
                        field + ": \"" + key + "\" is not allowed: labels under " + RESERVED + " are the operator's"));
    }

    /** The version's Service leads from the port that routes know to the version's pods. */
    private void reached(String field, ReleaseSpec.Version version, String own) {
        JsonNode service = version.serviceTemplate() == null
                ? MissingNode.getInstance()
                : version.serviceTemplate().path("spec");
        int port = Objects.requireNonNullElse(
                version.port(), Objects.requireNonNull(spec.service().port()));
        if (service.isObject()
                && service.path("ports")
                        .valueStream()
                        .noneMatch(one -> one.path("port").asInt() == port)) {
            violations.add(field + ".serviceTemplate.spec.ports: none has the port " + port
                    + ", to which the route leads; add it, or set " + field + ".port to one of them");
        }
        JsonNode selector = service.isObject()
                ? service.path("selector")
                : JsonNodeFactory.instance.objectNode().put("app", own);
        if (selector.isEmpty()) {
            violations.add(field + ".serviceTemplate.spec.selector: is required; it selects the version's pods");
        }
        JsonNode labels = version.template() == null
                ? MissingNode.getInstance()
                : version.template().at("/spec/template/metadata/labels");
        // without any, the server says more of what is wrong with it
        if (!labels.isEmpty()) {
            selector.properties().stream()
                    .filter(label -> !label.getValue().equals(labels.path(label.getKey())))
                    .forEach(label -> violations.add(field + ".template.spec.template.metadata.labels." + label.getKey()
                            + ": must be " + label.getValue() + ", by which Service/" + own + " selects the pods"));
        }
    }

    private Release.Strategy strategy() {
        return switch (spec.strategy()) {
            case ReleaseSpec.STRATEGY_MIRROR -> Release.Strategy.MIRROR;
            case ReleaseSpec.STRATEGY_CANARY -> Release.Strategy.CANARY;
            case ReleaseSpec.STRATEGY_BLUE_GREEN -> Release.Strategy.BLUE_GREEN;
            default -> Release.Strategy.NONE;
        };
    }

    private void oneOf(String field, String value, String... allowed) {
        if (!List.of(allowed).contains(value)) {
            violations.add(field + ": \"" + value + "\" is not one of " + String.join(", ", allowed));
        }
    }

    private List<Release.Version> versions() {
        List<Release.Version> versions = new ArrayList<>();
        Set<String> names = new HashSet<>();
        if (spec.versions().isEmpty()) {
            violations.add("spec.versions: at least one version is required");
        }
        for (int i = 0; i < spec.versions().size(); i++) {
            ReleaseSpec.Version version = spec.versions().get(i);
            String field = "spec.versions[" + i + "]";
            String own = Objects.requireNonNullElse(version.name(), "");
            if (own.isEmpty()) {
                violations.add(field + ".name: is required");
            } else if (!names.add(own)) {
                violations.add(field + ".name: \"" + own + "\" is used twice; names of versions must differ");
            }
            if (own.equals(service)) {
                violations.add(
                        field + ".name: \"" + own + "\" is the name of the application's service; it must differ");
            }
            int sources = (version.image() == null ? 0 : 1)
                    + (version.template() == null ? 0 : 1)
                    + (version.workloadRef() == null ? 0 : 1);
            if (sources != 1) {
                violations.add(field + ": exactly one of image, template and workloadRef is required");
            }
            int percent = within(field + ".mirrorPercent", version.mirrorPercent(), STANDARD_PERCENT, 100);
            int share = within(field + ".share", version.share(), STANDARD_SHARE, MOST_SHARE);
            ownLabels(field + ".labels", version.labels());
            sameName(field + ".template", version.template(), own);
            sameName(field + ".serviceTemplate", version.serviceTemplate(), own);
            reached(field, version, own);
            versions.add(version(version, percent, share, matches(field + ".matches", version)));
        }
        return versions;
    }

    /** A whole number from 0 on; the standard one if the value is missing or out of bounds, which is a violation. */
    private int within(String field, @Nullable Integer value, int standard, int most) {
        int given = Objects.requireNonNullElse(value, standard);
        if (given < 0 || given > most) {
            violations.add(field + ": " + given + " is not from 0 to " + most);
            return standard;
        }
        return given;
    }

    /** The conditions as the router reads them back; a standard one where the spec has none. */
    private List<Match> matches(String field, ReleaseSpec.Version version) {
        List<Match> matches = new ArrayList<>();
        boolean istio = spec.router().equals(ReleaseSpec.ROUTER_ISTIO);
        for (int i = 0; i < version.matches().size(); i++) {
            HttpRouteMatch match = version.matches().get(i);
            String at = field + "[" + i + "]";
            try {
                if (match.isEmpty()) {
                    violations.add(at + ": is empty and would match every request; name a path, a method, headers,"
                            + " queryParams or istio");
                } else if (match.istio() == null) {
                    Match.Http http = match.http();
                    patterns(at, http);
                    path(at, http.path());
                    matches.add(istio ? IstioMatch.read(IstioMatch.render(http)) : http);
                } else if (!istio) {
                    violations.add(at + ".istio: the router " + spec.router() + " does not know Istio's words");
                } else if (!match.equals(new HttpRouteMatch(null, null, List.of(), List.of(), match.istio()))) {
                    violations.add(at + ": istio stands for a whole condition; nothing may be beside it");
                } else {
                    match.istio().findValues("regex").forEach(regex -> pattern(at + ".istio", regex.asText()));
                    matches.add(IstioMatch.read(match.istio()));
                }
            } catch (IllegalArgumentException wrong) {
                violations.add(at + ": " + wrong.getMessage());
            }
        }
        return matches.isEmpty() ? List.of(STANDARD_MATCH) : matches;
    }

    private void patterns(String field, Match.Http match) {
        Stream.concat(
                        Stream.ofNullable(match.path()),
                        Stream.concat(match.headers().stream(), match.query().stream())
                                .map(Match.Named::text))
                .filter(text -> text.kind() == Match.Kind.REGEX)
                .forEach(text -> pattern(field, text.value()));
    }

    /** What Gateway API allows: a route with another path is refused, or never matches. */
    private void path(String field, Match.@Nullable Text path) {
        if (path == null || path.kind() == Match.Kind.REGEX) {
            return;
        }
        String value = path.value();
        if (!value.startsWith("/") || !PATH.matcher(value).matches()) {
            violations.add(field + ".path.value: \"" + value + "\" is no path of a request: it begins with / and has"
                    + " letters, digits, -._~!$&'()*+,;=:@/ and percent-encoded bytes only");
        } else if (UNCLEAN.matcher(value).find()) {
            violations.add(field + ".path.value: \"" + value
                    + "\" must not contain //, /./, /../ or %2f, nor end with /. or /..: requests have them resolved");
        }
    }

    private void pattern(String field, String regex) {
        try {
            Pattern.compile(regex);
        } catch (PatternSyntaxException wrong) {
            violations.add(field + ": \"" + regex + "\" is no RE2 pattern: " + wrong.getDescription());
        }
    }

    /** A version's objects have its name: two names for one thing would only make the route harder to read. */
    private void sameName(String field, @Nullable ObjectNode template, String version) {
        if (template == null) {
            return;
        }
        JsonNode metadata = template.path("metadata");
        if (metadata.has("name") && !metadata.path("name").asText().equals(version)) {
            violations.add(field + ".metadata.name: \"" + metadata.path("name").asText()
                    + "\" is not the version's name; name the version instead, or leave it out");
        }
        if (metadata.has("namespace") && !metadata.path("namespace").asText().equals(namespace)) {
            violations.add(field + ".metadata.namespace: \""
                    + metadata.path("namespace").asText() + "\" is not the release's namespace");
        }
    }

    private Release.Version version(ReleaseSpec.Version version, int percent, int share, List<Match> matches) {
        String own = Objects.requireNonNullElse(version.name(), "");
        int port = Objects.requireNonNullElse(
                version.port(), Objects.requireNonNull(spec.service().port()));
        ObjectNode workload = version.template() == null
                ? generated(own, Objects.requireNonNullElse(version.image(), ""), port)
                : version.template().deepCopy();
        return new Release.Version(
                own,
                Fingerprint.of(workload.path("spec")),
                port,
                merged(version.labels(), spec.metadata().labels()),
                merged(version.annotations(), spec.metadata().annotations()),
                workload,
                version.serviceTemplate(),
                Optional.ofNullable(version.workloadRef())
                        .map(ReleaseSpec.WorkloadRef::name)
                        .orElse(null),
                new MirrorPercent(percent),
                share,
                matches);
    }

    private static Map<String, String> merged(
            @Nullable Map<String, String> first, @Nullable Map<String, String> second) {
        Map<String, String> merged = new LinkedHashMap<>(Objects.requireNonNullElse(second, Map.of()));
        merged.putAll(Objects.requireNonNullElse(first, Map.of()));
        return merged;
    }

    /** The Deployment for a bare image. */
    private static ObjectNode generated(String name, String image, int port) {
        ObjectNode workload = JsonNodeFactory.instance.objectNode();
        ObjectNode spec = workload.putObject("spec");
        spec.putObject("selector").putObject("matchLabels").put("app", name);
        ObjectNode template = spec.putObject("template");
        template.putObject("metadata").putObject("labels").put("app", name);
        ObjectNode container = template.putObject("spec").putArray("containers").addObject();
        container
                .put("name", name)
                .put("image", image)
                .putArray("ports")
                .addObject()
                .put("containerPort", port);
        return workload;
    }
}
