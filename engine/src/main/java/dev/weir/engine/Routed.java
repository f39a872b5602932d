package dev.weir.engine;

import java.time.Duration;
import java.time.Instant;

/**
 * Since when the wanted plan has been seen in force.
 *
 * @param route the routing object's revision and what is left of another router: {@code +} and the number of older routes
 *     beside it, {@code ~} while the application's Service is the other router's
 */
public record Routed(String route, Instant since) {
    /** What proxies are given to take a route after the API first showed it. */
    public static final Duration SETTLE = Duration.ofSeconds(2);

    /** When proxies are taken to follow the route. */
    public Instant settled() {
        return since.plus(SETTLE);
    }
}
