package dev.weir.engine;

import java.util.List;

/**
 * What to do now and what to tell the user.
 *
 * @param actions in order
 * @param why every rule that fired, as sentences
 */
public record Decision(Status status, List<Action> actions, List<String> why) {
    public Decision {
        actions = List.copyOf(actions);
        why = List.copyOf(why);
    }

    /** Where the release stands. */
    public enum Phase {
        READY,
        RECONCILING,
        STALLED
    }

    /**
     * @param reason CamelCase, part of the API
     * @param candidate names of the candidates, joined with commas; may be empty
     * @param weight the mirror percentage in force; empty without one
     */
    public record Status(
            Phase phase,
            String reason,
            String message,
            String primary,
            String candidate,
            String weight,
            List<VersionStatus> versions) {
        public Status {
            versions = List.copyOf(versions);
        }
    }

    /** One version, for the user. */
    public record VersionStatus(
            String name, String role, boolean ready, int readyReplicas, int replicas, String weight) {}
}
