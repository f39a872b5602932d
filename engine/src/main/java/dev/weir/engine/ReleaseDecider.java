package dev.weir.engine;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Decides what a release needs next. Pure: same arguments, same answer; no I/O, no clock, no memory. */
public final class ReleaseDecider {
    /** How often to look at what is not watched: objects of others that are in the way or awaited. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(15);

    private final Release release;
    private final Observed seen;
    private final Instant now;
    private final List<Action> actions = new ArrayList<>();
    private final List<String> why = new ArrayList<>();
    private Optional<TrafficPlan> wanted = Optional.empty();
    private @Nullable Routed routed;
    private Optional<Instant> wake = Optional.empty();

    private ReleaseDecider(Release release, Observed seen, Instant now) {
        this.release = release;
        this.seen = seen;
        this.now = now;
    }

    /** Total: every release and every observation has a decision. */
    public static Decision decide(Release release, Observed seen, Instant now) {
        return new ReleaseDecider(release, seen, now).run();
    }

    private Decision run() {
        if (!seen.notOwned().isEmpty() && !release.adopt()) {
            String objects = String.join(", ", seen.notOwned());
            why.add("objects of the wanted names exist that this release did not make: " + objects
                    + "; delete them, or set spec.adopt to take them over");
            wakeAt(now.plus(LOOK_AGAIN));
            return new Decision(
                    status(Decision.Phase.STALLED, "NotOwned", why.getFirst(), Map.of()), List.of(), why, wake);
        }
        actions.add(new Action.RecordRevision());
        for (Release.Version version : release.versions()) {
            actions.add(new Action.ApplyVersion(version));
            if (version.existing() != null && !seen.versions().containsKey(version.name())) {
                why.add(version.name() + " waits for the Deployment " + version.existing() + " to exist");
                wakeAt(now.plus(LOOK_AGAIN));
            }
        }
        actions.add(new Action.ApplyEntrance());
        Map<String, Integer> percents = percents();
        boolean inForce = route(percents);
        prune(inForce);
        Decision.Status status = progress(percents, inForce);
        return new Decision(status, actions, why, wake);
    }

    private void wakeAt(Instant time) {
        wake = wake.filter(earlier -> earlier.isBefore(time)).or(() -> Optional.of(time));
    }

    /** By candidate: the spec's percentage, unless the user changed the annotation since the spec last changed. */
    private Map<String, Integer> percents() {
        Map<String, Integer> percents = new LinkedHashMap<>();
        if (release.strategy() != Release.Strategy.MIRROR) {
            return percents;
        }
        for (Release.Version candidate : release.candidates()) {
            int fromSpec = candidate.mirrorPercent().percent();
            int percent = fromSpec;
            Observed.WeightConfig config = seen.weightConfigs().get(candidate.name());
            if (config != null && config.specPercent().equals(Integer.toString(fromSpec))) {
                percent = override(candidate.name(), config, fromSpec);
            }
            percents.put(candidate.name(), percent);
            actions.add(new Action.ApplyWeightConfig(candidate.name(), percent, fromSpec));
        }
        return percents;
    }

    private int override(String version, Observed.WeightConfig config, int fromSpec) {
        if (config.annotation().matches("\\d{1,3}") && Integer.parseInt(config.annotation()) <= 100) {
            int percent = Integer.parseInt(config.annotation());
            if (percent != fromSpec) {
                why.add(version + " is mirrored at " + percent
                        + " % because its weight annotation says so; the spec says " + fromSpec + " %");
            }
            return percent;
        }
        why.add("the weight annotation of " + version + " is \"" + config.annotation()
                + "\", which is no whole percentage from 0 to 100; the spec's " + fromSpec + " % holds");
        return fromSpec;
    }

