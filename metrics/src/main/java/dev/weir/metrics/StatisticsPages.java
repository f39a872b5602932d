package dev.weir.metrics;

import dev.weir.metrics.Fetch.Answer;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Proxies' own pages in Prometheus' text format: {@code /stats/prometheus} of Envoy and of Weir's data plane. */
public final class StatisticsPages implements MetricProvider {
    /** Its name. */
    public static final String NAME = "stats";

    private static final String FORMAT = "text/plain; version=0.0.4";
    private static final int OK = 200;

    private final Clock clock;

    public StatisticsPages() {
        this(Clock.systemUTC());
    }

    StatisticsPages(Clock clock) {
        this.clock = clock;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean remembers() {
        return false;
    }

    /** @param places a page each; they are asked at once, and counted as one target each */
    @Override
    public Outcome read(List<Access> places, Subject subject, Duration past) throws InterruptedException {
        List<Future<Page>> pages = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            places.forEach(place -> pages.add(threads.submit(() -> page(place, subject))));
            Map<Counter, Double> values = new HashMap<>();
            Set<String> targets = new HashSet<>();
            for (Future<Page> asked : pages) {
                switch (asked.get()) {
                    case Page.Bad(Outcome.Failed failed) -> {
                        threads.shutdownNow();
                        return failed;
                    }
                    case Page.Good(String target, Map<Counter, Double> counters) -> {
                        targets.add(target);
                        values.putAll(counters);
                    }
                }
            }
            return new Outcome.Readings(List.of(new Reading(clock.instant(), values, targets)));
        } catch (ExecutionException bug) {
            throw new IllegalStateException(bug.getCause());
        }
    }

    private sealed interface Page {
        record Good(String target, Map<Counter, Double> counters) implements Page {}

        record Bad(Outcome.Failed failed) implements Page {}
    }

    private static Page page(Access place, Subject subject) throws InterruptedException {
        return switch (Fetch.get(place, FORMAT)) {
            case Answer.Nothing(String reason) -> bad(place, reason, true);
            case Answer.Response response
            when response.status() != OK -> bad(place, "answered " + response.status(), response.retryable());
            case Answer.Response response -> parse(place, response.body(), subject);
        };
    }

    private static Page parse(Access place, String text, Subject subject) {
        if (!text.isEmpty() && !text.endsWith("\n")) {
            return bad(place, "the page has no end", true);
        }
        PageParser parser = new PageParser(Statistics::mayMean);
        try {
            for (String line : (Iterable<String>) text.lines()::iterator) {
                parser.line(line);
            }
        } catch (PageParser.Malformed malformed) {
            return bad(place, "not Prometheus' text format, " + malformed.getMessage(), false);
        }
        String target = place.url().toString();
        Map<Counter, Double> counters = new HashMap<>();
        parser.values().forEach((counter, value) -> {
            if (Statistics.concerns(counter, subject)) {
                Map<String, String> labels = new LinkedHashMap<>(counter.labels());
                labels.put(Reading.TARGET, target);
                counters.put(new Counter(counter.name(), labels), value);
            }
        });
        return new Page.Good(target, counters);
    }

    private static Page bad(Access place, String reason, boolean retryable) {
        return new Page.Bad(new Outcome.Failed(place.url() + ": " + reason, retryable));
    }
}
