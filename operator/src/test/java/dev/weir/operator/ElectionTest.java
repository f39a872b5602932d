package dev.weir.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.weir.apiserver.rest.ApiException;
import dev.weir.operator.Operator.Election;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Several operators of one lease, and what they tell of themselves. */
class ElectionTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration TERM = Duration.ofMillis(2100);
    private static final String RELEASE = "strategy: Mirror\nversions:\n- {name: v0, image: x}\n";

    private final AtomicInteger lost = new AtomicInteger();
    /** Refuses every request of the first operator, as if it were cut off. */
    private final AtomicBoolean unreachable = new AtomicBoolean();

    /** How many of the first operator's first lists and watches of releases are refused. */
    private final AtomicInteger lists = new AtomicInteger();

    private final AtomicInteger watches = new AtomicInteger();
    /** When it asked to watch releases. */
    private final List<Instant> watched = new CopyOnWriteArrayList<>();
    /** Who held the lease when the first operator was told that it had lost it. */
    private final AtomicReference<String> holderThen = new AtomicReference<>("");

    private Cluster cluster;

    @BeforeEach
    void start() {
        cluster = new Cluster(request -> {
            if (unreachable.get()) {
                throw ApiException.internal("the test refuses");
            }
            boolean releases = request.path().endsWith("/weir.dev/v1alpha1/releases");
            AtomicInteger refused = request.flag("watch") ? watches : lists;
            if (releases && request.flag("watch")) {
                watched.add(Instant.now());
            }
            // what a server says that just got the kind, of what it answers from its cache
            boolean cached = request.flag("watch") || "0".equals(request.query("resourceVersion"));
            if (releases && cached && refused.getAndDecrement() > 0) {
                throw ApiException.tooManyRequests("storage is (re)initializing", "the test refuses");
            }
        });
        cluster.install("/virtualservices.yaml");
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private Operator operator(KubernetesClient client, String identity, OperatorMetrics metrics) {
        return Operator.start(
                client,
                Operator.Options.allNamespaces()
                        .withMetrics(metrics)
                        .withElection(new Election("default", "weir", identity, TERM, () -> {
                            holderThen.set(holder());
                            lost.incrementAndGet();
                        })));
    }

    private String holder() {
        var lease =
                cluster.user().leases().inNamespace("default").withName("weir").get();
        return lease == null ? "" : Objects.requireNonNullElse(lease.getSpec().getHolderIdentity(), "");
    }

    private static String scrape(OperatorMetrics metrics) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try {
            io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter.create()
                    .write(text, metrics.registry().scrape());
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    @Test
    void oneActsAndAnotherTakesOverWhenItStops() {
        OperatorMetrics first = new OperatorMetrics();
        OperatorMetrics second = new OperatorMetrics();
        Operator leader = operator(cluster.operatorClient(), "one", first);
        await().atMost(LONG).until(this::holder, "one"::equals);
        try (Operator standby = operator(cluster.secondClient(), "two", second)) {
            cluster.release(RELEASE);
            await().atMost(LONG).until(() -> cluster.exists("v0"));
            assertThat(standby.unready()).isEmpty();
            assertThat(scrape(first)).contains("weir_leader 1.0");
            assertThat(scrape(second))
                    .contains("weir_leader 0.0", "weir_reconciles_total{result=\"succeeded\"} 0.0")
                    .doesNotContain("weir_writes_total{");
            leader.close();
            assertThat(leader.unready()).isPresent();
            // given back, so nobody waits for its end
            assertThat(holder()).isNotEqualTo("one");
            cluster.release(RELEASE + "- {name: v1, image: y}\n");
            await().atMost(LONG).until(() -> cluster.exists("v1"));
            assertThat(holder()).isEqualTo("two");
            assertThat(scrape(second)).contains("weir_leader 1.0").contains("verb=\"apply\"");
            assertThat(lost).hasValue(0);
        } finally {
            leader.close();
        }
    }

    @Test
    void whoCannotRenewStopsActingAndIsFollowedAfterTheTerm() {
        try (Operator _ = operator(cluster.operatorClient(), "one", new OperatorMetrics())) {
            await().atMost(LONG).until(this::holder, "one"::equals);
            try (Operator _ = operator(cluster.secondClient(), "two", new OperatorMetrics())) {
                unreachable.set(true);
                await().atMost(LONG).untilAtomic(lost, org.hamcrest.Matchers.is(1));
                assertThat(holderThen)
                        .as("the first was told before the second may act")
                        .hasValue("one");
                await().atMost(LONG).until(this::holder, "two"::equals);
                cluster.release(RELEASE);
                await().atMost(LONG).until(() -> cluster.exists("v0"));
            }
        }
    }

    @Test
    void startsOnAServerThatRefusesAtFirst() {
        lists.set(2);
        acts();
        assertThat(lists).as("refusals left").hasNonPositiveValue();
    }

    @Test
    void watchesAgainSoonAfterTheServerWasAway() {
        watches.set(4);
        acts();
        // each pause is twice the one before: 1.5 seconds in all, and 15 with those that clients make by themselves
        assertThat(Duration.between(watched.getFirst(), watched.get(4))).isLessThan(Duration.ofSeconds(10));
    }

    private void acts() {
        try (Operator _ = operator(cluster.operatorClient(), "one", new OperatorMetrics())) {
            cluster.release(RELEASE);
            await().atMost(LONG).until(() -> cluster.exists("v0"));
        }
    }

    @Test
    void saysAtOnceThatTheServerDoesNotKnowReleases() {
        cluster.user()
                .apiextensions()
                .v1()
                .customResourceDefinitions()
                .withName("releases.weir.dev")
                .withTimeout(LONG.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)
                .delete();
        assertThatThrownBy(() -> operator(cluster.operatorClient(), "one", new OperatorMetrics()))
                .isInstanceOf(KubernetesClientException.class)
                .hasMessageContaining("releases");
    }

    @Test
    void tellsHowReleasesStandAndWhetherItIsWell() throws IOException, InterruptedException {
        OperatorMetrics metrics = new OperatorMetrics();
        metrics.build("1.2.3");
        InetSocketAddress loopback = new InetSocketAddress("127.0.0.1", 0);
        try (Operator operator = Operator.start(
                        cluster.operatorClient(),
                        Operator.Options.allNamespaces().withMetrics(metrics));
                OperatorEndpoint endpoint = OperatorEndpoint.start(loopback)
                        .metrics(metrics)
                        .probe("/readyz", operator::unready)
                        .probe("/healthz", () -> Optional.of("a pass hangs"));
                HttpClient http = HttpClient.newHttpClient()) {
            cluster.release(RELEASE + "- {name: v1, image: y, mirrorPercent: 30}\n");
            await().atMost(LONG).until(() -> cluster.exists("v1"));
            cluster.ready("v0", 1);
            cluster.ready("v1", 1);
            await().atMost(LONG).until(cluster::reason, "Ready"::equals);
            String page = get(http, endpoint, "/metrics", 200);
            assertThat(page.lines())
                    .contains(
                            "weir_release_phase{namespace=\"default\",phase=\"Ready\",reason=\"Ready\",release=\"app\"}"
                                    + " 1.0",
                            "weir_release_phase{namespace=\"default\",phase=\"Stalled\",reason=\"\",release=\"app\"}"
                                    + " 0.0",
                            "weir_release_traffic_share_ratio{namespace=\"default\",release=\"app\",rule=\"all requests\","
                                    + "version=\"v0\"} 1.0",
                            "weir_release_mirror_ratio{namespace=\"default\",release=\"app\",rule=\"all requests\","
                                    + "version=\"v1\"} 0.3",
                            "weir_release_generations_behind{namespace=\"default\",release=\"app\"} 0.0",
                            "weir_release_ready_pods{namespace=\"default\",release=\"app\",role=\"Candidate\","
                                    + "version=\"v1\"} 1.0",
                            "weir_leader 1.0",
                            "weir_queue_depth 0.0")
                    .anyMatch(line -> line.startsWith("weir_build_info{") && line.contains("version=\"1.2.3\""))
                    .anyMatch(line -> line.startsWith("weir_reconcile_duration_seconds_bucket{le=\"0.1\"}"))
                    .anyMatch(line -> line.startsWith(
                            "weir_writes_total{kind=\"VirtualService\",result=\"succeeded\",verb=\"apply\"}"));
            assertThat(List.of(get(http, endpoint, "/readyz", 200), get(http, endpoint, "/healthz", 503)))
                    .containsExactly("ok\n", "a pass hangs\n");
            cluster.user()
                    .genericKubernetesResources("weir.dev/v1alpha1", "Release")
                    .inNamespace("default")
                    .withName("app")
                    .delete();
            await().atMost(LONG).until(() -> !scrape(metrics).contains("weir_release_phase{"));
        }
    }

    private static String get(HttpClient http, OperatorEndpoint endpoint, String path, int status)
            throws IOException, InterruptedException {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create(
                                "http://127.0.0.1:" + endpoint.address().getPort() + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(status);
        return response.body();
    }
}
