package dev.weir.operator;

import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * What the operator counts of itself, in Prometheus' words. docs/operations.md lists the series. Safe for concurrent
 * use.
 */
public final class OperatorMetrics {
    private static final double[] BUCKETS = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
    private static final double NANOS = 1e9;

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final Counter reconciles = Counter.builder()
            .name("weir_reconciles_total")
            .help("Passes over releases, by result.")
            .labelNames("result")
            .register(registry);
    private final Histogram durations = Histogram.builder()
            .name("weir_reconcile_duration_seconds")
            .help("How long passes took.")
            .classicOnly()
            .classicUpperBounds(BUCKETS)
            .register(registry);
    private final Counter writes = Counter.builder()
            .name("weir_writes_total")
            .help("Writes to the API server, by kind, verb and result.")
            .labelNames("kind", "verb", "result")
            .register(registry);
    private final Counter requests = Counter.builder()
            .name("weir_api_requests_total")
            .help("Requests to the API server, by verb; an open watch counts once.")
            .labelNames("verb")
            .register(registry);
    private final Gauge leader = Gauge.builder()
            .name("weir_leader")
            .help("1 if this process carries out decisions; the others wait.")
            .register(registry);
    /** By release: since when it waits for a pass. */
    private final Map<String, Instant> queued = new ConcurrentHashMap<>();
    /** By release: since when a pass over it runs. */
    private final Map<String, Instant> running = new ConcurrentHashMap<>();

    public OperatorMetrics() {
        for (String result : new String[] {"succeeded", "failed"}) {
            reconciles.initLabelValues(result);
        }
        GaugeWithCallback.builder()
                .name("weir_queue_depth")
                .help("Releases that wait for a pass.")
                .callback(callback -> callback.call(queued.size()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("weir_reconciles_running")
                .help("Passes under way.")
                .callback(callback -> callback.call(running.size()))
                .register(registry);
    }

    /** Says which build this is. */
    public void build(String version) {
        Info.builder()
                .name("weir_build_info")
                .help("Which build this is.")
                .labelNames("version", "java")
                .register(registry)
                .addLabelValues(version, Runtime.version().toString());
    }

    /**
     * Counts what a client sends.
     *
     * @param client of the API server, before it is built
     */
    public void countRequests(HttpClient.Builder client) {
        client.addOrReplaceInterceptor("weir-requests", new Interceptor() {
            @Override
            public void before(BasicBuilder next, HttpRequest request, RequestTags tags) {
                requests.labelValues(verb(request)).inc();
            }
        });
    }

    /** In Kubernetes' words, as far as the method and the query tell. */
    private static String verb(HttpRequest request) {
        String query = Objects.requireNonNullElse(request.uri().getQuery(), "");
        return query.contains("watch=true") ? "watch" : request.method().toLowerCase(Locale.ROOT);
    }

    /** What is scraped. */
    public PrometheusRegistry registry() {
        return registry;
    }

    void leads(BooleanSupplier leads) {
        leader.set(leads.getAsBoolean() ? 1 : 0);
    }

    void queued(String release, Instant now) {
        queued.putIfAbsent(release, now);
    }

    void started(String release, Instant now) {
        queued.remove(release);
        running.put(release, now);
    }

    void finished(String release) {
        running.remove(release);
        queued.remove(release);
    }

    void passed(boolean succeeded, long nanos) {
        reconciles.labelValues(succeeded ? "succeeded" : "failed").inc();
        durations.observe(nanos / NANOS);
    }

    void wrote(String kind, String verb, boolean succeeded) {
        writes.labelValues(kind, verb, succeeded ? "succeeded" : "failed").inc();
    }

    /** How long the longest pass that runs now has run. */
    Duration longestPass(Instant now) {
        return running.values().stream()
                .map(since -> Duration.between(since, now))
                .max(Duration::compareTo)
                .orElse(Duration.ZERO);
    }
}
