package dev.weir.local;

import java.time.Instant;
import java.util.Optional;

/**
 * What there is to say about one container.
 *
 * @param last how the run before the present one ended
 * @param ready whether it may get requests
 * @param started whether its startup probe, if any, has succeeded
 * @param restarts how often it was started again, over the whole life of the pod
 * @param id of the present or last run; empty before the first
 */
record ContainerView(
        String name,
        String image,
        State state,
        Optional<State.Terminated> last,
        boolean ready,
        boolean started,
        int restarts,
        String id) {

    /** What a container is doing. */
    sealed interface State {
        /** Not running yet, or not running for a while; {@code message} may be empty. */
        record Waiting(String reason, String message) implements State {}

        record Running(Instant since) implements State {}

        /** @param reason {@code Completed} or {@code Error} */
        record Terminated(int code, String reason, String message, Instant started, Instant finished)
                implements State {}
    }

    static ContainerView created(String name, String image, int restarts) {
        return new ContainerView(
                name, image, new State.Waiting("ContainerCreating", ""), Optional.empty(), false, false, restarts, "");
    }

    boolean running() {
        return state instanceof State.Running;
    }

    /** The exit code, if it is terminated. */
    Optional<Integer> exitCode() {
        return state instanceof State.Terminated end ? Optional.of(end.code()) : Optional.empty();
    }

    ContainerView waiting(String reason, String message) {
        Optional<State.Terminated> before = state instanceof State.Terminated end ? Optional.of(end) : last;
        return new ContainerView(name, image, new State.Waiting(reason, message), before, false, false, restarts, id);
    }

    /** A run that begins; {@code again} if there was one before. */
    ContainerView running(String runImage, String runId, Instant since, boolean again) {
        Optional<State.Terminated> before = state instanceof State.Terminated end ? Optional.of(end) : last;
        return new ContainerView(
                name, runImage, new State.Running(since), before, false, false, again ? restarts + 1 : restarts, runId);
    }

    ContainerView terminated(State.Terminated end) {
        return new ContainerView(name, image, end, last, false, false, restarts, id);
    }

    ContainerView withReady(boolean now) {
        return new ContainerView(name, image, state, last, now, started, restarts, id);
    }

    ContainerView withStarted(boolean now) {
        return new ContainerView(name, image, state, last, ready, now, restarts, id);
    }
}
