package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.metrics.Access;
import dev.weir.metrics.Histogram;
import dev.weir.metrics.Statistics;
import dev.weir.metrics.Window;
import dev.weir.metrics.Window.Counts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** What was counted of a release's requests, as text and as data. */
record MetricsReport(Snapshot seen, MetricSource.Place place, Window window) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ABSENT = "-";
    private static final double MEDIAN = 0.5;
    private static final double P90 = 0.9;
    private static final double P99 = 0.99;
    private static final double MILLIS = 1000;

    String text(boolean wide) {
        List<String> headings = new ArrayList<>(
                List.of("VERSION", "ROLE", "TRAFFIC", "REQUESTS", "RATE", "ERRORS", "ERROR RATE", "P50", "P99"));
        if (wide) {
            headings.addAll(List.of("UNANSWERED", "MEAN", "P90", "COUNTED BY"));
        }
        Table table = new Table(headings.toArray(String[]::new));
        seen.versions().forEach(version -> table.add(row(version, wide)));
        return table + "\n" + footer() + "\n";
    }

    private Optional<Counts> counts(Snapshot.Version version) {
        return window.of(version.name());
    }

    private List<String> row(Snapshot.Version version, boolean wide) {
        Optional<Counts> counts = counts(version);
        Optional<Histogram> latency = counts.map(Counts::latency);
        List<String> row = new ArrayList<>(List.of(
                version.name(),
                version.role(),
                Traffic.words(seen.plan(), version.name()),
                number(counts.map(Counts::requests)),
                rate(counts).isPresent()
                        ? String.format(Locale.ROOT, "%.1f/s", rate(counts).getAsDouble())
                        : ABSENT,
                number(counts.map(Counts::errors)),
                counts.map(Counts::errorRate)
                        .filter(OptionalDouble::isPresent)
                        .map(rate -> String.format(Locale.ROOT, "%.2f %%", rate.getAsDouble() * 100))
                        .orElse(ABSENT),
                time(latency.map(one -> one.quantileMillis(MEDIAN))),
                time(latency.map(one -> one.quantileMillis(P99)))));
        if (wide) {
            row.addAll(List.of(
                    number(counts.map(Counts::unanswered)),
                    time(latency.map(Histogram::meanMillis)),
                    time(latency.map(one -> one.quantileMillis(P90))),
                    counts.map(one -> one.seenAt().word()).orElse(ABSENT)));
        }
        return row;
    }

    private OptionalDouble rate(Optional<Counts> counts) {
        return counts.isPresent() && window.length().isPresent()
                ? OptionalDouble.of(
                        counts.get().requests() / (window.length().get().toMillis() / MILLIS))
                : OptionalDouble.empty();
    }

    private static String number(Optional<Double> value) {
        return value.map(one -> one == Math.rint(one)
                        ? Long.toString(one.longValue())
                        : String.format(Locale.ROOT, "%.1f", one))
                .orElse(ABSENT);
    }

    private static String time(Optional<OptionalDouble> millis) {
        if (millis.isEmpty() || millis.get().isEmpty()) {
            return ABSENT;
        }
        double value = millis.get().getAsDouble();
        return value < 10
                ? String.format(Locale.ROOT, "%.1f ms", value)
                : value < 10 * MILLIS
                        ? String.format(Locale.ROOT, "%.0f ms", value)
                        : String.format(Locale.ROOT, "%.1f s", value / MILLIS);
    }

    private String footer() {
        String from =
                place.accesses().stream().map(Access::url).map(Object::toString).collect(Collectors.joining(", "));
        if (window.statistics().isEmpty()) {
            return "nothing is counted about these versions at " + from;
        }
        return window.length()
                        .map(length -> "in " + words(length.toMillis() / MILLIS))
                        .orElse("since the proxies began")
                + ", by the statistics of " + window.statistics().get().word() + " at " + from;
    }

    private static String words(double seconds) {
        return seconds == Math.rint(seconds)
                ? String.format(Locale.ROOT, "%.0f s", seconds)
                : String.format(Locale.ROOT, "%.1f s", seconds);
    }

    /** What is absent is left out. Times are in milliseconds. */
    ObjectNode data() {
        ObjectNode data = JSON.createObjectNode();
        data.put("name", Releases.name(seen.release())).put("namespace", Releases.namespace(seen.release()));
        ObjectNode source =
                data.putObject("source").put("provider", place.provider().name());
        place.accesses()
                .forEach(access -> source.withArray("/urls").add(access.url().toString()));
        window.statistics().map(Statistics::word).ifPresent(word -> source.put("statistics", word));
        ObjectNode time = data.putObject("window");
        window.from().ifPresent(from -> time.put("from", from.toString()));
        time.put("to", window.to().toString());
        window.length().ifPresent(length -> time.put("seconds", length.toMillis() / MILLIS));
        for (Snapshot.Version version : seen.versions()) {
            ObjectNode one = data.withArray("/versions").addObject();
            one.put("name", version.name()).put("role", version.role());
            one.put("traffic", Traffic.words(seen.plan(), version.name()));
            counts(version).ifPresent(counts -> add(one, counts));
        }
        return data;
    }

    private void add(ObjectNode one, Counts counts) {
        one.put("countedBy", counts.seenAt().word());
        put(one, "requests", OptionalDouble.of(counts.requests()));
        put(one, "requestsPerSecond", rate(Optional.of(counts)));
        put(one, "errors", OptionalDouble.of(counts.errors()));
        put(one, "unanswered", OptionalDouble.of(counts.unanswered()));
        put(one, "errorRate", counts.errorRate());
        Histogram latency = counts.latency();
        if (latency.count() > 0) {
            ObjectNode millis = one.putObject("latencyMillis");
            put(millis, "mean", latency.meanMillis());
            put(millis, "p50", latency.quantileMillis(MEDIAN));
            put(millis, "p90", latency.quantileMillis(P90));
            put(millis, "p99", latency.quantileMillis(P99));
            for (Histogram.Bucket bucket : latency.buckets()) {
                ObjectNode to = millis.withArray("/buckets").addObject();
                if (Double.isFinite(bucket.upToMillis())) {
                    put(to, "upTo", OptionalDouble.of(bucket.upToMillis()));
                }
                put(to, "count", OptionalDouble.of(bucket.count()));
            }
        }
    }

    /** Whole numbers without a point. */
    private static void put(ObjectNode into, String field, OptionalDouble value) {
        if (value.isPresent()) {
            double number = value.getAsDouble();
            if (number == Math.rint(number)) {
                into.put(field, (long) number);
            } else {
                into.put(field, number);
            }
        }
    }
}
