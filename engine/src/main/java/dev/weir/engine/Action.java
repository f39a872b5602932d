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

    /** Writes the object whose annotation may override a candidate's percentage. */
    record ApplyWeightConfig(String version, int percent, int specPercent) implements Action {}

    /** Puts a traffic plan in force. */
    record ApplyRoute(TrafficPlan plan) implements Action {}

    /** Removes the routing object. */
    record RemoveRoute() implements Action {}

    /** Deletes what belongs to other versions than these. */
    record Retire(Set<String> keep) implements Action {}
}
