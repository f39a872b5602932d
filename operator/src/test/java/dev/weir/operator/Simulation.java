package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
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
    private static final int REMEMBERED = 60;

    private final SplittableRandom random;
    private final long seed;
    private final SimulatedCluster cluster;
    private final SimulatedUser user;
    private final TrafficRouter router = TrafficRouters.load().require("Istio");
    private final Clock clock;
    private final Deque<String> history = new ArrayDeque<>();
    /** Versions that the status last called ready. */
    private final Set<String> wasReady = new TreeSet<>();
    /** Versions that lost their last ready pod: since when they are ready again, MAX while they are not. */
    private final Map<String, Instant> lost = new HashMap<>();

    private ReleaseLoop loop;
    /** The version that answers as the operator sees it; empty if it knows of none. */
    private String before = "";

    private @Nullable TrafficPlan lastRoute;
    /** When each plan last came into force. */
    private final Map<TrafficPlan, Instant> routedSince = new HashMap<>();

    /** When a pass last did not come to its end, so that what it found may not be remembered. */
    private Instant broken = Instant.MIN;

    /** True if the primary was rolled out as the operator saw it when the pass began. */
    private boolean rolledOut;

    private Simulation(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.cluster = new SimulatedCluster(random.split(), this::check);
        this.user = new SimulatedUser(random, cluster, this::remember);
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
        user.spec();
        Optional<Instant> wake = Optional.empty();
        cluster.faults(FAULTS);
        for (int i = 0; i < BUSY_STEPS; i++) {
            if (random.nextInt(8) == 0) {
                user.acts();
            }
            double current = random.nextInt(4) == 0 ? 0 : 0.7;
            wake = step(current, wake);
        }
        cluster.faults(0);
        user.mend();
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
        followRoute();
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        boolean due = wake.filter(time -> !time.isAfter(cluster.now())).isPresent();
        if (release == null || !changed && !due) {
            return wake;
        }
        try {
            before = seenServing(release);
            rolledOut = seenRolledOut(release);
            return loop.pass(release.deepCopy());
        } catch (SimulatedCluster.Transient failure) {
            remember("failed: " + failure.getMessage());
            broken = cluster.now();
            return Optional.of(cluster.now());
        } catch (SimulatedCluster.Crash crash) {
            remember("crashed");
            broken = cluster.now();
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

    private void followRoute() {
        TrafficPlan plan = route();
        if (plan != null && !plan.equals(lastRoute)) {
            routedSince.put(plan, cluster.now());
        }
        lastRoute = plan;
    }

    private boolean seenRolledOut(JsonNode release) {
        JsonNode deployment =
                cluster.seen("Deployment", spec(release).at("/versions/0/name").asText());
        if (deployment == null) {
            return false;
        }
        JsonNode status = deployment.path("status");
        return deployment
                        .at("/spec/template/spec/containers/0/image")
                        .equals(spec(release).at("/versions/0/image"))
                && status.path("observedGeneration").asLong()
                        == deployment.at("/metadata/generation").asLong()
                && status.path("updatedReplicas").asInt() == 1
                && status.path("replicas").asInt() == 1
                && status.path("availableReplicas").asInt() == 1;
    }

    private String seenServing(JsonNode release) {
        JsonNode route = cluster.seen("VirtualService", SimulatedCluster.RELEASE);
        return Optional.ofNullable(route)
                .flatMap(router::read)
                .map(plan -> plan.rules().getFirst().backends().getFirst().service())
                .orElseGet(() -> release.at("/status/serving").asText());
    }

    private void check(String what, JsonNode object) {
        followRoute();
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
        String primary = spec(release).at("/versions/0/name").asText();
        Optional<TrafficPlan> seen = Optional.ofNullable(cluster.seen("VirtualService", SimulatedCluster.RELEASE))
                .flatMap(router::read);
        expect(
                seen.filter(plan -> plan.rules()
                                .getFirst()
                                .backends()
                                .getFirst()
                                .service()
                                .equals(primary))
                        .isPresent(),
                "it is called ready although the route does not lead to " + primary);
        Instant since = routedSince.getOrDefault(seen.orElseThrow(), cluster.now());
        expect(
                !cluster.now().isBefore(since.plus(ROUNDED)) || !broken.isBefore(since.minus(STEP)),
                "it is called ready before proxies had time to take the route");
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

    private void deleted(String kind, String name) {
        if (kind.equals("Deployment") || kind.equals("Service")) {
            TrafficPlan plan = route();
            expect(plan == null || leads(plan).stream().noneMatch(name::equals), name + " is deleted under its route");
            JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
            if (release != null) {
                for (JsonNode version : spec(release).path("versions")) {
                    expect(!version.path("name").asText().equals(name), name + " is deleted although it is wanted");
                }
                // it may have looked again in between
                expect(rolledOut || seenRolledOut(release), name + " is deleted before the primary is rolled out");
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
                int percent = user.restingPercent(name, wantedPercent(name));
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
