package dev.weir.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weir.metrics.Subject.Version;
import dev.weir.metrics.Window.Counts;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WindowTest {
    private static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");
    private static final Subject SUBJECT =
            new Subject("default", List.of(new Version("app-0", "app-0", false), new Version("app-1", "app-1", true)));

    private final Map<Counter, Double> now = new HashMap<>();
    private final Set<String> up = new HashSet<>(Set.of("a"));
    private int seconds;

    private static Counter requests(String target, String version, String... more) {
        Map<String, String> labels = new HashMap<>(Map.of(
                "instance", target,
                "reporter", "source",
                "destination_workload", version,
                "destination_workload_namespace", "default",
                "response_code", "200",
                "response_flags", "-"));
        Arrays.stream(more).map(label -> label.split("=", 2)).forEach(label -> labels.put(label[0], label[1]));
        return new Counter("istio_requests_total", labels);
    }

    private Reading reading() {
        return new Reading(T0.plusSeconds(seconds++), now, up);
    }

    private static Counts counts(Window window, String version) {
        return window.of(version).orElseThrow();
    }

    private static double requests(List<Reading> readings) {
        return counts(Window.over(readings, SUBJECT), "app-0").requests();
    }

    @Test
    void isTheDifferenceOfItsEnds() {
        now.put(requests("a", "app-0"), 100.0);
        now.put(requests("a", "app-0", "response_code=503", "response_flags=UH"), 7.0);
        now.put(requests("a", "app-0", "response_code=500"), 7.0);
        Reading first = reading();
        now.put(requests("a", "app-0"), 130.0);
        now.put(requests("a", "app-0", "response_code=503", "response_flags=UH"), 9.0);
        now.put(requests("a", "app-0", "response_code=500"), 12.0);
        Window window = Window.over(List.of(first, reading()), SUBJECT);
        assertThat(window.length()).contains(Duration.ofSeconds(1));
        assertThat(window.statistics()).contains(Statistics.ISTIO);
        Counts counts = counts(window, "app-0");
        assertThat(counts).isEqualTo(new Counts(Side.CALLERS, 37, 7, 2, Histogram.EMPTY));
        assertThat(counts.errorRate().getAsDouble()).isEqualTo(7.0 / 37);
    }

    @Test
    void tellsNothingFromNoRequests() {
        now.put(requests("a", "app-0"), 100.0);
        Reading first = reading();
        Window window = Window.over(List.of(first, reading()), SUBJECT);
        assertThat(counts(window, "app-0").requests()).isZero();
        assertThat(counts(window, "app-0").errorRate()).isEmpty();
        assertThat(window.of("app-1")).isEmpty();
        Window empty = Window.sinceBegin(new Reading(T0, Map.of(), Set.of("a")), SUBJECT);
        assertThat(empty.statistics()).isEmpty();
        assertThat(empty.versions()).isEqualTo(Map.of("app-0", Optional.empty(), "app-1", Optional.empty()));
        assertThatThrownBy(() -> Window.over(List.of(first), SUBJECT)).hasMessageContaining("two readings");
    }

    @Test
    void aProcessThatRestartedCountsFromZeroInAllItsCounters() {
        Counter errors = requests("a", "app-0", "response_code=500");
        now.put(requests("a", "app-0"), 100.0);
        now.put(errors, 2.0);
        Reading first = reading();
        now.put(requests("a", "app-0"), 30.0);
        // more than before the restart: alone it would look as if one had been added
        now.put(errors, 3.0);
        Reading second = reading();
        now.put(requests("a", "app-0"), 40.0);
        Counts counts = counts(Window.over(List.of(first, second, reading()), SUBJECT), "app-0");
        assertThat(counts.requests()).isEqualTo(43);
        assertThat(counts.errors()).isEqualTo(3);
    }

    @Test
    void aRestartOfOneProcessDoesNotTouchAnother() {
        up.add("b");
        now.put(requests("a", "app-0"), 100.0);
        now.put(requests("b", "app-0"), 1000.0);
        Reading first = reading();
        now.put(requests("a", "app-0"), 1.0);
        now.put(requests("b", "app-0"), 1001.0);
        assertThat(requests(List.of(first, reading()))).isEqualTo(2);
    }

    @Test
    void aNewCounterOfAKnownProcessCountsWholeAndOneOfAnUnknownFromItsFirstReading() {
        Reading first = reading();
        now.put(requests("a", "app-0"), 5.0);
        now.put(requests("b", "app-0"), 5000.0);
        up.add("b");
        Reading second = reading();
        now.put(requests("b", "app-0"), 5003.0);
        assertThat(requests(List.of(first, second, reading()))).isEqualTo(5 + 3);
    }

    @Test
    void aProcessThatDidNotAnswerForAWhileIsMissedNothing() {
        now.put(requests("a", "app-0"), 100.0);
        Reading first = reading();
        now.clear();
        up.clear();
        Reading silent = reading();
        now.put(requests("a", "app-0"), 104.0);
        up.add("a");
        assertThat(requests(List.of(first, silent, reading()))).isEqualTo(4);
    }

    @Test
    void aCounterThatWasForgottenBeginsAnewAndIsNoRestart() {
        now.put(requests("a", "app-0"), 100.0);
        now.put(requests("a", "app-0", "response_code=404"), 50.0);
        Reading first = reading();
        now.remove(requests("a", "app-0", "response_code=404"));
        Reading without = reading();
        now.put(requests("a", "app-0"), 101.0);
        now.put(requests("a", "app-0", "response_code=404"), 2.0);
        assertThat(requests(List.of(first, without, reading()))).isEqualTo(1 + 2);
    }

    @Test
    void hearsTheServersOfAVersionThatOnlyGetsCopiesAndTheCallersOfOthers() {
        for (String version : List.of("app-0", "app-1")) {
            now.put(requests("a", version), 3.0);
            now.put(requests("a", version, "reporter=destination"), 40.0);
            now.put(requests("a", version, "reporter=waypoint"), 500.0);
        }
        Window window = Window.sinceBegin(reading(), SUBJECT);
        assertThat(counts(window, "app-0").requests()).isEqualTo(3);
        assertThat(counts(window, "app-0").seenAt()).isEqualTo(Side.CALLERS);
        assertThat(counts(window, "app-1").requests()).isEqualTo(40);
        assertThat(counts(window, "app-1").seenAt()).isEqualTo(Side.SERVERS);
    }

    @Test
    void takesServersWhereNoCallerCounts() {
        now.put(requests("a", "app-0", "reporter=destination"), 40.0);
        assertThat(counts(Window.sinceBegin(reading(), SUBJECT), "app-0").seenAt())
                .isEqualTo(Side.SERVERS);
    }

    @Test
    void countsWhatReachedNoPodByItsService() {
        String[] nowhere = {
            "destination_workload=unknown",
            "destination_workload_namespace=unknown",
            "destination_service_name=app-0",
            "destination_service_namespace=default",
            "response_code=503",
            "response_flags=UH"
        };
        now.put(requests("a", "app-0", nowhere), 4.0);
        nowhere[3] = "destination_service_namespace=other";
        now.put(requests("a", "app-0", nowhere), 50.0);
        now.put(requests("a", "app-0", "destination_workload_namespace=other"), 50.0);
        assertThat(counts(Window.sinceBegin(reading(), SUBJECT), "app-0"))
                .isEqualTo(new Counts(Side.CALLERS, 4, 4, 4, Histogram.EMPTY));
    }

    @Test
    void tellsErrorsOfTheServerFromThoseOfClients() {
        now.put(requests("a", "app-0", "response_code=404"), 1.0);
        now.put(requests("a", "app-0", "grpc_response_status=5"), 1.0);
        now.put(requests("a", "app-0", "response_code=0", "response_flags=DC"), 1.0);
        now.put(requests("a", "app-0", "grpc_response_status=14"), 10.0);
        now.put(requests("a", "app-0", "response_code=599"), 100.0);
        now.put(requests("a", "app-0", "response_code=0", "response_flags=UC"), 1000.0);
        now.put(requests("a", "app-0", "response_code=504", "response_flags=DI,UT"), 10_000.0);
        Counts counts = counts(Window.sinceBegin(reading(), SUBJECT), "app-0");
        assertThat(counts.errors()).isEqualTo(11_110);
        assertThat(counts.unanswered()).isEqualTo(11_000);
        assertThat(counts.requests()).isEqualTo(11_113);
    }

    private static Counter envoy(String name, String cluster, String... labels) {
        Map<String, String> all = new HashMap<>(Map.of("instance", "a", "envoy_cluster_name", cluster));
        Arrays.stream(labels).map(label -> label.split("=", 2)).forEach(label -> all.put(label[0], label[1]));
        return new Counter("envoy_cluster_" + name, all);
    }

    @Test
    void readsEnvoysClustersWhereverTheirNamesEnd() {
        now.put(envoy("upstream_rq_completed", "outbound|80||app-0.default.svc.cluster.local"), 1.0);
        now.put(envoy("upstream_rq_completed", "outbound|8080|v1|app-0.default.svc.cluster.local;"), 10.0);
        now.put(envoy("default_svc_cluster_local_upstream_rq_completed", "outbound|80||app-0"), 100.0);
        // of others, or counted elsewhere
        now.put(envoy("other_svc_cluster_local_upstream_rq_completed", "outbound|80||app-0"), 1000.0);
        now.put(envoy("upstream_rq_completed", "outbound|80||app-0.other.svc.cluster.local"), 1000.0);
        now.put(envoy("upstream_rq_completed", "inbound|80||"), 1000.0);
        now.put(envoy("default_svc_cluster_local_external_upstream_rq_completed", "outbound|80||app-0"), 1000.0);
        now.put(envoy("upstream_rq_completed", "outbound|80||app-0"), 1000.0);
        Window window = Window.sinceBegin(reading(), SUBJECT);
        assertThat(window.statistics()).contains(Statistics.ENVOY);
        assertThat(counts(window, "app-0").requests()).isEqualTo(111);
        assertThat(counts(window, "app-0").seenAt()).isEqualTo(Side.CLUSTERS);
    }

    @Test
    void prefersIstiosWordsToEnvoys() {
        now.put(envoy("upstream_rq_completed", "outbound|80||app-0.default.svc.cluster.local"), 1000.0);
        now.put(requests("a", "app-0"), 3.0);
        Window window = Window.sinceBegin(reading(), SUBJECT);
        assertThat(window.statistics()).contains(Statistics.ISTIO);
        assertThat(counts(window, "app-0").requests()).isEqualTo(3);
    }
}
