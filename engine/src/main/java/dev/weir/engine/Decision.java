package dev.weir.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What to do now and what to tell the user.
 *
 * @param actions in order
 * @param why every rule that fired, as sentences
 * @param wake when to decide again although nothing has changed; empty if only a change matters
 */
public record Decision(Status status, List<Action> actions, List<String> why, Optional<Instant> wake) {
    public Decision {
        actions = List.copyOf(actions);
        why = List.copyOf(why);
    }

    /** The same decision, with more to tell. */
    public Decision withWhy(List<String> more) {
        if (more.isEmpty()) {
            return this;
        }
        List<String> all = new ArrayList<>(why);
        all.addAll(more);
        return new Decision(status, actions, all, wake);
    }

    /** Where the release stands. */
    public enum Phase {
        READY,
        RECONCILING,
        STALLED
    }

    /**
     * @param reason CamelCase, part of the API
     * @param acceptance whether the places where the route is to be served serve it
     */
    public record Status(
            Phase phase,
            String reason,
            String message,
            Acceptance acceptance,
            Traffic traffic,
            List<VersionStatus> versions) {
        public Status {
            versions = List.copyOf(versions);
        }

        /** A release that only a change of its spec or of the cluster can help. */
        public static Status stalled(String reason, String message) {
            return new Status(
                    Phase.STALLED, reason, message, Acceptance.UNKNOWN, new Traffic("", "", "", "", null), List.of());
        }
    }

    /**
     * What those say who carry the traffic.
     *
     * @param accepted null if nothing is known
     * @param reason CamelCase, part of the API
     */
    public record Acceptance(@Nullable Boolean accepted, String reason, String message) {
        /** The reason where somebody was to say so and has not. */
        public static final String NOT_REPORTED = "NotReported";

        /** The route is not in force, or has only just come to be. */
        public static final Acceptance UNKNOWN = new Acceptance(null, "Pending", "the route is not in force yet");
    }

    /**
     * Which version is what to users' requests; each may be empty.
     *
     * @param serving the one that answers, as last observed
     * @param routed since when the wanted plan has been seen in force; null while it is not
     * @param candidate names of the candidates, joined with commas
     * @param weight the mirror percentages or weights in the order of the candidates, joined with commas
     */
    public record Traffic(
            String primary,
            String serving,
            String candidate,
            String weight,
            @Nullable Routed routed) {}

    /** What a version is in its release. */
    public enum Role {
        PRIMARY,
        CANDIDATE,
        /** The spec has dropped it; it goes on until its successor is there. */
        RETIRING
    }

    /**
     * One version, for the user.
     *
     * @param hash of its template; empty for one that the spec has dropped
     * @param weight the mirror percentage or weight in force; empty without one
     * @param seen with the standing as it is after this decision
     */
    public record VersionStatus(String name, String hash, Role role, String weight, Observed.Version seen) {}
}
