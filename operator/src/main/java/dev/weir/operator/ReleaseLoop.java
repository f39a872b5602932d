package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Action;
import dev.weir.engine.Decision;
import dev.weir.engine.Release;
import dev.weir.engine.ReleaseDecider;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.SameJson;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.model.ReleaseSpec;
import dev.weir.model.ReleaseStatus;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One pass over one release: observe, parse, decide, write the status, act.
 *
 * <p>Decisions rest on what is observed and stored only. What is remembered here spares requests that would change
 * nothing; a loop that begins anew makes them once more.
 */
final class ReleaseLoop {
    private static final int KEPT_REVISIONS = 10;
    private static final Duration AFTER_REFUSAL = Duration.ofSeconds(15);

    private final World world;
    private final TrafficRouters routers;
    private final Clock clock;
    private final Gateways gateways;
    /** By release, then by kind and name: what was last applied. */
    private final Map<String, Map<String, ObjectNode>> applied = new ConcurrentHashMap<>();

    ReleaseLoop(World world, TrafficRouters routers, Clock clock) {
        this.world = world;
        this.routers = routers;
        this.clock = clock;
        this.gateways = new Gateways(world, clock);
    }

    /**
     * @param release the object as it was last seen
     * @return when to pass again although nothing has changed; empty if only a change matters
     */
    Optional<Instant> pass(JsonNode release) {
        if (release.path("metadata").has("deletionTimestamp")) {
            return Optional.empty();
        }
        List<JsonNode> owned = world.owned(release);
        Decision blocked;
        switch (ReleaseSpec.parse(release)) {
            case ReleaseSpec.Parsed.Invalid(List<String> violations) -> {
                Decision.Status status = Decision.Status.stalled("InvalidSpec", String.join("; ", violations));
                blocked = new Decision(status, List.of(), violations, Optional.empty());
            }
            case ReleaseSpec.Parsed.Valid(Release parsed, List<String> unused) -> {
                Actions actions = new Actions(release, parsed, owned);
                Decision decision = actions.decide().withWhy(unused);
                if (decision.status().phase() != Decision.Phase.STALLED) {
                    return carryOut(release, decision, actions);
                }
                blocked = decision;
            }
        }
        return hold(release, owned, blocked);
    }

    /** Goes on by the spec that was accepted last: its versions have live requests, whatever the present spec says. */
    private Optional<Instant> hold(JsonNode release, List<JsonNode> owned, Decision blocked) {
        Optional<Actions> accepted =
                revisions(owned).reduce((_, newer) -> newer).flatMap(revision -> earlier(release, revision, owned));
        if (accepted.isPresent()) {
            Decision decision = accepted.get().decide();
            if (decision.status().phase() != Decision.Phase.STALLED) {
                return carryOut(release, decision.inPlaceOf(blocked), accepted.get());
            }
        }
        report(release, blocked);
        return blocked.wake();
    }

    /** What is done by a spec that was accepted; empty if this operator does not understand it. */
    private Optional<Actions> earlier(JsonNode release, JsonNode revision, List<JsonNode> owned) {
        ObjectNode before = release.deepCopy();
        before.set("spec", revision.at("/data/spec"));
        return ReleaseSpec.parse(before) instanceof ReleaseSpec.Parsed.Valid(Release parsed, var _)
                ? Optional.of(new Actions(before, parsed, owned))
                : Optional.empty();
    }

    /**
     * A route that the server refuses must not leave requests with what was ready once: the newest accepted spec whose
     * route it takes says where they go.
     */
    private void earlierRoute(JsonNode spec, JsonNode release, List<JsonNode> owned) {
        for (JsonNode revision : revisions(owned).toList().reversed()) {
            Optional<Actions> earlier =
                    revision.at("/data/spec").equals(spec) ? Optional.empty() : earlier(release, revision, owned);
            if (earlier.isPresent()) {
                List<Action> route = earlier.get().decide().actions().stream()
                        .filter(Action.ApplyRoute.class::isInstance)
                        .toList();
                if (earlier.get().run(route).isEmpty()) {
                    return;
                }
            }
        }
    }

    /** The accepted specs, the oldest first. */
    private static Stream<JsonNode> revisions(List<JsonNode> owned) {
        return owned.stream()
                .filter(one -> one.path("kind").asText().equals(ObjectKind.CONTROLLER_REVISION.kind()))
                .sorted(Comparator.comparingLong(one -> one.path("revision").asLong()));
    }

    /** Tells that a release is gone. */
    void forget(String namespace, String release) {
        applied.remove(namespace + "/" + release);
    }

