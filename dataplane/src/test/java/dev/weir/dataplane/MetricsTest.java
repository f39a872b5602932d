package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weir.dataplane.Series.Result;
import dev.weir.dataplane.Series.ServiceName;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MetricsTest {
    private static final Workload SLEEP =
            new Workload("default", "sleep-1", "sleep", Map.of("app", "sleep", "version", "v7"));
    private static final ServiceName SERVICE =
            new ServiceName("httpbin-0.default.svc.cluster.local", "httpbin-0", "default");

    private final AtomicLong nanos = new AtomicLong();

    private Metrics metrics(int most) {
        return new Metrics(new DataPlaneOptions.Series(most, Duration.ofMinutes(10)), nanos::get);
    }

    private static Workload pod(String workload, int number) {
        return new Workload("default", workload + "-" + number, workload, Map.of("app.kubernetes.io/name", "bin"));
    }

    private static Metrics.Request request(Workload to) {
        return new Metrics.Request(Peer.of(SLEEP), Peer.of(to), SERVICE, "", 10, 2000, 30_000_000);
    }

    @Test
    void labelsAreThoseOfIstioInItsOrder() {
        Metrics metrics = metrics(100);
        metrics.atDestination(request(pod("httpbin-0", 1)), new Result(200, "-"));
        assertThat(metrics.text())
                .contains("# TYPE istio_requests_total counter\nistio_requests_total{reporter=\"destination\","
                        + "source_workload=\"sleep\",source_canonical_service=\"sleep\",source_canonical_revision=\"v7\","
                        + "source_workload_namespace=\"default\",source_principal=\"unknown\",source_app=\"sleep\","
                        + "source_version=\"v7\",source_cluster=\"Kubernetes\",destination_workload=\"httpbin-0\","
                        + "destination_canonical_service=\"bin\",destination_canonical_revision=\"latest\","
                        + "destination_workload_namespace=\"default\",destination_principal=\"unknown\","
                        + "destination_app=\"unknown\",destination_version=\"unknown\","
                        + "destination_cluster=\"Kubernetes\","
                        + "destination_service=\"httpbin-0.default.svc.cluster.local\","
                        + "destination_service_name=\"httpbin-0\",destination_service_namespace=\"default\","
                        + "request_protocol=\"http\",response_code=\"200\",grpc_response_status=\"\","
                        + "response_flags=\"-\",connection_security_policy=\"none\"} 1\n");
    }

    @Test
    void histogramsAddUp() {
        Metrics metrics = metrics(100);
        metrics.atSource(request(pod("httpbin-0", 1)), new Result(200, "-"));
        String text = metrics.text();
        assertThat(lines(text, "istio_request_duration_milliseconds_bucket"))
                .filteredOn(line -> line.contains("le=\"25\"") || line.contains("le=\"50\"") || line.contains("+Inf"))
                .extracting(line -> line.substring(line.lastIndexOf(' ') + 1))
                .containsExactly("0", "1", "1");
        assertThat(lines(text, "istio_request_duration_milliseconds_sum"))
                .singleElement()
                .asString()
                .endsWith(" 30.0");
        assertThat(lines(text, "istio_request_bytes_sum"))
                .singleElement()
                .asString()
                .endsWith(" 10.0");
        assertThat(lines(text, "istio_response_bytes_sum"))
                .singleElement()
                .asString()
                .endsWith(" 2000.0");
        assertThat(lines(text, "istio_response_bytes_count"))
                .singleElement()
                .asString()
                .endsWith(" 1");
    }

    private static List<String> lines(String text, String name) {
        return text.lines().filter(line -> line.startsWith(name + "{")).toList();
    }

    @Test
    void podsOfOneWorkloadAreOneSeries() {
        Metrics metrics = metrics(100);
        metrics.atSource(request(pod("httpbin-0", 1)), new Result(200, "-"));
        metrics.atSource(request(pod("httpbin-0", 2)), new Result(200, "-"));
        assertThat(lines(metrics.text(), "istio_requests_total"))
                .singleElement()
                .asString()
                .endsWith(" 2");
    }

    @Test
    void theNumberOfSeriesIsBounded() {
        Metrics metrics = metrics(10);
        for (int i = 0; i < 1000; i++) {
            metrics.atSource(request(pod("workload-" + i, 1)), new Result(200, "-"));
        }
        List<String> lines = lines(metrics.text(), "istio_requests_total");
        assertThat(lines).hasSize(11);
        assertThat(lines)
                .filteredOn(line -> line.contains("destination_workload=\"other\""))
                .singleElement()
                .asString()
                .endsWith(" 990");
        assertThat(metrics.text()).contains("\nweir_metrics_folded_requests_total 990\n");
    }

    @Test
    void seriesOfWorkloadsThatAreGoneAreShownForAWhile() {
        Metrics metrics = metrics(100);
        Workload leaving = pod("leaving", 1);
        Workload staying = pod("staying", 1);
        metrics.atSource(request(leaving), new Result(200, "-"));
        metrics.atSource(request(staying), new Result(200, "-"));
        metrics.live(List.of(SLEEP, staying));
        nanos.set(Duration.ofMinutes(9).toNanos());
        assertThat(metrics.text()).contains("destination_workload=\"leaving\"");
        metrics.live(List.of(SLEEP, staying, pod("leaving", 2)));
        nanos.set(Duration.ofMinutes(11).toNanos());
        assertThat(metrics.text()).as("came back").contains("destination_workload=\"leaving\"");
        metrics.live(List.of(SLEEP, staying));
        nanos.set(Duration.ofMinutes(21).toNanos());
        assertThat(metrics.text())
                .doesNotContain("destination_workload=\"leaving\"")
                .contains("destination_workload=\"staying\"");
    }

    @Test
    void labelValuesAreEscaped() {
        Metrics metrics = metrics(100);
        Workload odd = new Workload("default", "p", "a\"b\\c\nd", Map.of());
        metrics.atSource(request(odd), new Result(200, "-"));
        assertThat(metrics.text()).contains("destination_workload=\"a\\\"b\\\\c\\nd\"");
    }
}
