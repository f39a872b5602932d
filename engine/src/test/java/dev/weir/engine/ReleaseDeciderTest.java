package dev.weir.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ReleaseDeciderTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final Standing STABLE = new Standing(NOW.minusSeconds(60), false);
    private static final Observed.Version READY = new Observed.Version("0", 80, 1, 1, 1, true, STABLE);
    private static final Observed.Version STARTING = new Observed.Version("0", 80, 1, 0, 0, false, Standing.NEW);
    private static final Observed.Version ROLLING = new Observed.Version("0", 80, 1, 1, 1, false, STABLE);
    private static final Observed.Route MISSING = new Observed.Route.Missing();

    private static Release release(Release.Strategy strategy, int percent, String... names) {
        List<Release.Version> versions = new ArrayList<>();
        for (String name : names) {
            versions.add(new Release.Version(
                    name,
                    "0",
                    80,
                    Map.of(),
                    Map.of(),
                    JsonNodeFactory.instance.objectNode(),
                    null,
                    null,
                    new MirrorPercent(percent),
                    percent,
                    List.of(Match.Http.header("traffic", "test"))));
        }
        return new Release("app", "ns", "Istio", strategy, "app", 80, List.of(), false, versions);
    }

    private static Release mirror(int percent, String... names) {
        return release(Release.Strategy.MIRROR, percent, names);
    }

    private static Observed seen(Map<String, Observed.Version> versions, Observed.Route route) {
        return new Observed(versions, Map.of(), route, "", routed(route), List.of(), false, List.of());
    }

    /** A route as one that has been in force for long. */
    private static @Nullable Routed routed(Observed.Route route) {
        return route instanceof Observed.Route.InForce inForce
                ? new Routed(inForce.revision(), NOW.minusSeconds(60))
                : null;
    }

    /** A route to one version, with copies for others. */
    private static Observed.Route route(String backend, TrafficPlan.Mirror... mirrors) {
        return new Observed.Route.InForce(
                new TrafficPlan(
                        "app",
                        "ns",
                        80,
                        List.of("app.ns", "app.ns.svc", "app.ns.svc.cluster.local"),
                        List.of(),
                        List.of(new TrafficPlan.Rule(
                                List.of(),
                                List.of(new TrafficPlan.Backend(backend, 80, Share.ALL)),
                                List.of(mirrors)))),
                "uid/1",
                List.of());
    }

    /** A route to app-0 of which something is known where it is to be served. */
    private static Observed.Route served(Attachment... attachments) {
        Observed.Route.InForce plain = (Observed.Route.InForce) route("app-0");
        return new Observed.Route.InForce(plain.plan(), plain.revision(), List.of(attachments));
    }

    private static TrafficPlan.Mirror copies(String version, int percent) {
        return new TrafficPlan.Mirror(version, 80, new MirrorPercent(percent));
    }

    private static Decision decide(Release release, Observed seen) {
        return ReleaseDecider.decide(release, seen, NOW);
    }

    /** The route that a decision wants, if it differs from the one in force. */
    private static Optional<TrafficPlan.Rule> wanted(Decision decision) {
        return decision.actions().stream()
                .filter(Action.ApplyRoute.class::isInstance)
                .map(action -> ((Action.ApplyRoute) action).plan().rules().getFirst())
                .findFirst();
    }

    private static Action.Prune prune(Decision decision) {
        return decision.actions().stream()
                .filter(Action.Prune.class::isInstance)
                .map(Action.Prune.class::cast)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void routesNothingBeforeThePrimaryIsReady() {
        Decision decision = decide(mirror(50, "app-0"), seen(Map.of("app-0", STARTING), MISSING));
        assertThat(wanted(decision)).isEmpty();
        assertThat(decision.status().reason()).isEqualTo("PrimaryNotReady");
        assertThat(decision.why()).anyMatch(why -> why.contains("app-0"));
    }

    @Test
    void mirrorsACandidateOnlyWhileItIsReady() {
        Release release = mirror(50, "app-0", "app-1");
        Map<String, Observed.Version> both = Map.of("app-0", READY, "app-1", READY);
        assertThat(wanted(decide(release, seen(Map.of("app-0", READY, "app-1", STARTING), route("app-0")))))
                .isEmpty();
        assertThat(wanted(decide(release, seen(both, route("app-0")))))
                .hasValueSatisfying(rule -> assertThat(rule.mirrors()).containsExactly(copies("app-1", 50)));
        Observed lost = seen(Map.of("app-0", READY, "app-1", STARTING), route("app-0", copies("app-1", 50)));
        assertThat(wanted(decide(release, lost)))
                .hasValueSatisfying(rule -> assertThat(rule.mirrors()).isEmpty());
    }

    @Test
    void isReadyOnceTheWantedRouteIsSeen() {
        Release release = mirror(50, "app-0", "app-1");
        Map<String, Observed.Version> both = Map.of("app-0", READY, "app-1", READY);
        for (Observed.Route other :
                List.of(MISSING, new Observed.Route.Edited(), route("app-0"), route("app-0", copies("app-1", 49)))) {
            Decision unseen = decide(release, seen(both, other));
            assertThat(unseen.status().phase()).isEqualTo(Decision.Phase.RECONCILING);
            assertThat(unseen.status().reason()).isEqualTo("RouteNotApplied");
            assertThat(wanted(unseen)).isPresent();
        }
        Decision settled = decide(release, seen(both, route("app-0", copies("app-1", 50))));
        assertThat(settled.status().phase()).isEqualTo(Decision.Phase.READY);
        assertThat(wanted(settled)).isEmpty();
        assertThat(settled.wake()).isEmpty();
    }

    private static List<TrafficPlan.Rule> rules(Decision decision) {
        return decision.actions().stream()
                .filter(Action.ApplyRoute.class::isInstance)
                .flatMap(action -> ((Action.ApplyRoute) action).plan().rules().stream())
                .toList();
    }

    private static TrafficPlan.Backend backend(String version, int basisPoints) {
        return new TrafficPlan.Backend(version, 80, new Share(basisPoints));
    }

    @Test
    void aCanaryGetsItsRequestsBeforeThePrimaryGetsTheRest() {
        Release release = release(Release.Strategy.CANARY, 1, "app-0", "app-1", "app-2");
        Decision decision =
                decide(release, seen(Map.of("app-0", READY, "app-1", STARTING, "app-2", READY), route("app-0")));
        assertThat(rules(decision))
                .containsExactly(
                        new TrafficPlan.Rule(
                                List.of(Match.Http.header("traffic", "test")),
                                List.of(backend("app-2", 10_000)),
                                List.of()),
                        new TrafficPlan.Rule(List.of(), List.of(backend("app-0", 10_000)), List.of()));
        assertThat(decision.actions()).noneMatch(Action.ApplyWeightConfig.class::isInstance);
    }

    @Test
    void blueAndGreenGetTheirSharesOnceTheyAreReady() {
        Release release = release(Release.Strategy.BLUE_GREEN, 50, "app-0", "app-1", "app-2");
        assertThat(wanted(decide(release, seen(Map.of("app-0", READY, "app-1", STARTING), MISSING))))
                .hasValueSatisfying(rule -> assertThat(rule.backends()).containsExactly(backend("app-0", 10_000)));
        Map<String, Observed.Version> all = Map.of("app-0", READY, "app-1", READY, "app-2", READY);
        assertThat(wanted(decide(release, seen(all, MISSING))))
                .hasValueSatisfying(rule -> assertThat(rule.backends())
                        .containsExactly(backend("app-0", 3_333), backend("app-1", 3_334), backend("app-2", 3_333)));
    }

    @Test
    void theAnnotationOverridesAShare() {
        Map<String, Observed.WeightConfig> configs =
                Map.of("app-0", new Observed.WeightConfig("0", "50"), "app-1", new Observed.WeightConfig("200", "50"));
        Observed observed = new Observed(
                Map.of("app-0", READY, "app-1", READY), configs, MISSING, "", null, List.of(), false, List.of());
        Decision decision = decide(release(Release.Strategy.BLUE_GREEN, 50, "app-0", "app-1"), observed);
        assertThat(wanted(decision))
                .hasValueSatisfying(rule ->
                        assertThat(rule.backends()).containsExactly(backend("app-0", 0), backend("app-1", 10_000)));
        assertThat(decision.status().traffic().weight()).isEqualTo("200");
    }

    @Test
    void sharesAddUpToAll() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 1_000; i++) {
            List<Integer> weights =
                    random.ints(random.nextInt(1, 10), 0, 1_000_001).boxed().toList();
            List<Share> shares = Share.of(weights);
            double total = weights.stream().mapToInt(Integer::intValue).sum();
            assertThat(shares.stream().mapToInt(Share::basisPoints).sum()).isEqualTo(10_000);
            for (int at = 0; at < shares.size(); at++) {
                assertThat(shares.get(at).basisPoints() - weights.get(at) * 10_000.0 / total)
                        .isBetween(-1.0, 1.0);
            }
        }
        assertThat(Share.of(List.of(0, 0))).containsExactly(Share.ALL, new Share(0));
    }

    @Test
    void givesProxiesTimeToTakeARoute() {
        Release release = mirror(50, "app-0");
        Map<String, Observed.Version> versions = Map.of("app-0", READY);
        Decision first = decide(
                release, new Observed(versions, Map.of(), route("app-0"), "app-0", null, List.of(), false, List.of()));
        assertThat(first.status().reason()).isEqualTo("RouteSettling");
        assertThat(first.wake()).contains(NOW.plus(Routed.SETTLE));
        Routed since = first.status().traffic().routed();
        Observed unchanged =
                new Observed(versions, Map.of(), route("app-0"), "app-0", since, List.of(), false, List.of());
        assertThat(ReleaseDecider.decide(release, unchanged, NOW.plus(Routed.SETTLE))
                        .status()
                        .phase())
                .isEqualTo(Decision.Phase.READY);
        Observed another = new Observed(
                versions,
                Map.of(),
                route("app-0"),
                "app-0",
                new Routed("another", Instant.EPOCH),
                List.of(),
                false,
                List.of());
        assertThat(decide(release, another).status().reason()).isEqualTo("RouteSettling");
        Observed edited = new Observed(
                versions, Map.of(), new Observed.Route.Edited(), "app-0", since, List.of(), false, List.of());
        assertThat(decide(release, edited).status().traffic().routed()).isNull();
    }

    @Test
    void theOldRouteGoesBeforeWhatItLeadsTo() {
        Release release = release(Release.Strategy.NONE, 0, "app-0");
        Map<String, Observed.Version> versions = Map.of("app-0", READY, "app-1", READY);
        Routed both = routed(route("app-0"));
        Routed settled = new Routed(Objects.requireNonNull(both).route() + "+1", both.since());
        Observed observed = new Observed(
                versions, Map.of(), route("app-0"), "app-0", settled, List.of("VirtualService/app"), false, List.of());
        Decision first = decide(release, observed);
        assertThat(first.actions()).contains(new Action.Prune(Set.of("app-0", "app-1"), true));
        assertThat(first.status().message()).contains("VirtualService/app");
        assertThat(first.status().phase()).isEqualTo(Decision.Phase.RECONCILING);
        Decision then = decide(
                release,
                new Observed(versions, Map.of(), route("app-0"), "app-0", settled, List.of(), false, List.of()));
        assertThat(then.actions()).contains(new Action.Prune(Set.of("app-0", "app-1"), false));
        assertThat(decide(release, seen(versions, route("app-0"))).actions())
                .contains(new Action.Prune(Set.of("app-0"), true));
    }

    @Test
    void whatDoesNotServeTheRouteIsSaidAndNothingIsRemovedForItsSake() {
        Release release = release(Release.Strategy.NONE, 0, "app-0");
        Map<String, Observed.Version> versions = Map.of("app-0", READY, "app-1", READY);
        Attachment refused =
                new Attachment("Service app", Attachment.Verdict.REFUSED, "NotAllowedByListeners, no (mesh)");
        Decision no = decide(release, seen(versions, served(refused)));
        assertThat(no.status().phase()).isEqualTo(Decision.Phase.RECONCILING);
        assertThat(no.status().reason()).isEqualTo("RouteNotAccepted");
        assertThat(no.status().message())
                .isEqualTo("Service app does not serve the route: NotAllowedByListeners, no (mesh)");
        assertThat(no.status().acceptance().accepted()).isFalse();
        assertThat(no.actions()).contains(new Action.Prune(Set.of("app-0", "app-1"), false));
        assertThat(no.why()).contains("app-1 stays until the route that does without it is served");
        assertThat(no.wake()).isEmpty();
        Attachment absent = new Attachment("Gateway ns/front", Attachment.Verdict.ABSENT, "");
        Decision missing = decide(release, seen(versions, served(refused, absent)));
        assertThat(missing.status().reason()).isEqualTo("GatewayNotFound");
        assertThat(missing.status().message()).isEqualTo("there is no Gateway ns/front");
        assertThat(missing.actions()).contains(new Action.Prune(Set.of("app-0", "app-1"), false));
        assertThat(missing.wake()).contains(NOW.plusSeconds(15));
    }

    @Test
    void theEntranceOfAnotherRouterGivesWayAlsoToARouteThatItKeepsFromBeingServed() {
        Release release = release(Release.Strategy.NONE, 0, "app-0");
        Attachment refused = new Attachment("Service app", Attachment.Verdict.REFUSED, "it has no port 80");
        Routed rested = new Routed("uid/1+1~", NOW.minusSeconds(60));
        Observed moving = new Observed(
                Map.of("app-0", READY),
                Map.of(),
                served(refused),
                "app-0",
                rested,
                List.of("VirtualService/app"),
                true,
                List.of());
        Decision decision = decide(release, moving);
        assertThat(decision.actions()).contains(new Action.ApplyEntrance());
        assertThat(decision.actions()).contains(new Action.Prune(Set.of("app-0"), false));
    }

    @Test
    void silenceIsSaidAndHoldsNothingUp() {
        Release release = release(Release.Strategy.NONE, 0, "app-0");
        Map<String, Observed.Version> versions = Map.of("app-0", READY, "app-1", READY);
        Attachment silent = new Attachment("Service app", Attachment.Verdict.SILENT, "");
        Decision decision = decide(release, seen(versions, served(silent)));
        assertThat(decision.status().phase()).isEqualTo(Decision.Phase.READY);
        assertThat(decision.status().acceptance())
                .isEqualTo(new Decision.Acceptance(
                        null, "NotReported", "nobody has said that Service app serves the route"));
        assertThat(decision.actions()).contains(new Action.Prune(Set.of("app-0"), true));
        Attachment served = new Attachment("Service app", Attachment.Verdict.SERVED, "");
        assertThat(decide(release, seen(versions, served(served)))
                        .status()
                        .acceptance()
                        .accepted())
                .isTrue();
        Observed young = new Observed(
                versions,
                Map.of(),
                served(silent),
                "app-0",
                new Routed("uid/1", NOW.minusSeconds(1)),
                List.of(),
                false,
                List.of());
        assertThat(decide(release, young).status().acceptance()).isEqualTo(Decision.Acceptance.UNKNOWN);
    }

    @Test
    void theServiceChangesAfterTheRouteAndBeforeTheOldRouteGoes() {
        Release release = release(Release.Strategy.NONE, 0, "app-0");
        Map<String, Observed.Version> versions = Map.of("app-0", READY);
        List<String> old = List.of("HTTPRoute/app");
        Routed present = Objects.requireNonNull(routed(route("app-0")));
        Action removal = new Action.Prune(Set.of("app-0"), true);
        Decision first =
                decide(release, new Observed(versions, Map.of(), MISSING, "app-0", null, old, true, List.of()));
        assertThat(first.actions())
                .hasAtLeastOneElementOfType(Action.ApplyRoute.class)
                .doesNotContain(new Action.ApplyEntrance(), removal);
        Routed waited = new Routed(present.route() + "+1~", present.since());
        Decision then = decide(
                release, new Observed(versions, Map.of(), route("app-0"), "app-0", waited, old, true, List.of()));
        assertThat(then.actions()).contains(new Action.ApplyEntrance()).doesNotContain(removal);
        Decision changed = decide(
                release, new Observed(versions, Map.of(), route("app-0"), "app-0", waited, old, false, List.of()));
        assertThat(changed.actions()).doesNotContain(removal);
        Routed waitedAgain = new Routed(present.route() + "+1", present.since());
        assertThat(decide(
                                release,
                                new Observed(
                                        versions,
                                        Map.of(),
                                        route("app-0"),
                                        "app-0",
                                        waitedAgain,
                                        old,
                                        false,
                                        List.of()))
                        .actions())
                .contains(removal);
    }

    @Test
    void withoutAStrategyEverythingGoesToThePrimary() {
        Decision decision = decide(
                release(Release.Strategy.NONE, 100, "app-0", "app-1"),
                seen(Map.of("app-0", READY, "app-1", READY), route("app-0", copies("app-1", 100))));
        assertThat(wanted(decision)).hasValueSatisfying(rule -> {
            assertThat(rule.backends()).containsExactly(new TrafficPlan.Backend("app-0", 80, Share.ALL));
            assertThat(rule.mirrors()).isEmpty();
        });
        assertThat(decision.actions()).noneMatch(Action.ApplyWeightConfig.class::isInstance);
    }

    @Test
    void zeroPercentMeansNoCopies() {
        Observed observed = seen(Map.of("app-0", READY, "app-1", READY), route("app-0", copies("app-1", 100)));
        assertThat(wanted(decide(mirror(0, "app-0", "app-1"), observed)))
                .hasValueSatisfying(rule -> assertThat(rule.mirrors()).isEmpty());
    }

    @Test
    void keepsTheRouteWhenThePrimaryLosesItsPods() {
        Decision decision = decide(mirror(50, "app-0"), seen(Map.of("app-0", STARTING), route("app-0")));
        assertThat(wanted(decision)).isEmpty();
        assertThat(decision.status().reason()).isEqualTo("PrimaryNotReady");
    }

    @Test
    void theOldPrimaryAnswersUntilANewOneIsReady() {
        Release renamed = mirror(50, "app-1");
        Decision waiting = decide(renamed, seen(Map.of("app-0", READY, "app-1", STARTING), route("app-0")));
        assertThat(wanted(waiting)).isEmpty();
        assertThat(prune(waiting).keep()).contains("app-0");
        assertThat(waiting.why()).anyMatch(why -> why.startsWith("app-0 goes on answering"));
        Map<String, Observed.Version> both = Map.of("app-0", READY, "app-1", READY);
        Decision switching = decide(renamed, seen(both, route("app-0")));
        assertThat(wanted(switching))
                .hasValueSatisfying(rule -> assertThat(rule.backends())
                        .extracting(TrafficPlan.Backend::service)
                        .containsExactly("app-1"));
        assertThat(prune(switching).keep()).contains("app-0");
        assertThat(prune(decide(renamed, seen(both, route("app-1")))).keep()).containsExactly("app-1");
    }

    @Test
    void whatAnsweredLastAnswersAgainWhenTheRouteIsSpoilt() {
        for (Observed.Route spoilt : List.of(MISSING, new Observed.Route.Edited())) {
            Observed observed = new Observed(
                    Map.of("app-0", READY, "app-1", STARTING),
                    Map.of(),
                    spoilt,
                    "app-0",
                    null,
                    List.of(),
                    false,
                    List.of());
            assertThat(wanted(decide(mirror(50, "app-1"), observed)))
                    .hasValueSatisfying(rule -> assertThat(rule.backends())
                            .containsExactly(new TrafficPlan.Backend("app-0", 80, Share.ALL)));
        }
    }

    @Test
    void keepsADroppedVersionUntilThePrimaryIsRolledOutAndNoRouteLeadsToIt() {
        Release release = mirror(50, "app-0");
        Decision rolling = decide(release, seen(Map.of("app-0", ROLLING, "app-1", READY), route("app-0")));
        assertThat(prune(rolling)).isEqualTo(new Action.Prune(Set.of("app-0", "app-1"), true));
        Map<String, Observed.Version> both = Map.of("app-0", READY, "app-1", READY);
        Decision mirrored = decide(release, seen(both, route("app-0", copies("app-1", 50))));
        assertThat(prune(mirrored)).isEqualTo(new Action.Prune(Set.of("app-0", "app-1"), false));
        Decision after = decide(release, seen(both, route("app-0")));
        assertThat(prune(after)).isEqualTo(new Action.Prune(Set.of("app-0"), true));
    }

    @Test
    void aNewTemplateIsNotRolledOutBeforeItIsApplied() {
        Observed.Version old = new Observed.Version("other", 80, 1, 1, 1, true, STABLE);
        Decision decision = decide(mirror(50, "app-0"), seen(Map.of("app-0", old, "app-1", READY), route("app-0")));
        assertThat(prune(decision).keep()).contains("app-1");
        assertThat(decision.status().reason()).isEqualTo("RollingOut");
    }

    @Test
    void aFlappingCandidateGetsRequestsAgainOnlyWhenItIsStable() {
        Release release = mirror(50, "app-0", "app-1");
        Instant back = NOW.minusSeconds(2);
        Observed.Version returned = new Observed.Version("0", 80, 1, 1, 1, true, new Standing(back, true));
        Decision early = decide(release, seen(Map.of("app-0", READY, "app-1", returned), route("app-0")));
        assertThat(wanted(early)).isEmpty();
        assertThat(early.wake()).contains(back.plus(Standing.STABLE));
        assertThat(early.status().reason()).isEqualTo("CandidateSettling");
        Decision later = ReleaseDecider.decide(
                release, seen(Map.of("app-0", READY, "app-1", returned), route("app-0")), back.plus(Standing.STABLE));
        assertThat(wanted(later))
                .hasValueSatisfying(rule -> assertThat(rule.mirrors()).containsExactly(copies("app-1", 50)));
    }

    @Test
    void theAnnotationOverridesUntilTheSpecChanges() {
        Map<String, Observed.WeightConfig> configs = Map.of("app-1", new Observed.WeightConfig("20", "50"));
        Observed observed = new Observed(
                Map.of("app-0", READY, "app-1", READY),
                configs,
                route("app-0"),
                "app-0",
                null,
                List.of(),
                false,
                List.of());
        Decision kept = decide(mirror(50, "app-0", "app-1"), observed);
        assertThat(kept.actions()).contains(new Action.ApplyWeightConfig("app-1", 20, 50));
        Decision changed = decide(mirror(60, "app-0", "app-1"), observed);
        assertThat(changed.actions()).contains(new Action.ApplyWeightConfig("app-1", 60, 60));
    }

    @Test
    void anAnnotationThatIsNoPercentageIsPutBackAndExplained() {
        for (String nonsense : List.of("", "-1", "101", "a lot", "1.5")) {
            Observed observed = new Observed(
                    Map.of("app-0", READY, "app-1", READY),
                    Map.of("app-1", new Observed.WeightConfig(nonsense, "50")),
                    route("app-0"),
                    "app-0",
                    null,
                    List.of(),
                    false,
                    List.of());
            Decision decision = decide(mirror(50, "app-0", "app-1"), observed);
            assertThat(decision.actions()).contains(new Action.ApplyWeightConfig("app-1", 50, 50));
            assertThat(decision.why()).anyMatch(why -> why.contains("\"" + nonsense + "\""));
        }
    }

    @Test
    void doesNotTakeOverWhatOthersMade() {
        Observed observed =
                new Observed(Map.of(), Map.of(), MISSING, "", null, List.of(), false, List.of("Service/app"));
        Decision decision = decide(mirror(50, "app-0"), observed);
        assertThat(decision.actions()).isEmpty();
        assertThat(decision.status().phase()).isEqualTo(Decision.Phase.STALLED);
        assertThat(decision.status().reason()).isEqualTo("NotOwned");
        assertThat(decision.wake()).as("others' objects are not watched").isPresent();
    }

    @Test
    void noDecisionEverSendsUsersToACandidate() {
        long seed = Long.getLong("test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 5_000; i++) {
            String[] names = new String[random.nextInt(1, 5)];
            Map<String, Observed.Version> versions = new HashMap<>();
            for (int v = 0; v < names.length; v++) {
                names[v] = "app-" + v;
                versions.put(names[v], version(random));
            }
            Release release = release(
                    random.nextBoolean() ? Release.Strategy.MIRROR : Release.Strategy.NONE, random.nextInt(101), names);
            Observed observed = seen(
                    versions,
                    switch (random.nextInt(4)) {
                        case 0 -> MISSING;
                        case 1 -> new Observed.Route.Edited();
                        case 2 -> route("app-0");
                        default -> route("app-0", copies(names[names.length - 1], 50));
                    });
            Decision decision = decide(release, observed);
            wanted(decision).ifPresent(rule -> {
                assertThat(rule.backends())
                        .as("seed %d", seed)
                        .extracting(TrafficPlan.Backend::service)
                        .containsExactly("app-0");
                assertThat(rule.mirrors())
                        .as("seed %d", seed)
                        .allMatch(mirror -> versions.getOrDefault(mirror.service(), STARTING)
                                .ready());
            });
            assertThat(decide(release, observed)).as("seed %d", seed).isEqualTo(decision);
        }
    }

    private static Observed.Version version(SplittableRandom random) {
        Standing standing =
                new Standing(random.nextBoolean() ? NOW.minusSeconds(random.nextInt(20)) : null, random.nextBoolean());
        return new Observed.Version("0", 80, 1, random.nextInt(2), random.nextInt(2), random.nextBoolean(), standing);
    }
}