    private Optional<Instant> carryOut(JsonNode object, Decision decision, Actions actions) {
        // that something is refused stays said until everything went through
        Optional<String> refusedBefore = ReleaseStatus.of(object)
                .condition("Ready")
                .filter(ready -> ready.reason().equals(Decision.REFUSED))
                .map(ReleaseStatus.Condition::message);
        // how versions stand is on record before requests are moved by it
        if (!report(object, refusedBefore.map(decision::refused).orElse(decision))) {
            return Optional.empty();
        }
        List<World.Refused> refused = actions.run(decision.actions());
        if (!refused.isEmpty()) {
            if (actions.routeRefused) {
                earlierRoute(actions.release.path("spec"), object, actions.owned);
            }
            report(
                    object,
                    decision.refused(refused.stream()
                            .map(one -> String.valueOf(one.getMessage()))
                            .collect(Collectors.joining("; "))));
            // whoever can mend it may not touch a watched object
            Instant again = clock.instant().plus(AFTER_REFUSAL);
            return decision.wake().filter(time -> time.isBefore(again)).or(() -> Optional.of(again));
        }
        if (refusedBefore.isPresent()) {
            report(object, decision);
        }
        return decision.wake();
    }

    /** Writes the status if it differs; false if somebody else wrote meanwhile, which ends the pass. */
    private boolean report(JsonNode release, Decision decision) {
        ReleaseStatus before = ReleaseStatus.of(release);
        ReleaseStatus after = ReleaseStatus.after(release, decision, clock.instant());
        if (after.equals(before)) {
            return true;
        }
        if (!world.writeStatus(release, after.toJson())) {
            return false;
        }
        Decision.Status status = decision.status();
        Decision.Acceptance acceptance = status.acceptance();
        boolean unserved = Boolean.FALSE.equals(acceptance.accepted());
        if (!reason(before).equals(status.reason())) {
            String type = unserved || status.phase() == Decision.Phase.STALLED ? "Warning" : "Normal";
            world.event(release, type, status.reason(), status.message());
        }
        if (!accepted(before).equals(acceptance.reason())
                && acceptance.reason().equals(Decision.Acceptance.NOT_REPORTED)) {
            world.event(release, "Warning", acceptance.reason(), acceptance.message());
        }
        return true;
    }

    /** By which a Service finds a Deployment's pods; a Service has no expressions, so without labels it is those of the pods. */
    private static JsonNode selector(JsonNode deployment) {
        JsonNode labels = deployment.at("/spec/selector/matchLabels");
        return (labels.isEmpty() ? deployment.at("/spec/template/metadata/labels") : labels).deepCopy();
    }

    private static String accepted(ReleaseStatus status) {
        return status.condition(ReleaseStatus.ROUTE_ACCEPTED)
                .map(ReleaseStatus.Condition::reason)
                .orElse("");
    }

    private static String reason(ReleaseStatus status) {
        return status.condition("Ready").map(ReleaseStatus.Condition::reason).orElse("");
    }

    /** What one decision does, in order; knows in the end which objects it has a use for. */
    private final class Actions {
        private final JsonNode release;
        private final Release parsed;
        private final TrafficRouter router;
        private final ReleaseObserver observer;
        private final ReleaseObjects objects;
        private final List<JsonNode> owned;
        private final Map<String, ObjectNode> remembered;
        private final Set<String> used = new HashSet<>();
        private boolean routeRefused;

        /** @param release with the spec that is carried out */
        Actions(JsonNode release, Release parsed, List<JsonNode> owned) {
            String uid = release.path("metadata").path("uid").asText();
            this.release = release;
            this.parsed = parsed;
            this.router = routers.require(parsed.router());
            this.observer = new ReleaseObserver(world, gateways, routers, parsed, uid, owned);
            this.objects = new ReleaseObjects(parsed, uid);
            this.owned = owned;
            this.remembered =
                    applied.computeIfAbsent(parsed.namespace() + "/" + parsed.name(), _ -> new ConcurrentHashMap<>());
        }

        Decision decide() {
            return ReleaseDecider.decide(parsed, observer.observe(ReleaseStatus.of(release)), clock.instant());
        }

