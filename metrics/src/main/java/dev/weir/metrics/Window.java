package dev.weir.metrics;

import dev.weir.metrics.Statistics.Meaning;
import dev.weir.metrics.Subject.Version;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What versions did to requests between two times.
 *
 * @param statistics whose words they were counted in; empty if nothing was counted
 * @param from of the first reading; empty for all that was counted since the proxies began
 * @param to of the last reading
 * @param versions what is known of each of the subject's versions, in its order; a version whose requests nobody counts has no
 *     counts, which is not the same as no requests
 */
public record Window(
        Optional<Statistics> statistics, Optional<Instant> from, Instant to, Map<String, Optional<Counts>> versions) {
    /**
     * One version's requests. Whole numbers as long as proxies count so.
     *
     * @param seenAt whose proxies counted them
     * @param errors of the requests: 5xx, failures of gRPC that are the server's, and what was not answered
     * @param unanswered of the errors: what no pod answered, so that a proxy had to
     * @param latency of the requests that took a time that somebody measured
     */
    public record Counts(Side seenAt, double requests, double errors, double unanswered, Histogram latency) {
        /** 0 to 1; empty without requests. */
        public OptionalDouble errorRate() {
            return requests > 0 ? OptionalDouble.of(Math.min(1, errors / requests)) : OptionalDouble.empty();
        }
    }

    /** Of one version; empty if nobody counts its requests. */
    public Optional<Counts> of(String version) {
        return versions.getOrDefault(version, Optional.empty());
    }

    /** Empty for a window without a begin, or without a length. */
    public Optional<Duration> length() {
        return from.map(begin -> Duration.between(begin, to)).filter(Duration::isPositive);
    }

    /**
     * What was counted from the first reading to the last. A process that began anew in between counts from zero. A counter that
     * is new where its process answered before counts from zero too; one of a process that had not been heard of counts from its
     * first reading, since nobody knows how much of it is old.
     *
     * @param readings oldest first, at least two
     */
    public static Window over(List<Reading> readings, Subject subject) {
        if (readings.size() < 2) {
            throw new IllegalArgumentException("a window needs two readings but there are " + readings.size());
        }
        Growth growth = new Growth(readings.getFirst());
        readings.stream().skip(1).forEach(growth::follow);
        return of(
                growth.total(),
                subject,
                Optional.of(readings.getFirst().at()),
                readings.getLast().at());
    }

    /** All that the processes have counted since they began. */
    public static Window sinceBegin(Reading reading, Subject subject) {
        return of(reading.values(), subject, Optional.empty(), reading.at());
    }

    private static Window of(Map<Counter, Double> grown, Subject subject, Optional<Instant> from, Instant to) {
        for (Statistics statistics : Statistics.values()) {
            Map<Version, Map<Side, Tally>> tallies = new LinkedHashMap<>();
            grown.forEach((counter, by) -> statistics
                    .meaning(counter, subject)
                    .ifPresent(meaning -> tally(tallies, meaning).add(meaning, by)));
            if (!tallies.isEmpty()) {
                Map<String, Optional<Counts>> versions = new LinkedHashMap<>();
                subject.versions()
                        .forEach(one ->
                                versions.put(one.name(), counts(statistics, one, tallies.getOrDefault(one, Map.of()))));
                return new Window(Optional.of(statistics), from, to, versions);
            }
        }
        Map<String, Optional<Counts>> none = new LinkedHashMap<>();
        subject.versions().forEach(one -> none.put(one.name(), Optional.empty()));
        return new Window(Optional.empty(), from, to, none);
    }

    private static Tally tally(Map<Version, Map<Side, Tally>> tallies, Meaning meaning) {
        return tallies.computeIfAbsent(meaning.version(), _ -> new LinkedHashMap<>())
                .computeIfAbsent(meaning.side(), _ -> new Tally());
    }

    /** Copies are seen by servers only; of everything else the callers know more. */
    private static Optional<Counts> counts(Statistics statistics, Version version, Map<Side, Tally> tallies) {
        List<Side> order = version.onlyCopies()
                ? List.of(Side.SERVERS, Side.CLUSTERS, Side.CALLERS)
                : List.of(Side.CALLERS, Side.CLUSTERS, Side.SERVERS);
        for (Side side : order) {
            Tally tally = tallies.get(side);
            if (tally != null && tally.countsRequests()) {
                return Optional.of(new Counts(
                        side,
                        tally.of(Statistics.Kind.REQUESTS),
                        tally.of(Statistics.Kind.ERRORS),
                        statistics.unanswered(tally),
                        tally.millis()));
            }
        }
        return Optional.empty();
    }
}
