package dev.weir.engine;

import java.time.Duration;
import java.time.Instant;

/**
 * Since when a plan has been seen in force.
 *
 * @param plan its {@link TrafficPlan#fingerprint()}
 */
public record Routed(String plan, Instant since) {
    /** What proxies are given to take a route after the API first showed it. */
    public static final Duration SETTLE = Duration.ofSeconds(2);

    /** When proxies are taken to follow the plan. */
    public Instant settled() {
        return since.plus(SETTLE);
    }
}
