package dev.weir.engine;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Decides what a release needs next. Pure: same arguments, same answer; no I/O, no clock, no memory. */
public final class ReleaseDecider {
    /** How often to look at what is not watched: objects of others that are in the way or awaited. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(15);

    /** How often to look whether a Gateway is still there of which nobody says anything. */
    private static final Duration GLANCE = Duration.ofMinutes(1);

    /** How long nothing is made of it that nobody says whether a route is served. */
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final Release release;
    private final Observed seen;
    private final Instant now;
    private final List<Action> actions = new ArrayList<>();
    private final List<String> why = new ArrayList<>();
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
        Optional<String> taken = taken();
        if (taken.isPresent()) {
            why.add(taken.get());
            wakeAt(now.plus(LOOK_AGAIN));
            return new Decision(
                    status(Decision.Phase.STALLED, "NotOwned", taken.get(), Map.of()), List.of(), why, wake);
        }
        actions.add(new Action.RecordRevision());
        for (Release.Version version : release.versions()) {
            actions.add(new Action.ApplyVersion(version));
            awaitExisting(version);
        }
        if (!moving()) {
            actions.add(new Action.ApplyEntrance());
        }
        Weights weighted = Weights.of(release, seen);
        Map<String, Integer> weights = weighted.values();
        actions.addAll(weighted.actions());
        why.addAll(weighted.why());
        route(weights);
        // not before proxies may know the new route; but it may well be this very Service that it is refused for
        if (moving() && rested()) {
            actions.add(new Action.ApplyEntrance());
        }
        prune();
        Decision.Status status = progress(weights);
        return new Decision(status, actions, why, wake);
    }

    /** Why wanted names are not to be had. What is of another release is never taken over: both would want it for ever. */
    private Optional<String> taken() {
        List<Observed.Taken> taken = seen.notOwned().stream()
                .filter(one -> !release.adopt() || !one.release().isEmpty())
                .toList();
        if (taken.isEmpty()) {
            return Optional.empty();
        }
        boolean releases = taken.stream().anyMatch(one -> !one.release().isEmpty());
        return Optional.of("objects of the wanted names exist that this release did not make: "
                + taken.stream().map(Observed.Taken::words).collect(Collectors.joining(", "))
                + (releases
                        ? "; two releases cannot share them: delete one, or name its service and versions otherwise"
                        : "; delete them, or set spec.adopt to take them over"));
    }

    /** A Deployment of somebody else is not watched. */
    private void awaitExisting(Release.Version version) {
        if (version.existing() == null) {
            return;
        }
        if (!seen.versions().containsKey(version.name())) {
            why.add(version.name() + " waits for the Deployment " + version.existing() + " to exist");
        }
        if (!rolledOut(version) || !seen.version(version.name()).ready()) {
            wakeAt(now.plus(LOOK_AGAIN));
        }
    }

    /**
     * True while the application's Service is the one that the old router's route needs: it changes after proxies follow
     * the new route, and the old route goes after that.
     */
    private boolean moving() {
        return seen.oldEntrance() && !seen.oldRoutes().isEmpty();
    }

    private void wakeAt(Instant time) {
        wake = wake.filter(earlier -> earlier.isBefore(time)).or(() -> Optional.of(time));
    }

    /** Has the wanted plan put in force, or sees since when it is. */
    private void route(Map<String, Integer> weights) {
        Release.Version primary = release.primary();
        TrafficPlan.Backend backend = backend(primary, weights);
        if (!seen.version(backend.service()).ready()) {
            if (seen.route() instanceof Observed.Route.Missing) {
                why.add("routing waits for " + primary.name() + " to have a ready pod");
                return;
            }
            why.add("requests for " + backend.service() + " fail: it has no ready pod, and nothing stands in for it");
        }
        String host = release.service() + "." + release.namespace();
        TrafficPlan plan = new TrafficPlan(
                release.service(),
                release.namespace(),
                release.port(),
                List.of(host, host + ".svc", host + ".svc.cluster.local"),
                gateways(),
                rules(backend, weights));
        if (seen.route()
                        instanceof
                        Observed.Route.InForce(TrafficPlan present, String revision, List<Attachment> told, var _)
                && present.equals(plan)) {
            int others = seen.oldRoutes().size();
            routed = inForce(revision + (others == 0 ? "" : "+" + others) + (moving() ? "~" : ""), seen.routed());
            if (!rested()) {
                wakeAt(routed.settled());
            }
            unserved(told);
            return;
        }
        if (seen.route() instanceof Observed.Route.Edited) {
            why.add("somebody edited the route; it is put back");
        }
        actions.add(new Action.ApplyRoute(plan));
    }

    /** The wanted ones; while one of them is known not to exist, also those that the route is on. */
    private List<String> gateways() {
        List<String> wanted = release.gateways();
        if (!(seen.route() instanceof Observed.Route.InForce inForce)
                || inForce.absent().isEmpty()) {
            return wanted;
        }
        List<String> others = inForce.plan().gateways().stream()
                .filter(gateway -> !wanted.contains(gateway))
                .toList();
        if (!others.isEmpty()) {
            why.add("the route stays on " + String.join(", ", others) + " until there is "
                    + String.join(", ", inForce.absent()));
            wakeAt(now.plus(LOOK_AGAIN));
        }
        return Stream.concat(wanted.stream(), others.stream()).toList();
    }

    /** The route has been in force since it was first seen so, or since now if it was another one before. */
    private Routed inForce(String route, @Nullable Routed before) {
        return before != null && before.route().equals(route) ? before : new Routed(route, now);
    }

    /** True if the wanted plan has been in force for so long that proxies follow it, if they serve it at all. */
    private boolean rested() {
        return routed != null && !now.isBefore(routed.settled());
    }

    /** True if proxies follow the wanted plan, as far as anybody says. */
    private boolean settled() {
        return rested() && attachments().stream().noneMatch(Attachment::unserved);
    }

    private List<Attachment> attachments() {
        return seen.route() instanceof Observed.Route.InForce inForce ? inForce.attachments() : List.of();
    }

    /** Gateways are not watched, so one that is missing is looked for again. */
    private void unserved(List<Attachment> told) {
        if (!release.gateways().isEmpty() && told.isEmpty()) {
            wakeAt(now.plus(GLANCE));
        }
        for (Attachment attachment : rested() ? told : List.<Attachment>of()) {
            if (attachment.verdict() == Attachment.Verdict.SILENT && !patient()) {
                wakeAt(Objects.requireNonNull(routed).since().plus(PATIENCE));
            } else if (attachment.verdict() != Attachment.Verdict.SERVED) {
                why.add(attachment.words());
            }
            if (attachment.verdict() == Attachment.Verdict.ABSENT) {
                wakeAt(now.plus(LOOK_AGAIN));
            }
        }
    }

    /** True if whoever serves the route has had time to say so. */
    private boolean patient() {
        return routed != null && !now.isBefore(routed.since().plus(PATIENCE));
    }

    private Decision.Acceptance acceptance() {
        if (!rested()) {
            return Decision.Acceptance.UNKNOWN;
        }
        for (Attachment.Verdict verdict :
                List.of(Attachment.Verdict.ABSENT, Attachment.Verdict.REFUSED, Attachment.Verdict.SILENT)) {
            String about = attachments().stream()
                    .filter(attachment -> attachment.verdict() == verdict)
                    .map(Attachment::words)
                    .collect(Collectors.joining("; "));
            if (!about.isEmpty()) {
                return switch (verdict) {
                    case ABSENT -> new Decision.Acceptance(false, "GatewayNotFound", about);
                    case REFUSED -> new Decision.Acceptance(false, "RouteNotAccepted", about);
                    case SILENT, SERVED ->
                        patient()
                                ? new Decision.Acceptance(null, Decision.Acceptance.NOT_REPORTED, about)
                                : Decision.Acceptance.UNKNOWN;
                };
            }
        }
        return new Decision.Acceptance(true, "Accepted", "nothing is known that does not serve the route");
    }

    private List<TrafficPlan.Rule> rules(TrafficPlan.Backend backend, Map<String, Integer> weights) {
        List<Release.Version> admitted = release.candidates().stream()
                .filter(this::admitted)
                .filter(candidate -> !candidate.name().equals(backend.service()))
                .toList();
        return switch (release.strategy()) {
            case NONE -> List.of(everything(List.of(backend), List.of()));
            case MIRROR -> List.of(everything(List.of(backend), mirrors(admitted, weights)));
            case CANARY -> {
                List<TrafficPlan.Rule> rules = new ArrayList<>();
                admitted.forEach(candidate -> rules.add(
                        new TrafficPlan.Rule(candidate.matches(), List.of(backend(candidate, Share.ALL)), List.of())));
                rules.add(everything(List.of(backend), List.of()));
                yield rules;
            }
            case BLUE_GREEN -> List.of(everything(divided(backend, admitted, weights), List.of()));
        };
    }

    private static TrafficPlan.Rule everything(List<TrafficPlan.Backend> backends, List<TrafficPlan.Mirror> mirrors) {
        return new TrafficPlan.Rule(List.of(), backends, mirrors);
    }

    private static TrafficPlan.Backend backend(Release.Version version, Share share) {
        return new TrafficPlan.Backend(version.name(), version.port(), share);
    }

    private static List<TrafficPlan.Mirror> mirrors(List<Release.Version> admitted, Map<String, Integer> percents) {
        return admitted.stream()
                .filter(candidate -> percents.getOrDefault(candidate.name(), 0) > 0)
                .map(candidate -> new TrafficPlan.Mirror(
                        candidate.name(),
                        candidate.port(),
                        new MirrorPercent(percents.getOrDefault(candidate.name(), 0))))
                .toList();
    }

    /** @param backend has the primary's weight, beside its own when it stands in for it */
    private List<TrafficPlan.Backend> divided(
            TrafficPlan.Backend backend, List<Release.Version> admitted, Map<String, Integer> weights) {
        List<Release.Version> candidates = admitted.stream()
                .filter(candidate -> weights.getOrDefault(candidate.name(), 0) > 0)
                .toList();
        List<Integer> relative = new ArrayList<>();
        relative.add(weights.getOrDefault(release.primary().name(), 0) + ownWeight(backend, weights));
        candidates.forEach(candidate -> relative.add(weights.getOrDefault(candidate.name(), 0)));
        List<Share> shares = Share.of(relative);
        List<TrafficPlan.Backend> backends = new ArrayList<>();
        backends.add(new TrafficPlan.Backend(backend.service(), backend.port(), shares.getFirst()));
        for (int i = 0; i < candidates.size(); i++) {
            backends.add(backend(candidates.get(i), shares.get(i + 1)));
        }
        return backends;
    }

    private int ownWeight(TrafficPlan.Backend backend, Map<String, Integer> weights) {
        return backend.service().equals(release.primary().name()) ? 0 : weights.getOrDefault(backend.service(), 0);
    }

    /** The primary, unless it cannot answer and a version that answers users now can. */
    private TrafficPlan.Backend backend(Release.Version primary, Map<String, Integer> weights) {
        String serving = standIn(primary, weights);
        Observed.Version old = seen.version(serving);
        if (!seen.version(primary.name()).ready() && !serving.equals(primary.name()) && old.ready()) {
            why.add(serving + " goes on answering until " + primary.name() + " has a ready pod");
            return new TrafficPlan.Backend(serving, old.port(), Share.ALL);
        }
        return backend(primary, Share.ALL);
    }

    /** Who may stand in for the primary: the version that answers, or in a blue-green release one that has a share. */
    private String standIn(Release.Version primary, Map<String, Integer> weights) {
        String serving = serving();
        boolean shared = release.strategy() == Release.Strategy.BLUE_GREEN
                && serving.equals(primary.name())
                && !seen.version(serving).ready()
                && !(seen.route() instanceof Observed.Route.Missing);
        return release.candidates().stream()
                .filter(candidate -> shared && weights.getOrDefault(candidate.name(), 0) > 0)
                .map(Release.Version::name)
                .filter(candidate -> seen.version(candidate).ready()
                        && standing(seen.version(candidate)).admitted())
                .findFirst()
                .orElse(serving);
    }

    /** The version that answers; the one that last did while the route is gone or edited. */
    private String serving() {
        return seen.route() instanceof Observed.Route.InForce inForce
                ? inForce.plan().rules().getLast().backends().getFirst().service()
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
    private void prune() {
        Set<String> keep =
                release.versions().stream().map(Release.Version::name).collect(Collectors.toCollection(TreeSet::new));
        Set<String> dropped = new TreeSet<>(seen.versions().keySet());
        dropped.removeAll(keep);
        for (String name : dropped) {
            if (!rolledOut(release.primary())) {
                why.add(name + " stays until " + release.primary().name() + " is rolled out");
                keep.add(name);
            } else if (leadsTo(name)) {
                why.add(name + " stays until no route leads to it");
                keep.add(name);
            } else if (!seen.oldRoutes().isEmpty()) {
                why.add(name + " stays until the old route is gone: " + String.join(", ", seen.oldRoutes()));
                keep.add(name);
            } else if (!settled()) {
                why.add(
                        rested()
                                ? name + " stays until the route that does without it is served"
                                : name + " stays until proxies have had time to take the route that does without it");
                keep.add(name);
            } else {
                why.add(name + " is retired: " + release.primary().name() + " has taken over");
            }
        }
        actions.add(new Action.Prune(keep, settled() && !moving()));
    }

    /** True if the route leads to a version, as observed. */
    private boolean leadsTo(String version) {
        return switch (seen.route()) {
            case Observed.Route.Missing _ -> false;
            case Observed.Route.Edited _ -> true;
            case Observed.Route.InForce inForce -> inForce.plan().leadsTo(version);
        };
    }

    private Decision.Status progress(Map<String, Integer> weights) {
        return release.versions().stream()
                .flatMap(version -> awaited(version).stream())
                .findFirst()
                .or(this::awaitedOfRoute)
                .map(awaited -> status(Decision.Phase.RECONCILING, awaited.reason(), awaited.message(), weights))
                .orElseGet(() -> status(
                        Decision.Phase.READY, "Ready", "every version is ready and the routes are in force", weights));
    }

    /** What a release waits for. */
    private record Awaited(String reason, String message) {}

    private Optional<Awaited> awaited(Release.Version version) {
        Observed.Version state = seen.version(version.name());
        boolean primary = version.name().equals(release.primary().name());
        if (!state.ready()) {
            return Optional.of(new Awaited(
                    primary ? "PrimaryNotReady" : "CandidateNotReady", version.name() + " has no ready pod yet"));
        }
        if (!rolledOut(version)) {
            return Optional.of(new Awaited("RollingOut", version.name() + " is rolling out a new template"));
        }
        if (!primary && !standing(state).admitted()) {
            return Optional.of(new Awaited(
                    "CandidateSettling", version.name() + " is ready again and gets requests once that has lasted"));
        }
        return Optional.empty();
    }

    private Optional<Awaited> awaitedOfRoute() {
        if (routed == null) {
            return Optional.of(new Awaited("RouteNotApplied", "every version is ready; the route is being written"));
        }
        Decision.Acceptance acceptance = acceptance();
        if (Boolean.FALSE.equals(acceptance.accepted())) {
            return Optional.of(new Awaited(acceptance.reason(), acceptance.message()));
        }
        if (!seen.oldRoutes().isEmpty()) {
            return Optional.of(new Awaited(
                    "RouteSettling",
                    "the route is in force; " + String.join(", ", seen.oldRoutes())
                            + " is removed once proxies follow it"));
        }
        if (!settled()) {
            return Optional.of(new Awaited(
                    "RouteSettling",
                    "the route is in force; proxies are given " + Routed.SETTLE.toSeconds() + " seconds to take it"));
        }
        return Optional.empty();
    }

    private Decision.Status status(Decision.Phase phase, String reason, String message, Map<String, Integer> weights) {
        List<Decision.VersionStatus> versions = new ArrayList<>();
        for (Release.Version version : release.versions()) {
            Decision.Role role =
                    version.name().equals(release.primary().name()) ? Decision.Role.PRIMARY : Decision.Role.CANDIDATE;
            versions.add(version(version.name(), version.hash(), role, weights));
        }
        seen.versions().keySet().stream()
                .filter(name -> release.version(name).isEmpty())
                .sorted()
                .forEach(name -> versions.add(version(name, "", Decision.Role.RETIRING, Map.of())));
        String candidates =
                release.candidates().stream().map(Release.Version::name).collect(Collectors.joining(","));
        String candidateWeights = release.candidates().stream()
                .filter(candidate -> weights.containsKey(candidate.name()))
                .map(candidate -> String.valueOf(weights.get(candidate.name())))
                .collect(Collectors.joining(","));
        return new Decision.Status(
                phase,
                reason,
                message,
                acceptance(),
                new Decision.Traffic(release.primary().name(), serving(), candidates, candidateWeights, routed),
                versions);
    }

    private Decision.VersionStatus version(String name, String hash, Decision.Role role, Map<String, Integer> weights) {
        Observed.Version state = seen.version(name);
        Integer weight = weights.get(name);
        return new Decision.VersionStatus(
                name,
                hash,
                role,
                weight == null ? "" : Integer.toString(weight),
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
