package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ReleaseObjects;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Somebody who changes the release of a {@link SimulatedCluster}, and at times what is not theirs. */
final class SimulatedUser {
    private static final List<String> STRATEGIES = List.of("None", "Mirror", "Mirror", "Canary", "BlueGreen");
    private static final String SPOILT = "app-9";
    private static final int FALLEN = -1;
    private static final Override NONE = new Override(-2, 0);
    private static final Override UNSURE = new Override(-3, 0);

    private final SplittableRandom random;
    private final SimulatedCluster cluster;
    private final Consumer<String> tell;
    private Override override = NONE;
    private String strategy = "Mirror";
    private String overrodeIn = "";
    private String router = "Istio";

    /**
     * What the user annotated app-1 with.
     *
     * @param overrode the spec's percentage at that time
     */
    private record Override(int overrode, int percent) {}

    /** @param tell hears of every deed */
    SimulatedUser(SplittableRandom random, SimulatedCluster cluster, Consumer<String> tell) {
        this.random = random;
        this.cluster = cluster;
        this.tell = tell;
    }

    /** Some spec: one to three versions, any strategy, good and bad images. */
    void spec() {
        ObjectNode release = Optional.ofNullable(cluster.get("Release", SimulatedCluster.RELEASE))
                .map(ObjectNode::deepCopy)
                .orElseGet(() -> {
                    ObjectNode created = JsonNodeFactory.instance.objectNode();
                    created.put("apiVersion", "weir.dev/v1alpha1").put("kind", "Release");
                    created.putObject("metadata")
                            .put("name", SimulatedCluster.RELEASE)
                            .put("namespace", SimulatedCluster.NAMESPACE);
                    return created;
                });
        ObjectNode spec = release.putObject("spec");
        if (random.nextBoolean()) {
            strategy = STRATEGIES.get(random.nextInt(STRATEGIES.size()));
        }
        if (random.nextInt(4) == 0) {
            router = router.equals("Istio") ? "GatewayAPI" : "Istio";
        }
        spec.put("strategy", strategy).put("router", router);
        ArrayNode versions = spec.putArray("versions");
        List<String> names = new ArrayList<>(List.of("app-0", "app-1", "app-2"));
        int count = random.nextInt(1, 4);
        for (int i = 0; i < count; i++) {
            // mostly in order, at times another version becomes the primary
            String name = names.remove(random.nextInt(5) == 0 ? random.nextInt(names.size()) : 0);
            ObjectNode version = versions.addObject().put("name", name);
            version.put("image", image());
            int weight = List.of(0, 10, 50, 100).get(random.nextInt(4));
            version.put("mirrorPercent", weight).put("share", weight);
        }
        tell.accept("user: " + spec);
        cluster.put(release);
        overridden();
    }

    private String image() {
        return switch (random.nextInt(16)) {
            case 0, 1 -> SimulatedCluster.BROKEN;
            case 2 -> SimulatedCluster.REFUSED;
            default -> "image-" + random.nextInt(2);
        };
    }

    /** Does one thing. */
    void acts() {
        String kind = random.nextInt(4) == 0 ? "VirtualService" : routeKind();
        ObjectNode route = cluster.get(kind, SimulatedCluster.RELEASE);
        switch (random.nextInt(10)) {
            case 0, 4 -> {
                tell.accept("user deletes the route");
                cluster.remove(kind, SimulatedCluster.RELEASE);
            }
            case 1 -> {
                if (route != null) {
                    tell.accept("user edits the route");
                    ObjectNode edited = route.deepCopy();
                    JsonNode rules = edited.at(kind.equals("HTTPRoute") ? "/spec/rules/0" : "/spec/http/0");
                    ((ObjectNode) rules).put("timeout", "1s");
                    cluster.put(edited);
                }
            }
            case 2 -> annotate();
            case 5 -> spoil();
            case 3 -> {
                String victim = "app-" + random.nextInt(3);
                tell.accept("somebody deletes Deployment/" + victim);
                cluster.remove("Deployment", victim);
            }
            default -> spec();
        }
    }