        /**
         * Runs them in order. One that fails keeps none from being tried that moves requests: those must follow what is
         * ready also while a version cannot be applied. Nothing is deleted then.
         *
         * @return what the server refused
         * @throws RuntimeException what else went wrong, which is worth another try; the first carries all others
         */
        List<World.Refused> run(List<Action> actions) {
            List<World.Refused> refused = new ArrayList<>();
            List<RuntimeException> failed = new ArrayList<>();
            for (Action action : actions) {
                boolean routes = action instanceof Action.ApplyRoute;
                boolean deletes = action instanceof Action.Prune;
                if (!failed.isEmpty() && !routes || !refused.isEmpty() && deletes) {
                    continue;
                }
                try {
                    run(action);
                } catch (World.Refused one) {
                    refused.add(one);
                    routeRefused |= routes;
                } catch (RuntimeException one) {
                    // a spec that is not on record is not acted on
                    if (action instanceof Action.RecordRevision) {
                        throw one;
                    }
                    failed.add(one);
                }
            }
            if (!failed.isEmpty()) {
                RuntimeException first = failed.removeFirst();
                failed.forEach(first::addSuppressed);
                refused.forEach(first::addSuppressed);
                throw first;
            }
            return refused;
        }

        private void run(Action action) {
            switch (action) {
                case Action.RecordRevision _ -> record();
                case Action.ApplyVersion(Release.Version version) -> apply(version);
                case Action.ApplyEntrance _ -> apply(objects.entrance(router));
                case Action.Warn(String reason, String message) -> world.event(release, "Warning", reason, message);
                case Action.ApplyWeightConfig(String version, int weight, int specWeight) ->
                    weightConfig(objects.weightConfig(version, weight, specWeight));
                // never left out: the decision asks for it only when the route says something else
                case Action.ApplyRoute(var plan) -> world.apply(objects.route(router, plan));
                case Action.Prune(Set<String> keep, boolean routes) -> prune(keep, routes);
            }
        }

        private void apply(Release.Version version) {
            if (version.existing() == null) {
                apply(objects.deployment(version));
                apply(objects.service(version));
            } else {
                observer.existing(version)
                        .map(ReleaseLoop::selector)
                        .ifPresent(selector -> apply(objects.service(version, selector)));
            }
        }

        private void apply(ObjectNode wanted) {
            used.add(key(wanted));
            if (!present(wanted) || !wanted.equals(remembered.get(key(wanted)))) {
                world.apply(wanted);
                remembered.put(key(wanted), wanted);
            }
        }

        /**
         * Left alone as long as it says what is wanted, and else written only as it was seen: a user may change its
         * annotation at this very moment.
         */
        private void weightConfig(ObjectNode wanted) {
            used.add(key(wanted));
            if (present(wanted)) {
                return;
            }
            ObjectNode next = wanted.deepCopy();
            owned.stream()
                    .filter(object -> key(object).equals(key(wanted)))
                    .findFirst()
                    .ifPresent(seen -> next.withObject("/metadata")
                            .set("resourceVersion", seen.path("metadata").path("resourceVersion")));
            world.apply(next);
        }

        private boolean present(ObjectNode wanted) {
            return owned.stream()
                    .filter(object -> key(object).equals(key(wanted)))
                    .anyMatch(object -> SameJson.within(wanted, object));
        }

        private static String key(JsonNode object) {
            JsonNode metadata = object.path("metadata");
            return object.path("kind").asText() + "/" + metadata.path("name").asText();
        }

        private void prune(Set<String> keep, boolean routes) {
            String route = router.kind().kind() + "/" + parsed.service();
            for (JsonNode object : owned) {
                if (!used.contains(key(object)) && !key(object).equals(route) && prunable(object, keep, routes)) {
                    world.delete(object);
                    remembered.remove(key(object));
                }
            }
        }

        private static boolean prunable(JsonNode object, Set<String> keep, boolean routes) {
            String kind = object.path("kind").asText();
            if (kind.equals(ObjectKind.CONTROLLER_REVISION.kind()) || kind.equals(ObjectKind.ENDPOINT_SLICE.kind())) {
                return false;
            }
            if (kind.equals(ObjectKind.CONFIG_MAP.kind())) {
                return true;
            }
            JsonNode version = object.path("metadata").path("labels").path(ReleaseObjects.VERSION);
            return version.isTextual() ? !keep.contains(version.asText()) : routes;
        }

        private void record() {
            ObjectNode wanted = objects.revision(
                    release.path("spec"),
                    release.path("metadata").path("generation").asLong());
            List<JsonNode> revisions = revisions(owned).toList();
            // a spec that comes back is the newest again
            boolean newest = !revisions.isEmpty() && key(revisions.getLast()).equals(key(wanted));
            if (!newest) {
                world.apply(wanted);
            }
            revisions.stream()
                    .limit(Math.max(0, revisions.size() - KEPT_REVISIONS))
                    .filter(one -> !key(one).equals(key(wanted)))
                    .forEach(world::delete);
        }
    }
}