    /** True if the route that is wanted is in force, as observed. */
    private boolean route(Map<String, Integer> percents) {
        Release.Version primary = release.primary();
        TrafficPlan.Backend backend = backend(primary);
        if (seen.route() instanceof Observed.Route.Missing
                && !seen.version(backend.service()).ready()) {
            why.add("routing waits for " + primary.name() + " to have a ready pod");
            return false;
        }
        List<TrafficPlan.Mirror> mirrors = new ArrayList<>();
        for (Release.Version candidate : release.candidates()) {
            int percent = percents.getOrDefault(candidate.name(), 0);
            if (admitted(candidate) && percent > 0 && !candidate.name().equals(backend.service())) {
                mirrors.add(new TrafficPlan.Mirror(candidate.name(), candidate.port(), new MirrorPercent(percent)));
            }
        }
        String host = release.service() + "." + release.namespace();
        TrafficPlan plan = new TrafficPlan(
                release.service(),
                release.namespace(),
                List.of(host, host + ".svc", host + ".svc.cluster.local"),
                release.gateways(),
                List.of(new TrafficPlan.Rule(release.service(), List.of(backend), mirrors)));
        wanted = Optional.of(plan);
        if (seen.route() instanceof Observed.Route.InForce(TrafficPlan present) && present.equals(plan)) {
            routed = inForce(plan.fingerprint(), seen.routed());
            return backend.service().equals(primary.name());
        }
        if (seen.route() instanceof Observed.Route.Edited) {
            why.add("somebody edited the route; it is put back");
        }
        actions.add(new Action.ApplyRoute(plan));
        return false;
    }

    /** The plan has been in force since it was first seen so, or since now if another one was in between. */
    private Routed inForce(String plan, @Nullable Routed before) {
        return before != null && before.plan().equals(plan) ? before : new Routed(plan, now);
    }

    /** The primary, unless it cannot answer yet and the version that answers now can. */
    private TrafficPlan.Backend backend(Release.Version primary) {
        String serving = serving();
        Observed.Version old = seen.version(serving);
        if (!seen.version(primary.name()).ready() && !serving.equals(primary.name()) && old.ready()) {
            why.add(serving + " goes on answering until " + primary.name() + " has a ready pod");
            return new TrafficPlan.Backend(serving, old.port(), Share.ALL);
        }
        return new TrafficPlan.Backend(primary.name(), primary.port(), Share.ALL);
    }

    /** The version that answers; the one that last did while the route is gone or edited. */
    private String serving() {
        return seen.route() instanceof Observed.Route.InForce(TrafficPlan plan)
                ? plan.rules().getLast().backends().getFirst().service()
                : seen.serving();
    }

    private boolean admitted(Release.Version candidate) {
        Observed.Version state = seen.version(candidate.name());
        Standing standing = standing(state);
        if (!state.ready()) {
            why.add(candidate.name() + " gets no requests until it has a ready pod");
        } else if (!standing.admitted() && standing.readySince() != null) {
            Instant stable = standing.readySince().plus(Standing.STABLE);
            why.add(candidate.name() + " was not ready for a while; it gets requests again once it has been ready for "
                    + Standing.STABLE.toSeconds() + " seconds, at " + stable);
            wakeAt(stable);
        }
        return standing.admitted();
    }

    /** True if every pod runs the template that the spec asks for, which it may just have begun to ask for. */
    private boolean rolledOut(Release.Version version) {
        Observed.Version state = seen.version(version.name());
        return state.rolledOut()
                && (version.existing() != null || version.hash().equals(state.hash()));
    }

    private Standing standing(Observed.Version state) {
        return state.standing().after(state.ready(), now);
    }

