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
import java.util.Set;

/** Reads the {@code spec} of a {@code weir.dev/v1alpha1 Release} into the engine's words. Pure. */
public final class ReleaseSpec {
    private static final int STANDARD_PORT = 80;
    private static final int STANDARD_PERCENT = 100;

    private ReleaseSpec() {}

    /** Either a release, or what is wrong with the spec: field, value and what is allowed, in order of the fields. */
    public sealed interface Parsed {
        record Valid(Release release) implements Parsed {}

        record Invalid(List<String> violations) implements Parsed {}
    }

    /** @param release the whole object as JSON */
    public static Parsed parse(JsonNode release) {
        List<String> violations = new ArrayList<>();
        JsonNode spec = release.path("spec");
        String name = release.path("metadata").path("name").asText();
        String namespace = release.path("metadata").path("namespace").asText();
        String service = spec.path("service").path("name").asText(name);
        int port = spec.path("service").path("port").asInt(STANDARD_PORT);
        Release.Strategy strategy = Release.Strategy.NONE;
        switch (spec.path("strategy").asText("None")) {
            case "None" -> {}
            case "Mirror" -> strategy = Release.Strategy.MIRROR;
            default ->
                violations.add("spec.strategy: \"" + spec.path("strategy").asText() + "\" is not one of None, Mirror");
        }
        String router = spec.path("router").asText("Istio");
        if (!router.equals("Istio")) {
            violations.add("spec.router: \"" + router + "\" is not one of Istio");
        }
        List<String> gateways = new ArrayList<>();
        spec.path("gateways").forEach(gateway -> gateways.add(gateway.asText()));
        List<Release.Version> versions = versions(spec, port, service, violations);
        if (!violations.isEmpty()) {
            return new Parsed.Invalid(violations);
        }
        boolean adopt = spec.path("adopt").asBoolean();
        return new Parsed.Valid(
                new Release(name, namespace, router, strategy, service, port, gateways, adopt, versions));
    }

    private static List<Release.Version> versions(JsonNode spec, int port, String service, List<String> violations) {
        List<Release.Version> versions = new ArrayList<>();
        Set<String> names = new HashSet<>();
        JsonNode list = spec.path("versions");
        if (list.isEmpty()) {
            violations.add("spec.versions: at least one version is required");
        }
        for (int i = 0; i < list.size(); i++) {
            JsonNode version = list.get(i);
            String field = "spec.versions[" + i + "]";
            String name = version.path("name").asText("");
            if (!names.add(name)) {
                violations.add(field + ".name: \"" + name + "\" is used twice; names of versions must differ");
            }
            if (name.equals(service)) {
                violations.add(
                        field + ".name: \"" + name + "\" is the name of the application's service; it must differ");
            }
            int sources = (version.has("image") ? 1 : 0)
                    + (version.has("template") ? 1 : 0)
                    + (version.has("workloadRef") ? 1 : 0);
            if (sources != 1) {
                violations.add(field + ": exactly one of image, template and workloadRef is required");
            }
            int percent = version.path("mirrorPercent").asInt(STANDARD_PERCENT);
            if (percent < 0 || percent > 100) {
                violations.add(field + ".mirrorPercent: " + percent + " is not from 0 to 100");
                percent = 0;
            }
            versions.add(version(spec, version, version.path("port").asInt(port), percent));
        }
        return versions;
    }

    private static Release.Version version(JsonNode spec, JsonNode version, int port, int percent) {
        String name = version.path("name").asText();
        Map<String, String> labels =
                merged(version.path("labels"), spec.path("metadata").path("labels"));
        Map<String, String> annotations =
                merged(version.path("annotations"), spec.path("metadata").path("annotations"));
        ObjectNode workload = version.path("template").isObject()
                ? (ObjectNode) version.path("template").deepCopy()
                : generated(name, version.path("image").asText(), port);
        return new Release.Version(
                name,
                port,
                labels,
                annotations,
                workload,
                version.get("serviceTemplate"),
                version.has("workloadRef")
                        ? version.path("workloadRef").path("name").asText()
                        : null,
                new MirrorPercent(percent));
    }

    private static Map<String, String> merged(JsonNode first, JsonNode second) {
        Map<String, String> merged = new LinkedHashMap<>();
        second.properties().forEach(e -> merged.put(e.getKey(), e.getValue().asText()));
        first.properties().forEach(e -> merged.put(e.getKey(), e.getValue().asText()));
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
