package dev.weir.engine;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Releases and what may be seen of them, for tests of what is decided. */
final class Situations {
    static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    static final Standing STABLE = new Standing(NOW.minusSeconds(60), false);
    static final Observed.Version READY = new Observed.Version("0", 80, 1, 1, 1, true, STABLE);
    static final Observed.Version STARTING = new Observed.Version("0", 80, 1, 0, 0, false, Standing.NEW);
    static final Observed.Version ROLLING = new Observed.Version("0", 80, 1, 1, 1, false, STABLE);
    static final Observed.Route MISSING = new Observed.Route.Missing();

    private Situations() {}

    static Release release(Release.Strategy strategy, int percent, String... names) {
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

    static Release mirror(int percent, String... names) {
        return release(Release.Strategy.MIRROR, percent, names);
    }

    static Observed seen(Map<String, Observed.Version> versions, Observed.Route route) {
        return new Observed(versions, Map.of(), route, "", routed(route), List.of(), false, List.of());
    }

    /** A route as one that has been in force for long. */
    static @Nullable Routed routed(Observed.Route route) {
        return route instanceof Observed.Route.InForce inForce
                ? new Routed(inForce.revision(), NOW.minusSeconds(60))
                : null;
    }

    /** A route to one version, with copies for others. */
    static Observed.Route route(String backend, TrafficPlan.Mirror... mirrors) {
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
                List.of(),
                List.of());
    }

    /** A route to app-0 of which something is known where it is to be served. */
    static Observed.Route served(Attachment... attachments) {
        Observed.Route.InForce plain = (Observed.Route.InForce) route("app-0");
        return new Observed.Route.InForce(plain.plan(), plain.revision(), List.of(attachments), List.of());
    }

    static TrafficPlan.Mirror copies(String version, int percent) {
        return new TrafficPlan.Mirror(version, 80, new MirrorPercent(percent));
    }

    static Decision decide(Release release, Observed seen) {
        return ReleaseDecider.decide(release, seen, NOW);
    }

    /** The route that a decision wants, if it differs from the one in force. */
    static Optional<TrafficPlan.Rule> wanted(Decision decision) {
        return decision.actions().stream()
                .filter(Action.ApplyRoute.class::isInstance)
                .map(action -> ((Action.ApplyRoute) action).plan().rules().getFirst())
                .findFirst();
    }

    static Action.Prune prune(Decision decision) {
        return decision.actions().stream()
                .filter(Action.Prune.class::isInstance)
                .map(Action.Prune.class::cast)
                .findFirst()
                .orElseThrow();
    }
}
