package dev.weir.engine;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of a version's readiness from one decision to the next.
 *
 * <p>A version gets requests as soon as it is ready for the first time. One that was ready, lost its last ready pod and
 * is ready again must stay so for {@link #STABLE} before it gets requests again, so that a flapping pod does not drag
 * the route along with it.
 *
 * @param readySince null while it is not ready
 * @param interrupted true from the loss of the last ready pod until it has been stable again
 */
public record Standing(@Nullable Instant readySince, boolean interrupted) {
    /** How long readiness must last after an interruption. */
    public static final Duration STABLE = Duration.ofSeconds(5);

    /** Never seen ready. */
    public static final Standing NEW = new Standing(null, false);

    /** How it stands after it was seen ready or not at {@code now}. */
    public Standing after(boolean ready, Instant now) {
        if (!ready) {
            return new Standing(null, interrupted || readySince != null);
        }
        Instant since = readySince == null ? now : readySince;
        return new Standing(since, interrupted && now.isBefore(since.plus(STABLE)));
    }

    /** True if it may get requests. */
    public boolean admitted() {
        return readySince != null && !interrupted;
    }
}
