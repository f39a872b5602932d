package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One run of the operator's loop on a {@link SimulatedCluster}, with a user who changes things and a cluster that
 * fails. Checked after every write: no route leads to a version that was last seen unready while a ready one could
 * answer, nothing that a route leads to is deleted. Checked in the end: the release has come to rest as its spec says.
 */
final class Simulation {
    private static final Duration STEP = Duration.ofMillis(500);
    private static final Duration STABLE = Duration.ofSeconds(5);
    /** The status has whole seconds. */
    private static final Duration ROUNDED = Duration.ofSeconds(1);

    private static final int BUSY_STEPS = 120;
    private static final int QUIET_STEPS = 100;
    private static final int REST_STEPS = 20;
    private static final double FAULTS = 0.04;
    private static final int FALLEN = -1;
    private static final Override NONE = new Override(-2, 0);
    private static final Override UNSURE = new Override(-3, 0);
    private static final int REMEMBERED = 60;

    private final SplittableRandom random;
    private final long seed;
    private final SimulatedCluster cluster;
    private final TrafficRouter router = TrafficRouters.load().require("Istio");
    private final Clock clock;
    private final Deque<String> history = new ArrayDeque<>();
    /** Versions that the status last called ready. */
    private final Set<String> wasReady = new TreeSet<>();
    /** Versions that lost their last ready pod: since when they are ready again, MAX while they are not. */
    private final Map<String, Instant> lost = new HashMap<>();

    private Override override = NONE;
    private ReleaseLoop loop;
    /** The version that answers as the operator sees it; empty if it knows of none. */
    private String before = "";

    /**
     * What the user annotated app-1 with.
     *
     * @param overrode the spec's percentage at that time
     */
    private record Override(int overrode, int percent) {}

    private Simulation(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.cluster = new SimulatedCluster(random.split(), this::check);
        InstantSource source = cluster::now;
        this.clock = source.withZone(ZoneOffset.UTC);
        this.loop = newLoop();
    }

    private ReleaseLoop newLoop() {
        return new ReleaseLoop(cluster, TrafficRouters.load(), clock);
    }

    /** @throws AssertionError naming the seed and the last things that happened, if an invariant does not hold */
    static void run(long seed) {
        new Simulation(seed).run();
    }

    private void run() {
        spec();
        Optional<Instant> wake = Optional.empty();
        cluster.faults(FAULTS);
        for (int i = 0; i < BUSY_STEPS; i++) {
            if (random.nextInt(8) == 0) {
                userActs();
            }
            double current = random.nextInt(4) == 0 ? 0 : 0.7;
            wake = step(current, wake);
        }
        cluster.faults(0);
        mend();
        for (int i = 0; i < QUIET_STEPS; i++) {
            wake = step(1, wake);
        }
        int writes = cluster.writes();
        for (int i = 0; i < REST_STEPS; i++) {
            wake = step(1, wake);
        }
        expect(cluster.writes() == writes, "the operator goes on writing although nothing changes");
        atRest();
    }

    private Optional<Instant> step(double current, Optional<Instant> wake) {
        boolean changed = cluster.step(STEP, current);
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        boolean due = wake.filter(time -> !time.isAfter(cluster.now())).isPresent();
        if (release == null || !changed && !due) {
            return wake;
        }
        try {
            before = seenServing(release);
            return loop.pass(release.deepCopy());
        } catch (SimulatedCluster.Transient failure) {
            remember("failed: " + failure.getMessage());
            return Optional.of(cluster.now());
        } catch (SimulatedCluster.Crash crash) {
            remember("crashed");
            cluster.restarted();
            loop = newLoop();
            return Optional.of(cluster.now());
        }
    }

    private void remember(String what) {
        history.add(cluster.now() + " " + what);
        if (history.size() > REMEMBERED) {
            history.remove();
        }
    }

