package dev.weir.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import org.jspecify.annotations.Nullable;

/** Translates one spec into the engine's words and collects what is wrong with it. Used once. */
final class ReleaseParser {
    private static final int STANDARD_PERCENT = 100;

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
        oneOf("spec.strategy", spec.strategy(), ReleaseSpec.STRATEGY_NONE, ReleaseSpec.STRATEGY_MIRROR);
        oneOf("spec.router", spec.router(), ReleaseSpec.ROUTER_ISTIO);
        List<Release.Version> versions = versions();
        if (!violations.isEmpty()) {
            return new ReleaseSpec.Parsed.Invalid(List.copyOf(violations));
        }
        return new ReleaseSpec.Parsed.Valid(new Release(
                name,
                namespace,
                spec.router(),
                spec.strategy().equals(ReleaseSpec.STRATEGY_MIRROR) ? Release.Strategy.MIRROR : Release.Strategy.NONE,
                service,
                spec.gateways(),
                spec.adopt(),
                versions));
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
            int percent = Objects.requireNonNullElse(version.mirrorPercent(), STANDARD_PERCENT);
            if (percent < 0 || percent > 100) {
                violations.add(field + ".mirrorPercent: " + percent + " is not from 0 to 100");
                percent = 0;
            }
            sameName(field + ".template", version.template(), own);
            sameName(field + ".serviceTemplate", version.serviceTemplate(), own);
            versions.add(version(version, percent));
        }
        return versions;
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

    private Release.Version version(ReleaseSpec.Version version, int percent) {
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
                new MirrorPercent(percent));
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
