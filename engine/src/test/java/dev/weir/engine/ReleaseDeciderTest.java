package dev.weir.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ReleaseDeciderTest {
    private static final Observed.Version READY = new Observed.Version(1, 1, 1, true);
    private static final Observed.Version STARTING = new Observed.Version(1, 0, 0, false);

    private static Release release(Release.Strategy strategy, int percent, String... names) {
        List<Release.Version> versions = new ArrayList<>();
        for (String name : names) {
            versions.add(new Release.Version(
                    name,
                    80,
                    Map.of(),
                    Map.of(),
                    JsonNodeFactory.instance.objectNode(),
                    null,
                    null,
                    new MirrorPercent(percent)));
        }
        return new Release("app", "ns", "Istio", strategy, "app", 80, List.of(), false, versions);
    }

    private static Observed seen(Map<String, Observed.Version> versions, boolean routed) {
        return new Observed(versions, Map.of(), routed, List.of(), Set.of());
    }

    private static TrafficPlan plan(Decision decision) {
        return decision.actions().stream()
                .filter(Action.ApplyRoute.class::isInstance)
                .map(action -> ((Action.ApplyRoute) action).plan())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void routesNothingBeforeThePrimaryIsReady() {
        Decision decision = ReleaseDecider.decide(
                release(Release.Strategy.MIRROR, 50, "app-0"), seen(Map.of("app-0", STARTING), false));
        assertThat(decision.actions()).noneMatch(Action.ApplyRoute.class::isInstance);
        assertThat(decision.status().reason()).isEqualTo("PrimaryNotReady");
        assertThat(decision.why()).anyMatch(why -> why.contains("app-0"));
    }

    @Test
    void mirrorsACandidateOnlyWhileItIsReady() {
        Release release = release(Release.Strategy.MIRROR, 50, "app-0", "app-1");
        Decision waiting = ReleaseDecider.decide(release, seen(Map.of("app-0", READY, "app-1", STARTING), true));
        assertThat(plan(waiting).rules().getFirst().mirrors()).isEmpty();
        Decision ready = ReleaseDecider.decide(release, seen(Map.of("app-0", READY, "app-1", READY), true));
        assertThat(plan(ready).rules().getFirst().mirrors())
                .containsExactly(new TrafficPlan.Mirror("app-1", 80, new MirrorPercent(50)));
        assertThat(ready.status().phase()).isEqualTo(Decision.Phase.READY);
    }

    @Test
    void isNotReadyBeforeTheRouteIsSeen() {
        Release release = release(Release.Strategy.MIRROR, 50, "app-0");
        Decision unseen = ReleaseDecider.decide(release, seen(Map.of("app-0", READY), false));
        assertThat(unseen.status().phase()).isEqualTo(Decision.Phase.RECONCILING);
        assertThat(unseen.status().reason()).isEqualTo("RouteNotApplied");
        assertThat(unseen.actions()).anyMatch(Action.ApplyRoute.class::isInstance);
        Release unrouted = release(Release.Strategy.NONE, 50, "app-0");
        assertThat(ReleaseDecider.decide(unrouted, seen(Map.of("app-0", READY), false))
                        .status()
                        .phase())
                .isEqualTo(Decision.Phase.READY);
    }

    @Test
    void zeroPercentMeansNoCopies() {
        Decision decision = ReleaseDecider.decide(
                release(Release.Strategy.MIRROR, 0, "app-0", "app-1"),
                seen(Map.of("app-0", READY, "app-1", READY), true));
        assertThat(plan(decision).rules().getFirst().mirrors()).isEmpty();
    }

    @Test
    void keepsTheRouteWhenThePrimaryLosesItsPods() {
        Decision decision = ReleaseDecider.decide(
                release(Release.Strategy.MIRROR, 50, "app-0"), seen(Map.of("app-0", STARTING), true));
        assertThat(plan(decision).rules().getFirst().backends().getFirst().service())
                .isEqualTo("app-0");
    }

    @Test
    void keepsADroppedVersionUntilThePrimaryIsRolledOut() {
        Release release = release(Release.Strategy.MIRROR, 50, "app-0");
        Observed.Version rolling = new Observed.Version(1, 1, 1, false);
        Decision before = ReleaseDecider.decide(release, seen(Map.of("app-0", rolling, "app-1", READY), true));
        assertThat(before.actions()).noneMatch(Action.Retire.class::isInstance);
        Decision after = ReleaseDecider.decide(release, seen(Map.of("app-0", READY, "app-1", READY), true));
        assertThat(after.actions()).contains(new Action.Retire(Set.of("app-0")));
    }

    @Test
    void theAnnotationOverridesUntilTheSpecChanges() {
        Map<String, Observed.WeightConfig> configs = Map.of("app-1", new Observed.WeightConfig("20", "50"));
        Observed observed = new Observed(Map.of("app-0", READY, "app-1", READY), configs, true, List.of(), Set.of());
        Decision kept = ReleaseDecider.decide(release(Release.Strategy.MIRROR, 50, "app-0", "app-1"), observed);
        assertThat(kept.actions()).contains(new Action.ApplyWeightConfig("app-1", 20, 50));
        Decision changed = ReleaseDecider.decide(release(Release.Strategy.MIRROR, 60, "app-0", "app-1"), observed);
        assertThat(changed.actions()).contains(new Action.ApplyWeightConfig("app-1", 60, 60));
    }

    @Test
    void doesNotTakeOverWhatOthersMade() {
        Observed observed = new Observed(Map.of(), Map.of(), false, List.of("Service/app"), Set.of());
        Decision decision = ReleaseDecider.decide(release(Release.Strategy.MIRROR, 50, "app-0"), observed);
        assertThat(decision.actions()).isEmpty();
        assertThat(decision.status().phase()).isEqualTo(Decision.Phase.STALLED);
        assertThat(decision.status().reason()).isEqualTo("NotOwned");
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
                versions.put(
                        names[v], new Observed.Version(1, random.nextInt(2), random.nextInt(2), random.nextBoolean()));
            }
            Release release = release(
                    random.nextBoolean() ? Release.Strategy.MIRROR : Release.Strategy.NONE, random.nextInt(101), names);
            Observed observed = seen(versions, random.nextBoolean());
            Decision decision = ReleaseDecider.decide(release, observed);
            for (Action action : decision.actions()) {
                if (action instanceof Action.ApplyRoute(TrafficPlan plan)) {
                    TrafficPlan.Rule rule = plan.rules().getFirst();
                    assertThat(rule.backends())
                            .as("seed %d", seed)
                            .extracting(TrafficPlan.Backend::service)
                            .containsExactly("app-0");
                    assertThat(rule.mirrors())
                            .as("seed %d", seed)
                            .allMatch(mirror -> versions.getOrDefault(mirror.service(), STARTING)
                                    .ready());
                }
            }
            assertThat(ReleaseDecider.decide(release, observed))
                    .as("seed %d", seed)
                    .isEqualTo(decision);
        }
    }
}
