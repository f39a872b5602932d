package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ReleaseObjects;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Somebody who changes the release of a {@link SimulatedCluster}, and at times what is not theirs. */
final class SimulatedUser {
    private static final int FALLEN = -1;
    private static final Override NONE = new Override(-2, 0);
    private static final Override UNSURE = new Override(-3, 0);

    private final SplittableRandom random;
    private final SimulatedCluster cluster;
    private final Consumer<String> tell;
    private Override override = NONE;

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
        spec.put("strategy", random.nextInt(4) == 0 ? "None" : "Mirror");
        ArrayNode versions = spec.putArray("versions");
        List<String> names = new ArrayList<>(List.of("app-0", "app-1", "app-2"));
        int count = random.nextInt(1, 4);
        for (int i = 0; i < count; i++) {
            // mostly in order, at times another version becomes the primary
            String name = names.remove(random.nextInt(5) == 0 ? random.nextInt(names.size()) : 0);
            ObjectNode version = versions.addObject().put("name", name);
            version.put("image", random.nextInt(8) == 0 ? SimulatedCluster.BROKEN : "image-" + random.nextInt(2));
            version.put("mirrorPercent", List.of(0, 10, 50, 100).get(random.nextInt(4)));
        }
        tell.accept("user: " + spec);
        cluster.put(release);
        overridden();
    }

    /** Does one thing. */
    void acts() {
        ObjectNode route = cluster.get("VirtualService", SimulatedCluster.RELEASE);
        switch (random.nextInt(10)) {
            case 0, 4 -> {
                tell.accept("user deletes the route");
                cluster.remove("VirtualService", SimulatedCluster.RELEASE);
            }
            case 1 -> {
                if (route != null) {
                    tell.accept("user edits the route");
                    ObjectNode edited = route.deepCopy();
                    ((ObjectNode) edited.at("/spec/http/0")).put("timeout", "1s");
                    cluster.put(edited);
                }
            }
            case 2 -> annotate();
            case 3 -> {
                String victim = "app-" + random.nextInt(3);
                tell.accept("somebody deletes Deployment/" + victim);
                cluster.remove("Deployment", victim);
            }
            default -> spec();
        }
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
        boolean percentage = weight.matches("\\d+") && Integer.parseInt(weight) <= 100;
        override = !settled ? UNSURE : percentage ? new Override(specPercent("app-1"), Integer.parseInt(weight)) : NONE;
    }

    /** What the spec says of a version's copies; -1 if it wants none. */
    private int specPercent(String version) {
        JsonNode spec = Objects.requireNonNull(cluster.get("Release", SimulatedCluster.RELEASE))
                .path("spec");
        if (spec.path("strategy").asText().equals("Mirror")) {
            for (int i = 1; i < spec.path("versions").size(); i++) {
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
        if (specPercent("app-1") != override.overrode()) {
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
            for (JsonNode version : mended.at("/spec/versions")) {
                ((ObjectNode) version).put("image", "image-0");
            }
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
