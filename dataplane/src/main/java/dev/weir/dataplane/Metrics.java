package dev.weir.dataplane;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Request metrics in Istio's names and labels, and the data plane's own. Safe for concurrent use. */
final class Metrics {
    private static final double[] BUCKETS = {
        0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
        3_600_000
    };

    private final Map<Series, Values> series = new ConcurrentHashMap<>();
    private final LongAdder mirrorsDropped = new LongAdder();
    private final LongAdder mirrorsSent = new LongAdder();

    /** One label set. */
    record Series(String reporter, Workload source, Workload destination, String host, int code, String flags) {}

    private static final class Values {
        final LongAdder count = new LongAdder();
        final DoubleAdder sumMillis = new DoubleAdder();
        final LongAdder[] buckets = new LongAdder[BUCKETS.length + 1];

        Values() {
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }
    }

    /** Counts a finished request at the caller and, if it reached a pod, at the pod. */
    void request(Workload source, Workload destination, String host, int code, String flags, long nanos) {
        add(new Series("source", source, destination, host, code, flags), nanos);
        if (!destination.equals(Workload.UNKNOWN)) {
            add(new Series("destination", source, destination, host, code, flags), nanos);
        }
    }

    private void add(Series key, long nanos) {
        Values values = series.computeIfAbsent(key, _ -> new Values());
        double millis = nanos / 1e6;
        values.count.increment();
        values.sumMillis.add(millis);
        int bucket = 0;
        while (bucket < BUCKETS.length && millis > BUCKETS[bucket]) {
            bucket++;
        }
        values.buckets[bucket].increment();
    }

    void mirrorDropped() {
        mirrorsDropped.increment();
    }

    void mirrorSent() {
        mirrorsSent.increment();
    }

    /** Prometheus text format. */
    String text() {
        StringBuilder out = new StringBuilder("# TYPE istio_requests_total counter\n");
        series.forEach((key, values) -> out.append("istio_requests_total{")
                .append(labels(key))
                .append("} ")
                .append(values.count.sum())
                .append('\n'));
        out.append("# TYPE istio_request_duration_milliseconds histogram\n");
        series.forEach((key, values) -> histogram(out, labels(key), values));
        out.append("# TYPE weir_mirrored_requests_total counter\nweir_mirrored_requests_total ")
                .append(mirrorsSent.sum())
                .append("\n# TYPE weir_mirrored_requests_dropped_total counter\nweir_mirrored_requests_dropped_total ")
                .append(mirrorsDropped.sum())
                .append('\n');
        return out.toString();
    }

    private static void histogram(StringBuilder out, String labels, Values values) {
        long below = 0;
        for (int i = 0; i <= BUCKETS.length; i++) {
            below += values.buckets[i].sum();
            String bound = i == BUCKETS.length ? "+Inf" : bound(BUCKETS[i]);
            out.append("istio_request_duration_milliseconds_bucket{")
                    .append(labels)
                    .append(",le=\"")
                    .append(bound)
                    .append("\"} ")
                    .append(below)
                    .append('\n');
        }
        out.append("istio_request_duration_milliseconds_sum{")
                .append(labels)
                .append("} ")
                .append(values.sumMillis.sum());
        out.append("\nistio_request_duration_milliseconds_count{")
                .append(labels)
                .append("} ");
        out.append(values.count.sum()).append('\n');
    }

    private static String bound(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    private static String labels(Series key) {
        Workload from = key.source();
        Workload to = key.destination();
        String service =
                key.host().contains(".") ? key.host().substring(0, key.host().indexOf('.')) : key.host();
        return "reporter=\"" + key.reporter() + "\",source_workload=\"" + from.workload()
                + "\",source_workload_namespace=\"" + from.namespace() + "\",source_app=\"" + from.label("app")
                + "\",source_version=\"" + from.label("version") + "\",destination_workload=\"" + to.workload()
                + "\",destination_workload_namespace=\"" + to.namespace() + "\",destination_app=\"" + to.label("app")
                + "\",destination_version=\"" + to.label("version") + "\",destination_service=\"" + key.host()
                + "\",destination_service_name=\"" + service + "\",destination_service_namespace=\"" + to.namespace()
                + "\",request_protocol=\"http\",response_code=\"" + key.code() + "\",response_flags=\""
                + key.flags() + "\",connection_security_policy=\""
                + (key.reporter().equals("source") ? "unknown" : "none") + "\"";
    }
}