    /** A version that the spec dropped stays until the primary is wholly there and no route leads to the old one. */
    private void prune(boolean inForce) {
        Set<String> keep =
                release.versions().stream().map(Release.Version::name).collect(Collectors.toCollection(TreeSet::new));
        Set<String> dropped = new TreeSet<>(seen.versions().keySet());
        dropped.removeAll(keep);
        for (String name : dropped) {
            if (!rolledOut(release.primary())) {
                why.add(name + " stays until " + release.primary().name() + " is rolled out");
                keep.add(name);
            } else if (routed(name)) {
                why.add(name + " stays until no route leads to it");
                keep.add(name);
            } else {
                why.add(name + " is retired: " + release.primary().name() + " has taken over");
            }
        }
        actions.add(new Action.Prune(keep, inForce));
    }

    /** True if a route leads to a version, now or after this decision. */
    private boolean routed(String version) {
        boolean now = switch (seen.route()) {
            case Observed.Route.Missing _ -> false;
            case Observed.Route.Edited _ -> true;
            case Observed.Route.InForce(TrafficPlan plan) -> plan.leadsTo(version);
        };
        return now || wanted.filter(plan -> plan.leadsTo(version)).isPresent();
    }

    private Decision.Status progress(Map<String, Integer> percents, boolean inForce) {
        for (Release.Version version : release.versions()) {
            Observed.Version state = seen.version(version.name());
            if (!state.ready()) {
                return status(
                        Decision.Phase.RECONCILING,
                        version.name().equals(release.primary().name()) ? "PrimaryNotReady" : "CandidateNotReady",
                        version.name() + " has no ready pod yet",
                        percents);
            }
            if (!rolledOut(version)) {
                return status(
                        Decision.Phase.RECONCILING,
                        "RollingOut",
                        version.name() + " is rolling out a new template",
                        percents);
            }
            if (!standing(state).admitted()
                    && !version.name().equals(release.primary().name())) {
                return status(
                        Decision.Phase.RECONCILING,
                        "CandidateSettling",
                        version.name() + " is ready again and gets requests once that has lasted",
                        percents);
            }
        }
        if (!inForce) {
            return status(
                    Decision.Phase.RECONCILING,
                    "RouteNotApplied",
                    "every version is ready; the route is being written",
                    percents);
        }
        if (routed != null && now.isBefore(routed.settled())) {
            wakeAt(routed.settled());
            return status(
                    Decision.Phase.RECONCILING,
                    "RouteSettling",
                    "the route is in force; proxies are given " + Routed.SETTLE.toSeconds() + " seconds to take it",
                    percents);
        }
        return status(Decision.Phase.READY, "Ready", "every version is ready and the routes are in force", percents);
    }

    private Decision.Status status(Decision.Phase phase, String reason, String message, Map<String, Integer> percents) {
        List<Decision.VersionStatus> versions = new ArrayList<>();
        for (Release.Version version : release.versions()) {
            Decision.Role role =
                    version.name().equals(release.primary().name()) ? Decision.Role.PRIMARY : Decision.Role.CANDIDATE;
            versions.add(version(version.name(), version.hash(), role, percents));
        }
        seen.versions().keySet().stream()
                .filter(name -> release.version(name).isEmpty())
                .sorted()
                .forEach(name -> versions.add(version(name, "", Decision.Role.RETIRING, Map.of())));
        String candidates =
                release.candidates().stream().map(Release.Version::name).collect(Collectors.joining(","));
        String weights = percents.values().stream().map(String::valueOf).collect(Collectors.joining(","));
        return new Decision.Status(
                phase,
                reason,
                message,
                new Decision.Traffic(release.primary().name(), serving(), candidates, weights, routed),
                versions);
    }

    private Decision.VersionStatus version(
            String name, String hash, Decision.Role role, Map<String, Integer> percents) {
        Observed.Version state = seen.version(name);
        Integer percent = percents.get(name);
        return new Decision.VersionStatus(
                name,
                hash,
                role,
                percent == null ? "" : Integer.toString(percent),
                new Observed.Version(
                        state.hash(),
                        state.port(),
                        state.replicas(),
                        state.readyReplicas(),
                        state.readyEndpoints(),
                        state.rolledOut(),
                        standing(state)));
    }
}