    private void expect(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("seed " + seed + ": " + what + "\n" + String.join("\n", history) + "\nrelease "
                    + cluster.get("Release", SimulatedCluster.RELEASE) + "\nroute " + route());
        }
    }

    /** The plan in force; null if there is none or somebody edited it. */
    private @Nullable TrafficPlan route() {
        ObjectNode route = cluster.get("VirtualService", SimulatedCluster.RELEASE);
        return route == null ? null : router.read(route).orElse(null);
    }

    private String seenServing(JsonNode release) {
        JsonNode route = cluster.seen("VirtualService", SimulatedCluster.RELEASE);
        return Optional.ofNullable(route)
                .flatMap(router::read)
                .map(plan -> plan.rules().getFirst().backends().getFirst().service())
                .orElseGet(() -> release.at("/status/serving").asText());
    }

    private void check(String what, JsonNode object) {
        String kind = object.path("kind").asText();
        String name = object.path("metadata").path("name").asText();
        remember(what + " " + kind + "/" + name);
        if (what.equals("status")) {
            long held = 0;
            for (JsonNode condition : object.at("/status/conditions")) {
                held += condition.path("status").asText().equals("True") ? 1 : 0;
            }
            if (object.at("/status/conditions/0/status").asText().equals("True")) {
                calledReady(object);
            }
            expect(held == 1, "a release is Ready, Reconciling or Stalled, and just one of them");
            standings(object.at("/status/versions"));
        } else if (what.equals("apply") && kind.equals("VirtualService")) {
            TrafficPlan plan = router.read(object).orElse(null);
            expect(plan != null, "the route says just what a plan says");
            if (plan != null) {
                routed(plan);
            }
        } else if (what.equals("delete")) {
            deleted(kind, name);
        }
    }

    private void routed(TrafficPlan plan) {
        for (TrafficPlan.Rule rule : plan.rules()) {
            expect(rule.backends().stream().allMatch(backend -> backend.port() == 80), "the port is right");
            int shares = rule.backends().stream()
                    .mapToInt(backend -> backend.share().basisPoints())
                    .sum();
            expect(shares == 10_000, "shares add up to all");
            String backend = rule.backends().getFirst().service();
            expect(
                    rule.backends().size() == 1 && inSpecOrServing(backend),
                    "only the primary, or what answered before it, answers");
            if (!cluster.seenReady(backend)) {
                String was = before.isEmpty() ? backend : before;
                expect(
                        was.equals(backend) || !cluster.seenReady(was),
                        "requests move from " + was + ", which is ready, to " + backend + ", which is not");
                expect(routeExisted(), "the first route leads to a ready version");
            }
            for (TrafficPlan.Mirror mirror : rule.mirrors()) {
                expect(cluster.seenReady(mirror.service()), mirror.service() + " gets copies although it is not ready");
                stable(mirror.service());
                expect(mirror.percent().percent() == wantedPercent(mirror.service()), "copies as the user wants them");
            }
        }
    }

    private void calledReady(JsonNode release) {
        JsonNode route = cluster.seen("VirtualService", SimulatedCluster.RELEASE);
        String primary = spec(release).at("/versions/0/name").asText();
        expect(
                Optional.ofNullable(route)
                        .flatMap(router::read)
                        .filter(plan -> plan.rules()
                                .getFirst()
                                .backends()
                                .getFirst()
                                .service()
                                .equals(primary))
                        .isPresent(),
                "it is called ready although the route does not lead to " + primary);
        for (JsonNode version : spec(release).path("versions")) {
            String name = version.path("name").asText();
            expect(cluster.seenReady(name), "it is called ready although " + name + " is not");
        }
    }

    /** Follows, on its own, which versions lost their last ready pod and since when they are ready again. */
    private void standings(JsonNode versions) {
        Set<String> named = new TreeSet<>();
        for (JsonNode version : versions) {
            String name = version.path("name").asText();
            if (cluster.seen("Deployment", name) == null && cluster.seen("Service", name) == null) {
                // wholly gone: what comes under this name is new
                continue;
            }
            named.add(name);
            boolean ready = version.path("ready").asBoolean();
            if (!ready && wasReady.contains(name)) {
                lost.put(name, Instant.MAX);
            } else if (ready && Instant.MAX.equals(lost.get(name))) {
                lost.put(name, cluster.now());
            } else if (ready && lost.containsKey(name)) {
                Instant since = lost.get(name);
                if (!cluster.now().isBefore(since.plus(STABLE))) {
                    lost.remove(name);
                }
            }
            if (ready) {
                wasReady.add(name);
            } else {
                wasReady.remove(name);
            }
        }
        lost.keySet().retainAll(named);
        wasReady.retainAll(named);
    }

    private void stable(String version) {
        Instant since = lost.get(version);
        expect(
                since == null
                        || !since.equals(Instant.MAX)
                                && !cluster.now().isBefore(since.plus(STABLE).minus(ROUNDED)),
                version + " gets copies again before it has been ready for long enough");
    }

    private boolean routeExisted() {
        return cluster.seen("VirtualService", SimulatedCluster.RELEASE) != null;
    }

    private JsonNode spec(JsonNode release) {
        return release.path("spec");
    }

    private boolean inSpecOrServing(String backend) {
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        boolean primary = release != null
                && spec(release).path("versions").path(0).path("name").asText().equals(backend);
        return primary || before.equals(backend);
    }

    /** The spec's percentage, or the annotation's while it overrides it; as the operator sees both. */
    private int wantedPercent(String version) {
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        JsonNode config = cluster.seen("ConfigMap", ReleaseObjects.weightConfigName(version));
        int fromSpec = -1;
        if (release != null) {
            for (JsonNode one : spec(release).path("versions")) {
                if (one.path("name").asText().equals(version)) {
                    fromSpec = one.path("mirrorPercent").asInt(100);
                }
            }
        }
        if (config != null) {
            JsonNode annotations = config.at("/metadata/annotations");
            String override = annotations.path(ReleaseObjects.WEIGHT).asText();
            if (annotations.path(ReleaseObjects.SPEC_WEIGHT).asText().equals(Integer.toString(fromSpec))
                    && override.matches("\\d+")
                    && Integer.parseInt(override) <= 100) {
                return Integer.parseInt(override);
            }
        }
        return fromSpec;
    }

    /** The percentage in the end, as the user's deeds make it. */
    private int restingPercent(String version) {
        if (!version.equals("app-1") || override.equals(NONE)) {
            return specPercent(version);
        }
        if (override.equals(UNSURE)) {
            return wantedPercent(version);
        }
        return override.percent() == FALLEN ? specPercent(version) : override.percent();
    }

    private void deleted(String kind, String name) {
        if (kind.equals("Deployment") || kind.equals("Service")) {
            TrafficPlan plan = route();
            expect(plan == null || leads(plan).stream().noneMatch(name::equals), name + " is deleted under its route");
            JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
            if (release != null) {
                for (JsonNode version : spec(release).path("versions")) {
                    expect(!version.path("name").asText().equals(name), name + " is deleted although it is wanted");
                }
                String primary = spec(release).at("/versions/0/name").asText();
                JsonNode status = Objects.requireNonNull(cluster.seen("Deployment", primary))
                        .path("status");
                expect(
                        status.path("updatedReplicas").asInt() == 1
                                && status.path("replicas").asInt() == 1
                                && status.path("availableReplicas").asInt() == 1,
                        name + " is deleted before " + primary + " is rolled out");
            }
        }
    }

    private static Set<String> leads(TrafficPlan plan) {
        Set<String> services = new TreeSet<>();
        for (TrafficPlan.Rule rule : plan.rules()) {
            rule.backends().forEach(backend -> services.add(backend.service()));
            rule.mirrors().forEach(mirror -> services.add(mirror.service()));
        }
        return services;
    }

    /** Some spec: one to three versions, any strategy, good and bad images. */
    private void spec() {
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
        remember("user: " + spec);
        cluster.put(release);
        overridden();
    }

    private void userActs() {
        ObjectNode route = cluster.get("VirtualService", SimulatedCluster.RELEASE);
        switch (random.nextInt(10)) {
            case 0, 4 -> {
                remember("user deletes the route");
                cluster.remove("VirtualService", SimulatedCluster.RELEASE);
            }
            case 1 -> {
                if (route != null) {
                    remember("user edits the route");
                    ObjectNode edited = route.deepCopy();
                    ((ObjectNode) edited.at("/spec/http/0")).put("timeout", "1s");
                    cluster.put(edited);
                }
            }
            case 2 -> annotate();
            case 3 -> {
                String victim = "app-" + random.nextInt(3);
                remember("somebody deletes Deployment/" + victim);
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
        remember("user annotates " + weight);
        edited.withObject("/metadata").withObject("/annotations").put(ReleaseObjects.WEIGHT, weight);
        cluster.put(edited);
        boolean percentage = weight.matches("\\d+") && Integer.parseInt(weight) <= 100;
        override = !settled ? UNSURE : percentage ? new Override(specPercent("app-1"), Integer.parseInt(weight)) : NONE;
    }

    /** What the spec says of a version's copies; -1 if it wants none. */
    private int specPercent(String version) {
        JsonNode spec = spec(Objects.requireNonNull(cluster.get("Release", SimulatedCluster.RELEASE)));
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
    private void mend() {
        ObjectNode release = cluster.get("Release", SimulatedCluster.RELEASE);
        if (release != null) {
            ObjectNode mended = release.deepCopy();
            for (JsonNode version : mended.at("/spec/versions")) {
                ((ObjectNode) version).put("image", "image-0");
            }
            remember("user: " + mended.path("spec"));
            cluster.put(mended);
        }
    }

    private void atRest() {
        ObjectNode release = cluster.get("Release", SimulatedCluster.RELEASE);
        expect(release != null, "the release is there");
        if (release == null) {
            return;
        }
        String ready = "";
        for (JsonNode condition : release.at("/status/conditions")) {
            if (condition.path("type").asText().equals("Ready")) {
                ready = condition.path("status").asText();
            }
        }
        expect(ready.equals("True"), "the release is ready in the end");
        expect(
                release.at("/status/observedGeneration").asLong()
                        == release.at("/metadata/generation").asLong(),
                "the status is about the newest spec");
        boolean mirrors = release.at("/spec/strategy").asText().equals("Mirror");
        Set<String> wanted = new TreeSet<>(Set.of("Service/" + SimulatedCluster.RELEASE));
        wanted.add("VirtualService/" + SimulatedCluster.RELEASE);
        List<TrafficPlan.Mirror> copies = new ArrayList<>();
        String primary = release.at("/spec/versions/0/name").asText();
        for (JsonNode version : release.at("/spec/versions")) {
            String name = version.path("name").asText();
            wanted.add("Deployment/" + name);
            wanted.add("Service/" + name);
            if (mirrors && !name.equals(primary)) {
                wanted.add("ConfigMap/" + ReleaseObjects.weightConfigName(name));
                int percent = restingPercent(name);
                if (percent > 0) {
                    copies.add(new TrafficPlan.Mirror(name, 80, new dev.weir.engine.MirrorPercent(percent)));
                }
            }
        }
        Set<String> present = new TreeSet<>();
        for (ObjectNode object : cluster.all()) {
            String kind = object.path("kind").asText();
            if (Set.of("Deployment", "Service", "ConfigMap", "VirtualService").contains(kind)) {
                present.add(kind + "/" + object.at("/metadata/name").asText());
            }
        }
        expect(present.equals(wanted), "wanted " + wanted + ", present " + present);
        TrafficPlan plan = route();
        expect(
                plan != null
                        && plan.rules().size() == 1
                        && plan.rules().getFirst().mirrors().equals(copies)
                        && plan.rules()
                                .getFirst()
                                .backends()
                                .getFirst()
                                .service()
                                .equals(primary),
                "everything goes to " + primary + ", copies to " + copies);
    }
}
