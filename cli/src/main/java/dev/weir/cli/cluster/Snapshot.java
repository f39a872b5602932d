package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.operator.ReleaseReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A release with its objects and pods, as they were when they were read.
 *
 * @param owned the objects that carry its label
 * @param route the routing object; missing node if there is none
 * @param plan what the routing object says; empty if there is none, or it says what no plan says
 * @param versions the primary first, those that the spec has dropped last
 */
record Snapshot(
        JsonNode release, List<JsonNode> owned, JsonNode route, Optional<TrafficPlan> plan, List<Version> versions) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * One version.
     *
     * @param role Primary, Candidate or Retiring; empty before the operator has looked
     * @param deployment missing node if there is none
     * @param endpoints ready addresses behind its Service
     */
    record Version(String name, String role, JsonNode deployment, int endpoints, List<JsonNode> pods) {
        int replicas() {
            return deployment.path("spec").path("replicas").asInt(deployment.isMissingNode() ? 0 : 1);
        }

        int readyReplicas() {
            return deployment.path("status").path("readyReplicas").asInt();
        }

        String image() {
            return deployment.at("/spec/template/spec/containers/0/image").asText();
        }
    }

    /** Reads the parts of a release that was read before. */
    static Snapshot read(Target.Cluster cluster, JsonNode release) {
        TrafficRouters routers = TrafficRouters.load();
        ReleaseReader reader = new ReleaseReader(cluster.client(), routers);
        List<JsonNode> owned = reader.owned(release);
        String routerName = release.path("spec").path("router").asText();
        Optional<TrafficRouter> router =
                routers.names().contains(routerName) ? Optional.of(routers.require(routerName)) : Optional.empty();
        JsonNode route = router.map(TrafficRouter::kind)
                .flatMap(kind -> find(owned, kind, Releases.service(release)))
                .orElse(MissingNode.getInstance());
        Optional<TrafficPlan> plan = route.isMissingNode()
                ? Optional.empty()
                : router.flatMap(one -> one.read(route, Releases.port(release)));
        List<Version> versions = new ArrayList<>();
        roles(release, owned).forEach((name, role) -> {
            JsonNode deployment = deployment(reader, release, owned, name);
            versions.add(
                    new Version(name, role, deployment, endpoints(owned, name), pods(cluster, release, deployment)));
        });
        return new Snapshot(release, owned, route, plan, versions);
    }

    static Optional<JsonNode> find(List<JsonNode> objects, ObjectKind kind, String name) {
        return objects.stream()
                .filter(object -> object.path("kind").asText().equals(kind.kind())
                        && Releases.name(object).equals(name))
                .findFirst();
    }

    /** By version, as the status has them; those of the spec that it does not have yet, too. */
    private static Map<String, String> roles(JsonNode release, List<JsonNode> owned) {
        Map<String, String> roles = new LinkedHashMap<>();
        release.path("status")
                .path("versions")
                .forEach(version -> roles.put(
                        version.path("name").asText(), version.path("role").asText()));
        release.path("spec")
                .path("versions")
                .forEach(version -> roles.putIfAbsent(version.path("name").asText(), ""));
        for (JsonNode object : owned) {
            String version = object.path("metadata")
                    .path("labels")
                    .path(ReleaseObjects.VERSION)
                    .asText();
            if (!version.isEmpty() && object.path("kind").asText().equals(ObjectKind.DEPLOYMENT.kind())) {
                roles.putIfAbsent(version, "");
            }
        }
        return roles;
    }

    private static JsonNode deployment(ReleaseReader reader, JsonNode release, List<JsonNode> owned, String version) {
        for (JsonNode wanted : release.path("spec").path("versions")) {
            String other = wanted.path("workloadRef").path("name").asText();
            if (wanted.path("name").asText().equals(version) && !other.isEmpty()) {
                return reader.find(ObjectKind.DEPLOYMENT, Releases.namespace(release), other)
                        .orElse(MissingNode.getInstance());
            }
        }
        return find(owned, ObjectKind.DEPLOYMENT, version).orElse(MissingNode.getInstance());
    }

    private static int endpoints(List<JsonNode> owned, String version) {
        int ready = 0;
        for (JsonNode slice : owned) {
            if (slice.path("kind").asText().equals(ObjectKind.ENDPOINT_SLICE.kind())
                    && slice.path("metadata")
                            .path("labels")
                            .path("kubernetes.io/service-name")
                            .asText()
                            .equals(version)) {
                for (JsonNode endpoint : slice.path("endpoints")) {
                    ready += endpoint.path("conditions").path("ready").asBoolean(true) ? 1 : 0;
                }
            }
        }
        return ready;
    }

    private static List<JsonNode> pods(Target.Cluster cluster, JsonNode release, JsonNode deployment) {
        Map<String, String> labels = new LinkedHashMap<>();
        deployment
                .at("/spec/selector/matchLabels")
                .properties()
                .forEach(entry -> labels.put(entry.getKey(), entry.getValue().asText()));
        if (labels.isEmpty()) {
            return List.of();
        }
        return cluster
                .client()
                .pods()
                .inNamespace(Releases.namespace(release))
                .withLabels(labels)
                .list()
                .getItems()
                .stream()
                .<JsonNode>map(JSON::valueToTree)
                .sorted(Comparator.comparing(Releases::name))
                .toList();
    }
}
