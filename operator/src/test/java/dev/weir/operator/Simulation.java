package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Match;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.TrafficRouter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

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
    private final SimulatedRoutes routes;
    private final Clock clock;
    private final Deque<String> history = new ArrayDeque<>();
    /** Versions that the status last called ready. */
    private final Set<String> wasReady = new TreeSet<>();
    /** Versions that lost their last ready pod: since when they are ready again, MAX while they are not. */
    private final Map<String, Instant> lost = new HashMap<>();

    private ReleaseLoop loop;
    /** The version that answers as the operator sees it; empty if it knows of none. */
    private String before = "";

    /** True if the primary was rolled out as the operator saw it when the pass began. */
    private boolean rolledOut;

    private Simulation(long seed) {
        this.seed = seed;
        this.random = new SplittableRandom(seed);
        this.cluster = new SimulatedCluster(random.split(), this::check);
        this.user = new SimulatedUser(random, cluster, this::remember);
        this.routes = new SimulatedRoutes(cluster);
        InstantSource source = cluster::now;
        this.clock = source.withZone(ZoneOffset.UTC);
        this.loop = newLoop();
    }

    private ReleaseLoop newLoop() {
        return new ReleaseLoop(cluster, SimulatedRoutes.LOADED, clock);
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
        routes.follow();
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
                    + cluster.get("Release", SimulatedCluster.RELEASE) + "\nroutes " + routes.inForce());
        }
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
        TrafficRouter router = routes.router(release);
        return Optional.ofNullable(routes.plan(cluster.seen(router.kind().kind(), SimulatedCluster.RELEASE), router))
                .map(plan -> plan.rules().getLast().backends().getFirst().service())
                .orElseGet(() -> release.at("/status/serving").asText());
    }

    private void check(String what, JsonNode object) {
        String kind = object.path("kind").asText();
        String name = object.path("metadata").path("name").asText();
        if (what.equals("apply") && kind.equals("Service") && name.equals(SimulatedCluster.RELEASE)) {
            moved(object);
        }
        routes.follow();
        remember(what + " " + kind + "/" + name);
        if (what.equals("status")) {
            long held = 0;
            for (JsonNode condition : object.at("/status/conditions")) {
                boolean phase = Set.of("Ready", "Reconciling", "Stalled")
                        .contains(condition.path("type").asText());
                held += phase && condition.path("status").asText().equals("True") ? 1 : 0;
            }
            if (object.at("/status/conditions/0/status").asText().equals("True")) {
                calledReady(object);
            }
            expect(held == 1, "a release is Ready, Reconciling or Stalled, and just one of them");
            standings(object.at("/status/versions"));
        } else if (what.equals("apply") && routes.ofKind(kind).isPresent()) {
            TrafficPlan plan = routes.ofKind(kind)
                    .map(router -> routes.plan(object, router))
                    .orElse(null);
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
        }
        answers(plan.rules().getLast());
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        String strategy = release == null ? "" : spec(release).path("strategy").asText();
        expect(strategy.equals("Canary") || plan.rules().size() == 1, "only a canary has rules of its own");
        for (TrafficPlan.Rule rule : plan.rules().subList(0, plan.rules().size() - 1)) {
            expect(
                    rule.backends().size() == 1
                            && rule.mirrors().isEmpty()
                            && rule.matches().equals(List.of(Match.Http.header("traffic", "test"))),
                    "a canary gets what its condition says");
            gets(rule.backends().getFirst().service());
        }
    }

    /** The rule of all requests that nothing else matches. */
    private void answers(TrafficPlan.Rule rule) {
        expect(rule.matches().isEmpty(), "the last rule matches everything");
        String backend = rule.backends().getFirst().service();
        expect(mayAnswer(backend), "only the primary, what answered before it, or a colour with a share answers first");
        if (!cluster.seenReady(backend)) {
            String was = before.isEmpty() ? backend : before;
            expect(
                    was.equals(backend) || !cluster.seenReady(was),
                    "requests move from " + was + ", which is ready, to " + backend + ", which is not");
            expect(routes.existed(), "the first route leads to a ready version");
        }
        List<TrafficPlan.Backend> others =
                rule.backends().subList(1, rule.backends().size());
        expect(
                cluster.seenReady(backend) || others.isEmpty(),
                backend + " keeps its share without a ready pod, although others are ready");
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        String primary = release == null ? backend : name(spec(release).at("/versions/0"));
        int total =
                Math.max(0, wantedWeight(primary)) + (backend.equals(primary) ? 0 : Math.max(0, wantedWeight(backend)));
        for (TrafficPlan.Backend other : others) {
            gets(other.service());
            total += wantedWeight(other.service());
        }
        for (TrafficPlan.Backend other : others) {
            double points = wantedWeight(other.service()) * 10_000.0 / total;
            expect(Math.abs(other.share().basisPoints() - points) <= 1, "shares are as the user wants them");
        }
        for (TrafficPlan.Mirror mirror : rule.mirrors()) {
            gets(mirror.service());
            expect(mirror.percent().percent() == wantedWeight(mirror.service()), "copies as the user wants them");
        }
    }

    /** Requests or copies of some lead to a version that is not the primary. */
    private void gets(String version) {
        expect(cluster.seenReady(version), version + " gets requests although it is not ready");
        stable(version);
    }

    private static String name(JsonNode version) {
        return version.path("name").asText();
    }

    private void calledReady(JsonNode release) {
        String primary = name(spec(release).at("/versions/0"));
        TrafficRouter router = routes.router(release);
        TrafficPlan seen = routes.plan(cluster.seen(router.kind().kind(), SimulatedCluster.RELEASE), router);
        expect(
                seen != null
                        && seen.rules()
                                .getLast()
                                .backends()
                                .getFirst()
                                .service()
                                .equals(primary),
                "it is called ready although the route does not lead to " + primary);
        expect(routes.taken(router), "it is called ready before proxies had time to take the route");
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

    private JsonNode spec(JsonNode release) {
        return release.path("spec");
    }

    /** The primary, what answered before it, or a colour with a share that is ready in place of a primary that is not. */
    private boolean mayAnswer(String backend) {
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        if (release == null || before.equals(backend)) {
            return before.equals(backend);
        }
        String primary = name(spec(release).at("/versions/0"));
        boolean standsIn = spec(release).path("strategy").asText().equals("BlueGreen")
                && !cluster.seenReady(primary)
                && cluster.seenReady(backend)
                && wantedWeight(backend) > 0;
        return primary.equals(backend) || standsIn;
    }

    /** The spec's weight, or the annotation's while it overrides it; as the operator sees both. */
    private int wantedWeight(String version) {
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        JsonNode config = cluster.seen("ConfigMap", ReleaseObjects.weightConfigName(version));
        int fromSpec = -1;
        int most = 0;
        if (release != null) {
            for (JsonNode one : spec(release).path("versions")) {
                if (one.path("name").asText().equals(version)) {
                    fromSpec = one.path("share").asInt();
                    most = SimulatedUser.most(spec(release).path("strategy").asText());
                }
            }
        }
        if (config != null) {
            JsonNode annotations = config.at("/metadata/annotations");
            String override = annotations.path(ReleaseObjects.WEIGHT).asText();
            if (annotations.path(ReleaseObjects.SPEC_WEIGHT).asText().equals(Integer.toString(fromSpec))
                    && override.matches("\\d+")
                    && Integer.parseInt(override) <= most) {
                return Integer.parseInt(override);
            }
        }
        return fromSpec;
    }

    /** The application's Service is about to become another router's. */
    private void moved(JsonNode service) {
        JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
        if (routes.moves(service) && release != null && routes.inForce().size() > 1) {
            expect(
                    routes.taken(routes.router(release)),
                    "the application's Service changes before proxies follow the new route");
        }
    }

    private void deleted(String kind, String name) {
        if (routes.ofKind(kind).isPresent()) {
            expect(routes.entranceTaken(), "the old route goes before proxies know the application's Service");
        }
        JsonNode wanted = cluster.seen("Release", SimulatedCluster.RELEASE);
        if (wanted != null && !kind.equals("ConfigMap") && !kind.equals("ControllerRevision")) {
            expect(
                    routes.taken(routes.router(wanted)),
                    kind + "/" + name + " is deleted before proxies had time to do without it");
        }
        if (kind.equals("Deployment") || kind.equals("Service")) {
            for (TrafficPlan plan : routes.inForce()) {
                expect(leads(plan).stream().noneMatch(name::equals), name + " is deleted under its route");
            }
            JsonNode release = cluster.seen("Release", SimulatedCluster.RELEASE);
            if (release != null) {
                for (JsonNode version : SimulatedUser.versions(release)) {
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
        TrafficRouter router = routes.router(release);
        Set<String> wanted = new TreeSet<>(Set.of("Service/" + SimulatedCluster.RELEASE));
        wanted.add(router.kind().kind() + "/" + SimulatedCluster.RELEASE);
        String strategy = release.at("/spec/strategy").asText();
        String primary = name(release.at("/spec/versions/0"));
        Map<String, Integer> weights = new LinkedHashMap<>();
        for (JsonNode version : release.at("/spec/versions")) {
            String name = name(version);
            wanted.add("Deployment/" + name);
            wanted.add("Service/" + name);
            if (strategy.equals("BlueGreen") || strategy.equals("Mirror") && !name.equals(primary)) {
                wanted.add("ConfigMap/" + ReleaseObjects.weightConfigName(name));
                weights.put(name, user.restingPercent(name, wantedWeight(name)));
            }
        }
        Set<String> present = new TreeSet<>();
        for (ObjectNode object : cluster.all()) {
            String kind = object.path("kind").asText();
            if (Set.of("Deployment", "Service", "ConfigMap", "VirtualService", "HTTPRoute")
                    .contains(kind)) {
                present.add(kind + "/" + object.at("/metadata/name").asText());
            }
        }
        expect(present.equals(wanted), "wanted " + wanted + ", present " + present);
        TrafficPlan plan = routes.plan(cluster.get(router.kind().kind(), SimulatedCluster.RELEASE), router);
        expect(plan != null, "the route says what a plan says");
        if (plan != null) {
            restingRoute(release, plan, weights);
        }
    }

    /** The route in the end, computed from the spec by other means than the operator's. */
    private void restingRoute(JsonNode release, TrafficPlan plan, Map<String, Integer> weights) {
        String strategy = release.at("/spec/strategy").asText();
        String primary = name(release.at("/spec/versions/0"));
        TrafficPlan.Rule last = plan.rules().getLast();
        expect(last.backends().getFirst().service().equals(primary), "what nothing else matches goes to " + primary);
        List<String> canaries = new ArrayList<>();
        plan.rules()
                .subList(0, plan.rules().size() - 1)
                .forEach(rule -> canaries.add(rule.backends().getFirst().service()));
        List<String> candidates = new ArrayList<>();
        release.at("/spec/versions").forEach(version -> candidates.add(name(version)));
        candidates.removeFirst();
        expect(canaries.equals(strategy.equals("Canary") ? candidates : List.of()), "every canary has its rule");
        Map<String, Integer> copied = new LinkedHashMap<>();
        last.mirrors()
                .forEach(mirror -> copied.put(mirror.service(), mirror.percent().percent()));
        Map<String, Integer> divided = new LinkedHashMap<>();
        last.backends()
                .forEach(backend ->
                        divided.put(backend.service(), backend.share().basisPoints()));
        Map<String, Integer> positive = new LinkedHashMap<>(weights);
        positive.values().removeIf(weight -> weight == 0);
        expect(copied.equals(strategy.equals("Mirror") ? positive : Map.of()), "copies as wanted: " + positive);
        if (strategy.equals("BlueGreen")) {
            positive.putIfAbsent(primary, 0);
            expect(divided.keySet().equals(positive.keySet()), "every version with a weight has a share: " + positive);
            double total =
                    positive.values().stream().mapToInt(Integer::intValue).sum();
            divided.forEach((version, points) -> expect(
                    total == 0 || Math.abs(points - 10_000.0 * positive.getOrDefault(version, 0) / total) <= 1,
                    "shares as wanted: " + positive));
        } else {
            expect(divided.keySet().equals(Set.of(primary)), "only the primary answers");
        }
    }
}
