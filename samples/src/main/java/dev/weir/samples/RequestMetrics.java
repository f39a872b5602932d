package dev.weir.samples;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Requests in Prometheus' text format: {@code http_requests_total} by status, {@code http_request_duration_seconds} by
 * method, path and status with the client libraries' usual buckets. Thread-safe.
 */
final class RequestMetrics {
    private static final double[] BUCKETS = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

    private final Map<String, Long> counts = new TreeMap<>();
    private final Map<String, Histogram> histograms = new TreeMap<>();

    private static final class Histogram {
        private final long[] upTo = new long[BUCKETS.length];
        private long count;
        private double sum;
    }

    /** @param path a name of the route, one of few */
    synchronized void count(String method, String path, int status, double seconds) {
        counts.merge(Integer.toString(status), 1L, Long::sum);
        String labels = "method=\"%s\",path=\"%s\",status=\"%d\"".formatted(method, path, status);
        Histogram histogram = histograms.computeIfAbsent(labels, _ -> new Histogram());
        histogram.count++;
        histogram.sum += seconds;
        for (int bucket = 0; bucket < BUCKETS.length; bucket++) {
            if (seconds <= BUCKETS[bucket]) {
                histogram.upTo[bucket]++;
            }
        }
    }

    synchronized String text() {
        List<String> lines = new ArrayList<>();
        lines.add("# HELP http_request_duration_seconds Seconds spent serving HTTP requests.");
        lines.add("# TYPE http_request_duration_seconds histogram");
        histograms.forEach((labels, histogram) -> {
            for (int bucket = 0; bucket < BUCKETS.length; bucket++) {
                lines.add("http_request_duration_seconds_bucket{" + labels + ",le=\"" + plain(BUCKETS[bucket]) + "\"} "
                        + histogram.upTo[bucket]);
            }
            lines.add("http_request_duration_seconds_bucket{" + labels + ",le=\"+Inf\"} " + histogram.count);
            lines.add("http_request_duration_seconds_sum{" + labels + "} " + histogram.sum);
            lines.add("http_request_duration_seconds_count{" + labels + "} " + histogram.count);
        });
        lines.add("# HELP http_requests_total The total number of HTTP requests.");
        lines.add("# TYPE http_requests_total counter");
        counts.forEach((status, count) -> lines.add("http_requests_total{status=\"" + status + "\"} " + count));
        return String.join("\n", lines) + "\n";
    }

    private static String plain(double bound) {
        return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
    }
}
