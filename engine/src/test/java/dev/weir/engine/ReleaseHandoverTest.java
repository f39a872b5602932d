package dev.weir.engine;

import static dev.weir.engine.Situations.MISSING;
import static dev.weir.engine.Situations.NOW;
import static dev.weir.engine.Situations.READY;
import static dev.weir.engine.Situations.ROLLING;
import static dev.weir.engine.Situations.STABLE;
import static dev.weir.engine.Situations.STARTING;
import static dev.weir.engine.Situations.copies;
import static dev.weir.engine.Situations.decide;
import static dev.weir.engine.Situations.mirror;
import static dev.weir.engine.Situations.prune;
import static dev.weir.engine.Situations.release;
import static dev.weir.engine.Situations.route;
import static dev.weir.engine.Situations.routed;
import static dev.weir.engine.Situations.seen;
import static dev.weir.engine.Situations.served;
import static dev.weir.engine.Situations.wanted;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** In which order versions, routes and entrances give way to others, and what that waits for. */
class ReleaseHandoverTest {
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
        Observed young = inForceFor(1, versions, served(silent));
        assertThat(decide(release, young).status().acceptance()).isEqualTo(Decision.Acceptance.UNKNOWN);

        Observed unheard = inForceFor(10, versions, served(silent));
        Decision patient = decide(release, unheard);
        assertThat(patient.status().phase()).isEqualTo(Decision.Phase.READY);
        assertThat(patient.status().acceptance()).isEqualTo(Decision.Acceptance.UNKNOWN);
        assertThat(patient.why()).noneMatch(why -> why.contains("Service app"));
        assertThat(patient.wake()).contains(NOW.plusSeconds(5));
    }

    private static Observed inForceFor(int seconds, Map<String, Observed.Version> versions, Observed.Route route) {
        Routed since = new Routed("uid/1", NOW.minusSeconds(seconds));
        return new Observed(versions, Map.of(), route, "app-0", since, List.of(), false, List.of());
    }

    @Test
    void aGatewayThatDoesNotExistIsAddedToTheOldOnes() {
        Release release = new Release(
                "app",
                "ns",
                "Istio",
                Release.Strategy.NONE,
                "app",
                80,
                List.of("new"),
                false,
                release(Release.Strategy.NONE, 0, "app-0").versions());
        Observed.Route.InForce plain = (Observed.Route.InForce) route("app-0");
        TrafficPlan plan = plain.plan();
        TrafficPlan onOld =
                new TrafficPlan(plan.name(), plan.namespace(), plan.port(), plan.hosts(), List.of("old"), plan.rules());
        Map<String, Observed.Version> versions = Map.of("app-0", READY);
        Decision absent =
                decide(release, seen(versions, new Observed.Route.InForce(onOld, "uid/1", List.of(), List.of("new"))));
        assertThat(gateways(absent)).containsExactly("new", "old");
        assertThat(absent.why()).contains("the route stays on old until there is new");
        assertThat(absent.wake()).isPresent();
        Decision there =
                decide(release, seen(versions, new Observed.Route.InForce(onOld, "uid/1", List.of(), List.of())));
        assertThat(gateways(there)).containsExactly("new");
    }

    private static List<String> gateways(Decision decision) {
        return decision.actions().stream()
                .filter(Action.ApplyRoute.class::isInstance)
                .flatMap(action -> ((Action.ApplyRoute) action).plan().gateways().stream())
                .toList();
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
}
