package dev.weir.metrics;

import java.time.Duration;
import java.util.List;

/**
 * Reads request counters from where somebody keeps them.
 *
 * <p>Found by {@link java.util.ServiceLoader}. Implementations are stateless and safe for concurrent use; they block on the
 * network, report expected problems as values and never retry.
 */
public interface MetricProvider {
    /** What users call it, for example {@code prometheus}. */
    String name();

    /** True if it knows what the counters stood at some time ago; without memory one asks twice. */
    boolean remembers();

    /**
     * Reads every counter of every {@link Statistics} about the subject.
     *
     * @param places all are asked, and one that fails fails the reading: what is missing would look like no requests
     * @param past how far back the first reading is to lie, for a provider that remembers; zero for one reading of now
     * @return readings that {@link Window#over} takes; a provider without memory has one, of now
     */
    Outcome read(List<Access> places, Subject subject, Duration past) throws InterruptedException;
}
