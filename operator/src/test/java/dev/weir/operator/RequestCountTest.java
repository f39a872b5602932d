package dev.weir.operator;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/** The operator counts its requests as the API server does. */
class RequestCountTest {
    private final Map<String, Long> seen = new ConcurrentHashMap<>();

    @Test
    void countsEveryRequestOnce() {
        OperatorMetrics metrics = new OperatorMetrics();
        try (Cluster cluster = new Cluster(request -> seen.merge(
                        request.flag("watch") ? "watch" : request.method().toLowerCase(java.util.Locale.ROOT),
                        1L,
                        Long::sum));
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(cluster.operatorClient().getConfiguration())
                        .withHttpClientBuilderConsumer(metrics::countRequests)
                        .build();
                Operator _ =
                        Operator.start(client, Operator.Options.allNamespaces().withMetrics(metrics))) {
            cluster.install("/virtualservices.yaml");
            cluster.release("strategy: Mirror\nversions: [{name: app-0, image: a}]");
            await().atMost(Duration.ofSeconds(20)).until(() -> cluster.exists("app-0"));
            cluster.ready("app-0", 1);
            await().atMost(Duration.ofSeconds(20)).until(() -> cluster.reason().equals("Ready"));
            await().atMost(Duration.ofSeconds(20)).until(() -> counted(metrics).equals(new TreeMap<>(seen)));
        }
    }

    private static Map<String, Long> counted(OperatorMetrics metrics) {
        Map<String, Long> counts = new TreeMap<>();
        metrics.registry().scrape("weir_api_requests"::equals).stream()
                .map(CounterSnapshot.class::cast)
                .flatMap(counter -> counter.getDataPoints().stream())
                .forEach(point -> counts.put(point.getLabels().get("verb"), (long) point.getValue()));
        return counts;
    }
}
