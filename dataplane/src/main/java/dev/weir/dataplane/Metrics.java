package dev.weir.dataplane;

import dev.weir.dataplane.Series.Labels;
import dev.weir.dataplane.Series.Result;
import dev.weir.dataplane.Series.ServiceName;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * Request metrics in Istio's names and labels, and the data plane's own. Safe for concurrent use.
 *
 * <p>The number of series is bounded: beyond the bound both workloads are counted as {@code other}. Series of a workload
 * that has been gone for a while are removed; until then they are shown, so that nobody misses its last requests.
 */
final class Metrics {
    private final Map<Labels, Series> series = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> mirrorsDropped = new ConcurrentHashMap<>();
    private final LongAdder mirrorsSent = new LongAdder();
    private final LongAdder mirrorsEnded = new LongAdder();
    private final LongAdder folded = new LongAdder();
    private final DataPlaneOptions.Series bounds;
    private final LongSupplier nanoTime;
    /** Since when peers that have series are no workload's any more. Guarded by this. */
    private final Map<Peer, Long> goneSince = new HashMap<>();

    /** @param nanoTime a monotonic clock, in nanoseconds */
    Metrics(DataPlaneOptions.Series bounds, LongSupplier nanoTime) {
        this.bounds = bounds;
        this.nanoTime = nanoTime;
    }

    /**
     * Who sent what to whom, as far as is known.
     *
     * @param grpcStatus empty if the request was not of gRPC
     */
    record Request(
            Peer source,
            Peer destination,
            ServiceName service,
            String grpcStatus,
            long bytesIn,
            long bytesOut,
            long nanos) {}

    /** Counts a finished request at its caller. */
    void atSource(Request request, Result result) {
        add("source", request, result);
    }

    /** Counts what reached a pod there. */
    void atDestination(Request request, Result result) {
        add("destination", request, result);
    }

    private void add(String reporter, Request request, Result result) {
        String protocol = request.grpcStatus().isEmpty() ? "http" : "grpc";
        Labels key = new Labels(
                reporter,
                request.source(),
                request.destination(),
                request.service(),
                result,
                protocol,
                request.grpcStatus());
        Series found = series.get(key);
        if (found == null) {
            found = series.computeIfAbsent(bounded(key), _ -> new Series());
        }
        found.add(request.nanos(), request.bytesIn(), request.bytesOut());
    }

    private Labels bounded(Labels key) {
        if (series.size() < bounds.most()) {
            return key;
        }
        folded.increment();
        ServiceName other = new ServiceName("other", "other", "other");
        return new Labels(
                key.reporter(), Peer.OTHER, Peer.OTHER, other, key.result(), key.protocol(), key.grpcStatus());
    }

    /** @param reason in_flight, body_too_large, memory or no_endpoint */
    void mirrorDropped(String reason) {
        mirrorsDropped.computeIfAbsent(reason, _ -> new LongAdder()).increment();
    }

    void mirrorSent() {
        mirrorsSent.increment();
    }

    void mirrorEnded() {
        mirrorsEnded.increment();
    }

    /** Tells which workloads are there; the series of others go after the retention. */
    synchronized void live(Iterable<Workload> workloads) {
        Set<Peer> live = new HashSet<>(Set.of(Peer.UNKNOWN, Peer.OTHER));
        workloads.forEach(workload -> live.add(Peer.of(workload)));
        goneSince.keySet().removeAll(live);
        long now = nanoTime.getAsLong();
        for (Labels key : series.keySet()) {
            for (Peer peer : List.of(key.source(), key.destination())) {
                if (!live.contains(peer)) {
                    goneSince.putIfAbsent(peer, now);
                }
            }
        }
        removeGone(now);
    }

    private synchronized void removeGone(long now) {
        Set<Peer> over = new HashSet<>();
        goneSince.forEach((peer, since) -> {
            if (now - since >= bounds.retention().toNanos()) {
                over.add(peer);
            }
        });
        if (!over.isEmpty()) {
            series.keySet().removeIf(key -> over.contains(key.source()) || over.contains(key.destination()));
            goneSince.keySet().removeAll(over);
        }
    }

    /** Prometheus text format. */
    String text() {
        removeGone(nanoTime.getAsLong());
        MetricsText out = new MetricsText();
        out.requests(series);
        out.counter("weir_mirrored_requests_total", "Copies that were sent.", Map.of("", mirrorsSent.sum()));
        Map<String, Long> dropped = new TreeMap<>(Map.of(
                "reason=\"in_flight\"",
                0L,
                "reason=\"body_too_large\"",
                0L,
                "reason=\"memory\"",
                0L,
                "reason=\"no_endpoint\"",
                0L));
        mirrorsDropped.forEach((reason, count) -> dropped.put("reason=\"" + reason + "\"", count.sum()));
        out.counter("weir_mirrored_requests_dropped_total", "Copies that were not sent, by reason.", dropped);
        out.gauge(
                "weir_mirrored_requests_in_flight",
                "Copies that wait for their answers.",
                Math.max(0, mirrorsSent.sum() - mirrorsEnded.sum()));
        out.counter(
                "weir_metrics_folded_requests_total",
                "Requests counted as other, because there are too many series.",
                Map.of("", folded.sum()));
        return out.toString();
    }
}
