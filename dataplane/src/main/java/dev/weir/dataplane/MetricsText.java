package dev.weir.dataplane;

import dev.weir.dataplane.Series.Histogram;
import dev.weir.dataplane.Series.Labels;
import java.util.Map;
import java.util.function.Function;

/** Writes Prometheus' text format, labels in the order of Istio's proxies. */
final class MetricsText {
    /** What Istio calls the cluster of a mesh that has one. */
    private static final String CLUSTER = "Kubernetes";

    private final StringBuilder out = new StringBuilder();

    void requests(Map<Labels, Series> series) {
        head("istio_requests_total", "counter", "Requests that ended.");
        series.forEach((key, values) -> line("istio_requests_total", labels(key), values.count.sum()));
        histogram(
                "istio_request_duration_milliseconds",
                "From a request's begin to its answer's end.",
                series,
                s -> s.millis);
        histogram("istio_request_bytes", "Sizes of request bodies.", series, s -> s.requestBytes);
        histogram("istio_response_bytes", "Sizes of response bodies.", series, s -> s.responseBytes);
    }

    /** @param values by labels, which are empty or as they are written */
    void counter(String name, String help, Map<String, Long> values) {
        head(name, "counter", help);
        values.forEach((labels, value) -> line(name, labels, value));
    }

    void gauge(String name, String help, long value) {
        head(name, "gauge", help);
        line(name, "", value);
    }

    private void head(String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private void line(String name, String labels, Number value) {
        out.append(name);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        out.append(' ').append(value).append('\n');
    }

    private void histogram(String name, String help, Map<Labels, Series> series, Function<Series, Histogram> of) {
        head(name, "histogram", help);
        series.forEach((key, values) -> {
            String labels = labels(key);
            Histogram histogram = of.apply(values);
            long below = 0;
            for (int i = 0; i <= Series.BUCKETS.length; i++) {
                below += histogram.bucket(i);
                String bound = i == Series.BUCKETS.length ? "+Inf" : bound(Series.BUCKETS[i]);
                line(name + "_bucket", labels + ",le=\"" + bound + "\"", below);
            }
            line(name + "_sum", labels, histogram.sum());
            line(name + "_count", labels, below);
        });
    }

    private static String bound(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    private static String labels(Labels key) {
        StringBuilder labels = new StringBuilder(700);
        label(labels, "reporter", key.reporter());
        peer(labels, "source", key.source());
        peer(labels, "destination", key.destination());
        label(labels, "destination_service", key.service().host());
        label(labels, "destination_service_name", key.service().name());
        label(labels, "destination_service_namespace", key.service().namespace());
        label(labels, "request_protocol", key.protocol());
        label(labels, "response_code", Integer.toString(key.result().code()));
        label(labels, "grpc_response_status", key.grpcStatus());
        label(labels, "response_flags", key.result().flags());
        label(labels, "connection_security_policy", key.reporter().equals("source") ? "unknown" : "none");
        labels.setLength(labels.length() - 1);
        return labels.toString();
    }

    private static void peer(StringBuilder labels, String side, Peer peer) {
        label(labels, side + "_workload", peer.workload());
        label(labels, side + "_canonical_service", peer.canonicalService());
        label(labels, side + "_canonical_revision", peer.canonicalRevision());
        label(labels, side + "_workload_namespace", peer.namespace());
        label(labels, side + "_principal", "unknown");
        label(labels, side + "_app", peer.app());
        label(labels, side + "_version", peer.version());
        label(labels, side + "_cluster", peer.equals(Peer.UNKNOWN) ? "unknown" : CLUSTER);
    }

    private static void label(StringBuilder labels, String name, String value) {
        labels.append(name).append("=\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '\\' -> labels.append("\\\\");
                case '"' -> labels.append("\\\"");
                case '\n' -> labels.append("\\n");
                default -> labels.append(c);
            }
        }
        labels.append("\",");
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
