package dev.weir.samples;

import java.time.Duration;

/** What a sample server answers; thread-safe. */
public abstract sealed class Sample permits HttpBin, Podinfo, Podinfo.MetricsOnly, Faults.Faulty {
    /** What the {@code Server} header says; empty for none. */
    abstract String server();

    abstract Answer answer(Asked asked);

    /**
     * Hears of each answer just before it is sent, so that counts never lag behind clients.
     *
     * @param took since the request was complete
     */
    void answered(Asked asked, Answer answer, Duration took) {
        // most do not count
    }
}
