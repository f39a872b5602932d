package dev.weir.engine;

import java.util.Set;

/** Something that the shell does for a release. Each is idempotent; they run in order. */
public sealed interface Action {
    /** Keeps the accepted spec as a revision. */
    record RecordRevision() implements Action {}

    /** Makes the version's Deployment and Service what the spec says. */
    record ApplyVersion(Release.Version version) implements Action {}

    /** Makes the application's own Service. */
    record ApplyEntrance() implements Action {}

    /** Writes the object whose annotation may override a version's weight. */
    record ApplyWeightConfig(String version, int weight, int specWeight) implements Action {}

    /**
     * Tells users, once, of something that is not done, since what asked for it does not last.
     *
     * @param reason CamelCase, part of the API
     */
    record Warn(String reason, String message) implements Action {}

    /** Puts a traffic plan in force. */
    record ApplyRoute(TrafficPlan plan) implements Action {}

    /**
     * Deletes what the release owns and this decision has no use for.
     *
     * @param keep versions that still have a use, wanted or not
     * @param routes also what leads clients to them: routing objects and Services that the release made under another
     *     name or router
     */
    record Prune(Set<String> keep, boolean routes) implements Action {
        public Prune {
            keep = Set.copyOf(keep);
        }
    }
}
