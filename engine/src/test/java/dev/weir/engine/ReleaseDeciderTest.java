package dev.weir.engine;

import static dev.weir.engine.Situations.MISSING;
import static dev.weir.engine.Situations.NOW;
import static dev.weir.engine.Situations.READY;
import static dev.weir.engine.Situations.STARTING;
import static dev.weir.engine.Situations.copies;
import static dev.weir.engine.Situations.decide;
import static dev.weir.engine.Situations.mirror;
import static dev.weir.engine.Situations.release;
import static dev.weir.engine.Situations.route;
import static dev.weir.engine.Situations.seen;
import static dev.weir.engine.Situations.wanted;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Who gets which requests, and what the status says of it. */
class ReleaseDeciderTest {
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
            assertThat(decision.actions())
                    .anyMatch(action -> action instanceof Action.Warn(String reason, String message)
                            && reason.equals("WeightRefused")
                            && message.contains("\"" + nonsense + "\""));
        }
    }

    @Test
    void doesNotTakeOverWhatOthersMade() {
        Decision decision = decide(mirror(50, "app-0"), taken(""));
        assertThat(decision.actions()).isEmpty();
        assertThat(decision.status().phase()).isEqualTo(Decision.Phase.STALLED);
        assertThat(decision.status().reason()).isEqualTo("NotOwned");
        assertThat(decision.wake()).as("others' objects are not watched").isPresent();
    }

    @Test
    void takesNothingFromAnotherReleaseEvenIfToldSo() {
        Release adopting = changed(true, mirror(50, "app-0").versions());
        assertThat(decide(adopting, taken("")).actions()).isNotEmpty();
        Decision decision = decide(adopting, taken("other"));
        assertThat(decision.actions()).isEmpty();
        assertThat(decision.status().message()).contains("Service/app of Release/other", "two releases cannot share");
    }

    private static Release changed(boolean adopt, List<Release.Version> versions) {
        Release plain = mirror(50, "app-0");
        return new Release(
                plain.name(),
                plain.namespace(),
                plain.router(),
                plain.strategy(),
                plain.service(),
                plain.port(),
                plain.gateways(),
                adopt,
                versions);
    }

    private static Observed taken(String release) {
        return new Observed(
                Map.of(),
                Map.of(),
                MISSING,
                "",
                null,
                List.of(),
                false,
                List.of(new Observed.Taken("Service/app", release)));
    }

    @Test
    void anotherColourStandsInForAPrimaryThatIsGone() {
        Release release = release(Release.Strategy.BLUE_GREEN, 50, "app-0", "app-1", "app-2");
        Observed.Route all = shared(List.of(backend("app-0", 3_333), backend("app-1", 3_334), backend("app-2", 3_333)));
        Map<String, Observed.Version> gone = Map.of("app-0", STARTING, "app-1", READY, "app-2", READY);
        List<TrafficPlan.Rule> standIn = rules(decide(release, seen(gone, all)));
        assertThat(standIn.getLast().backends())
                .as("both shares, and the others keep theirs")
                .containsExactly(backend("app-1", 6_667), backend("app-2", 3_333));
        assertThat(rules(decide(release, seen(gone, shared(standIn.getLast().backends())))))
                .as("and it stays so")
                .isEmpty();
        assertThat(rules(decide(release, seen(gone, MISSING))))
                .as("but a primary that never answered is waited for")
                .isEmpty();
        Map<String, Observed.Version> back = Map.of("app-0", READY, "app-1", READY, "app-2", READY);
        assertThat(rules(decide(release, seen(back, shared(standIn.getLast().backends()))))
                        .getLast()
                        .backends())
                .hasSize(3);
        Decision alone = decide(mirror(50, "app-0", "app-1"), seen(gone, route("app-0")));
        assertThat(alone.why()).contains("requests for app-0 fail: it has no ready pod, and nothing stands in for it");
    }

    private static Observed.Route shared(List<TrafficPlan.Backend> backends) {
        Observed.Route.InForce plain = (Observed.Route.InForce) route("app-0");
        TrafficPlan plan = plain.plan();
        return new Observed.Route.InForce(
                new TrafficPlan(
                        plan.name(),
                        plan.namespace(),
                        plan.port(),
                        plan.hosts(),
                        plan.gateways(),
                        List.of(new TrafficPlan.Rule(List.of(), backends, List.of()))),
                plain.revision(),
                List.of(),
                List.of());
    }

    @Test
    void looksAgainAtADeploymentOfSomebodyElse() {
        Release.Version own = mirror(50, "app-0").primary();
        Release.Version existing = new Release.Version(
                own.name(),
                own.hash(),
                own.port(),
                own.labels(),
                own.annotations(),
                own.workload(),
                null,
                "legacy",
                own.mirrorPercent(),
                own.share(),
                own.matches());
        Release referring = changed(false, List.of(existing));
        assertThat(decide(referring, seen(Map.of("app-0", STARTING), MISSING)).wake())
                .isPresent();
        assertThat(decide(referring, seen(Map.of("app-0", READY), route("app-0")))
                        .wake())
                .isEmpty();
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
