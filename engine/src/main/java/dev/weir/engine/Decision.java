package dev.weir.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What to do now and what to tell the user.
 *
 * @param actions in order
 * @param why every rule that fired, as sentences
 * @param wake when to decide again although nothing has changed; empty if only a change matters
 */
public record Decision(Status status, List<Action> actions, List<String> why, Optional<Instant> wake) {
    /** The reason where the server refused a part of what was decided. */
    public static final String REFUSED = "Refused";

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

    /**
     * This decision, made from an earlier spec, in the place of one that can do nothing with the present spec: who gets
     * requests still follows from what is ready.
     */
    public Decision inPlaceOf(Decision blocked) {
        Status held = new Status(
                blocked.status.phase,
                blocked.status.reason,
                blocked.status.message,
                status.acceptance,
                status.traffic,
                status.versions);
        List<String> all = new ArrayList<>(blocked.why);
        all.add("until then the spec that was accepted before holds");
        all.addAll(why);
        Optional<Instant> first =
                Stream.of(wake, blocked.wake).flatMap(Optional::stream).min(Comparator.naturalOrder());
        return new Decision(held, actions, all, first);
    }

    /** This decision, told as one of which the server refused a part. */
    public Decision refused(String message) {
        Status told = new Status(Phase.STALLED, REFUSED, message, status.acceptance, status.traffic, status.versions);
        List<String> all = new ArrayList<>(List.of("the server refused " + message));
        all.addAll(why);
        return new Decision(told, actions, all, wake);
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