    /** Adds a version that no operator accepts to a spec that was accepted. */
    private void spoil() {
        ObjectNode release = cluster.get("Release", SimulatedCluster.RELEASE);
        Optional<ObjectNode> accepted = cluster.all().stream()
                .filter(object -> object.path("kind").asText().equals("ControllerRevision"))
                .max(Comparator.comparingLong(object -> object.path("revision").asLong()));
        if (release != null
                && accepted.isPresent()
                && accepted.get().at("/data/spec").equals(release.path("spec"))) {
            ObjectNode spoilt = release.deepCopy();
            spoilt.withArray("/spec/versions").addObject().put("name", SPOILT);
            tell.accept("user spoils the spec");
            cluster.put(spoilt);
        }
    }

    /** The versions that a spec has but for one that no operator accepts. */
    static List<JsonNode> versions(JsonNode release) {
        List<JsonNode> versions = new ArrayList<>();
        release.at("/spec/versions").forEach(version -> {
            if (!version.path("name").asText().equals(SPOILT)) {
                versions.add(version);
            }
        });
        return versions;
    }

    /** The kind of the routing object that the user wants at present. */
    private String routeKind() {
        return router.equals("Istio") ? "VirtualService" : "HTTPRoute";
    }

    private void annotate() {
        String name = ReleaseObjects.weightConfigName("app-1");
        ObjectNode config = cluster.get("ConfigMap", name);
        if (config == null) {
            return;
        }
        boolean settled = config.equals(cluster.seen("ConfigMap", name))
                && config.at("/metadata/annotations")
                                .path(ReleaseObjects.SPEC_WEIGHT)
                                .asInt()
                        == specPercent("app-1");
        ObjectNode edited = config.deepCopy();
        String weight = List.of("0", "20", "100", "101", "many").get(random.nextInt(5));
        tell.accept("user annotates " + weight);
        edited.withObject("/metadata").withObject("/annotations").put(ReleaseObjects.WEIGHT, weight);
        cluster.put(edited);
        boolean percentage = weight.matches("\\d+") && Integer.parseInt(weight) <= most(strategy);
        overrodeIn = strategy;
        override = !settled ? UNSURE : percentage ? new Override(specPercent("app-1"), Integer.parseInt(weight)) : NONE;
    }

    /** The greatest weight that a strategy knows. */
    static int most(String strategy) {
        return strategy.equals("BlueGreen") ? 1_000_000 : 100;
    }

    /** What the spec says of a version's weight; -1 if it has none. */
    private int specPercent(String version) {
        JsonNode spec = Objects.requireNonNull(cluster.get("Release", SimulatedCluster.RELEASE))
                .path("spec");
        String wanted = spec.path("strategy").asText();
        if (wanted.equals("Mirror") || wanted.equals("BlueGreen")) {
            for (int i = wanted.equals("Mirror") ? 1 : 0;
                    i < spec.path("versions").size();
                    i++) {
                if (spec.at("/versions/" + i + "/name").asText().equals(version)) {
                    return spec.at("/versions/" + i + "/mirrorPercent").asInt();
                }
            }
        }
        return -1;
    }

    /** After a change of the spec: an override falls with the percentage that it overrode. */
    private void overridden() {
        if (override.equals(NONE) || override.equals(UNSURE)) {
            return;
        }
        if (!strategy.equals(overrodeIn)) {
            // another strategy keeps or drops the object, and may know the value or not
            override = UNSURE;
        } else if (specPercent("app-1") != override.overrode()) {
            override = new Override(override.overrode(), FALLEN);
        } else if (override.percent() == FALLEN) {
            // the operator may or may not have seen the value in between
            override = UNSURE;
        }
    }

    /** No image is broken any more, so that everything can come to rest. */
    void mend() {
        ObjectNode release = cluster.get("Release", SimulatedCluster.RELEASE);
        if (release != null) {
            ObjectNode mended = release.deepCopy();
            List<JsonNode> versions = versions(mended);
            versions.forEach(version -> ((ObjectNode) version).put("image", "image-0"));
            mended.withArray("/spec/versions").removeAll().addAll(versions);
            tell.accept("user: " + mended.path("spec"));
            cluster.put(mended);
        }
    }

    /**
     * The percentage in the end, as the user's deeds make it.
     *
     * @param visible what the cluster says, for deeds whose effect depends on what the operator saw in time
     */
    int restingPercent(String version, int visible) {
        if (!version.equals("app-1") || override.equals(NONE)) {
            return specPercent(version);
        }
        if (override.equals(UNSURE)) {
            return visible;
        }
        return override.percent() == FALLEN ? specPercent(version) : override.percent();
    }
}
