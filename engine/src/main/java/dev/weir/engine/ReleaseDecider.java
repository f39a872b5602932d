package dev.weir.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Decides what a release needs next. Pure: same arguments, same answer; no I/O, no clock, no memory. */
public final class ReleaseDecider {
    private final Release release;
    private final Observed seen;
    private final List<Action> actions = new ArrayList<>();
    private final List<String> why = new ArrayList<>();

    private ReleaseDecider(Release release, Observed seen) {
        this.release = release;
        this.seen = seen;
    }

    /** Total: every release and every observation has a decision. */
    public static Decision decide(Release release, Observed seen) {
        return new ReleaseDecider(release, seen).run();
    }

    private Decision run() {
        if (!seen.notOwned().isEmpty() && !release.adopt()) {
            String objects = String.join(", ", seen.notOwned());
            why.add("objects of the wanted names exist that this release did not make: " + objects
                    + "; delete them, or set spec.adopt to take them over");
            return new Decision(status(Decision.Phase.STALLED, "NotOwned", why.getFirst(), Map.of()), List.of(), why);
        }
        actions.add(new Action.RecordRevision());
        release.versions().forEach(version -> actions.add(new Action.ApplyVersion(version)));
        actions.add(new Action.ApplyEntrance());
        Map<String, Integer> percents = percents();
        route(percents);
        retire();
        return new Decision(progress(percents), actions, why);
    }

    /** The spec's percentage, unless the user changed the annotation since the spec last changed. */
    private Map<String, Integer> percents() {
        Map<String, Integer> percents = new TreeMap<>();
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

    private void route(Map<String, Integer> percents) {
        if (release.strategy() == Release.Strategy.NONE) {
            actions.add(new Action.RemoveRoute());
            return;
        }
        Release.Version primary = release.primary();
        boolean primaryReady = seen.version(primary.name()).ready();
        if (!primaryReady && !seen.routed()) {
            why.add("routing waits for " + primary.name() + " to have a ready pod");
            return;
        }
        List<TrafficPlan.Mirror> mirrors = new ArrayList<>();
        for (Release.Version candidate : release.candidates()) {
            int percent = percents.getOrDefault(candidate.name(), 0);
            if (!seen.version(candidate.name()).ready()) {
                why.add(candidate.name() + " gets no requests until it has a ready pod");
            } else if (percent > 0) {
                mirrors.add(new TrafficPlan.Mirror(candidate.name(), candidate.port(), new MirrorPercent(percent)));
            }
        }
        TrafficPlan.Backend backend = new TrafficPlan.Backend(primary.name(), primary.port(), Share.ALL);
        String host = release.service() + "." + release.namespace();
        actions.add(new Action.ApplyRoute(new TrafficPlan(
                release.service(),
                release.namespace(),
                List.of(host, host + ".svc", host + ".svc.cluster.local"),
                release.gateways(),
                List.of(new TrafficPlan.Rule(release.service(), List.of(backend), mirrors)))));
    }

    /** A version that the spec dropped stays until the primary of the new spec is wholly there. */
    private void retire() {
        Set<String> wanted =
                release.versions().stream().map(Release.Version::name).collect(Collectors.toCollection(TreeSet::new));
        Set<String> dropped = new TreeSet<>(seen.versions().keySet());
        dropped.removeAll(wanted);
        if (dropped.isEmpty()) {
            actions.add(new Action.Retire(wanted));
        } else if (seen.version(release.primary().name()).rolledOut()) {
            why.add(String.join(", ", dropped) + " is retired: "
                    + release.primary().name() + " has taken over");
            actions.add(new Action.Retire(wanted));
        } else {
            why.add(String.join(", ", dropped) + " stays until "
                    + release.primary().name() + " is rolled out");
        }
    }

    private Decision.Status progress(Map<String, Integer> percents) {
        for (Release.Version version : release.versions()) {
            Observed.Version state = seen.version(version.name());
            if (!state.ready()) {
                return status(
                        Decision.Phase.RECONCILING,
                        version.name().equals(release.primary().name()) ? "PrimaryNotReady" : "CandidateNotReady",
                        version.name() + " has no ready pod yet",
                        percents);
            }
            if (!state.rolledOut()) {
                return status(
                        Decision.Phase.RECONCILING,
                        "RollingOut",
                        version.name() + " is rolling out a new template",
                        percents);
            }
        }
        if (release.strategy() != Release.Strategy.NONE && !seen.routed()) {
            return status(
                    Decision.Phase.RECONCILING,
                    "RouteNotApplied",
                    "every version is ready; the route is being written",
                    percents);
        }
        return status(Decision.Phase.READY, "Ready", "every version is ready and the routes are in force", percents);
    }

    private Decision.Status status(Decision.Phase phase, String reason, String message, Map<String, Integer> percents) {
        List<Decision.VersionStatus> versions = new ArrayList<>();
        for (Release.Version version : release.versions()) {
            String role = version.name().equals(release.primary().name()) ? "Primary" : "Candidate";
            versions.add(version(version.name(), role, percents));
        }
        seen.versions().keySet().stream()
                .filter(name -> release.version(name).isEmpty())
                .forEach(name -> versions.add(version(name, "Retiring", Map.of())));
        String candidates =
                release.candidates().stream().map(Release.Version::name).collect(Collectors.joining(","));
        String weights = percents.values().stream().map(String::valueOf).collect(Collectors.joining(","));
        return new Decision.Status(phase, reason, message, release.primary().name(), candidates, weights, versions);
    }

    private Decision.VersionStatus version(String name, String role, Map<String, Integer> percents) {
        Observed.Version state = seen.version(name);
        Integer percent = percents.get(name);
        return new Decision.VersionStatus(
                name,
                role,
                state.ready(),
                state.readyReplicas(),
                state.replicas(),
                percent == null ? "" : Integer.toString(percent));
    }
}
