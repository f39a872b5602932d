package dev.weir.metrics;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Prometheus, or what answers its HTTP API (Thanos, Mimir, VictoriaMetrics).
 *
 * <p>It reads counters as they were scraped and takes differences itself: {@code increase()} extrapolates, so its numbers are
 * neither whole nor consistent with one another.
 */
public final class Prometheus implements MetricProvider {
    /** Its name. */
    public static final String NAME = "prometheus";

    /** A longer past is read in so many steps; a process that restarts twice within one is seen to restart once. */
    private static final int MOST_STEPS = 60;

    private static final Duration SHORTEST_STEP = Duration.ofSeconds(1);

    private final Clock clock;

    public Prometheus() {
        this(Clock.systemUTC());
    }

    Prometheus(Clock clock) {
        this.clock = clock;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean remembers() {
        return true;
    }

    /** @param places one, without {@code /api/v1} */
    @Override
    public Outcome read(List<Access> places, Subject subject, Duration past) throws InterruptedException {
        if (places.size() != 1) {
            return new Outcome.Failed("Prometheus is asked at one place, not at " + places.size(), false);
        }
        PrometheusApi api = new PrometheusApi(places.getFirst());
        Steps steps = Steps.back(past, clock.instant());
        for (Statistics statistics : Statistics.values()) {
            for (String selector : statistics.selectors(subject)) {
                Optional<Outcome.Failed> failed = steps.ask(api, selector, subject);
                if (failed.isPresent()) {
                    return failed.get();
                }
            }
        }
        return steps.ask(api, "up == 1", subject).<Outcome>map(failed -> failed).orElseGet(steps::readings);
    }

    /** The times of evaluation, and what was found at each. */
    private record Steps(Duration step, TreeMap<Instant, Map<Counter, Double>> values, Map<Instant, Set<String>> up) {
        static Steps back(Duration past, Instant now) {
            long count = past.isZero() ? 0 : Math.clamp(past.dividedBy(SHORTEST_STEP), 1, MOST_STEPS);
            Duration step = count == 0 ? SHORTEST_STEP : Duration.ofMillis(past.toMillis() / count);
            Steps steps = new Steps(step, new TreeMap<>(), new HashMap<>());
            Instant end = Instant.ofEpochMilli(now.toEpochMilli());
            for (long i = 0; i <= count; i++) {
                Instant at = end.minus(step.multipliedBy(i));
                steps.values.put(at, new HashMap<>());
                steps.up.put(at, new HashSet<>());
            }
            return steps;
        }

        Optional<Outcome.Failed> ask(PrometheusApi api, String selector, Subject subject) throws InterruptedException {
            return switch (api.range(selector, values.firstKey(), values.lastKey(), step)) {
                case PrometheusApi.Result.Failed(Outcome.Failed failed) -> Optional.of(failed);
                case PrometheusApi.Result.Found(List<PrometheusApi.Series> found) -> {
                    found.forEach(series -> add(series, subject));
                    yield Optional.empty();
                }
            };
        }

        private void add(PrometheusApi.Series series, Subject subject) {
            Counter counter = series.counter();
            boolean concerns = Statistics.concerns(counter, subject);
            series.values().forEach((at, value) -> {
                if (counter.name().equals("up") && up.containsKey(at)) {
                    up.get(at).add(counter.label(Reading.TARGET));
                } else if (concerns && values.containsKey(at)) {
                    values.get(at).put(counter, value);
                }
            });
        }

        Outcome readings() {
            List<Reading> readings = new ArrayList<>();
            values.forEach((at, counters) -> readings.add(new Reading(at, counters, up.getOrDefault(at, Set.of()))));
            return new Outcome.Readings(readings);
        }
    }
}
