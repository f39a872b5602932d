package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import dev.weir.metrics.Access;
import dev.weir.metrics.Histogram;
import dev.weir.metrics.Measurement;
import dev.weir.metrics.MetricProvider;
import dev.weir.metrics.MetricProviders;
import dev.weir.metrics.Outcome;
import dev.weir.metrics.PrometheusApi;
import dev.weir.metrics.Reading;
import dev.weir.metrics.Side;
import dev.weir.metrics.Subject;
import dev.weir.metrics.Subject.Version;
import dev.weir.metrics.Window;
import dev.weir.metrics.Window.Counts;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests, errors and latency per version are what clients saw and what the servers counted, whoever tells of them. */
class MetricsAgreementTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int REQUESTS = 150;
    private static final double STRAGGLERS = 3;
    private static final String RELEASE = """
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: %1$s, namespace: default}
            spec:
              strategy: %2$s
              service: {name: %1$s, port: 80}
              gateways: [my-gateway]
              versions:
              - {name: %1$s-0, image: kennethreitz/httpbin, %4$s}
              - {name: %1$s-1, image: kennethreitz/httpbin, %3$s}
            """;

    @TempDir
    static Path folder;

    private static LocalMode local;
    private static KubernetesClient client;
    private static InetSocketAddress gateway;

    @BeforeAll
    static void start() throws IOException {
        local = LocalMode.start(LocalOptions.in(folder.resolve("local")));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
        gateway =
                new InetSocketAddress(local.gateway().getHost(), local.gateway().getPort());
        try (InputStream in = MetricsAgreementTest.class.getResourceAsStream("/demo/mirror/gateway.yaml")) {
            client.load(in).inNamespace("default").create();
        }
        create("shared", "BlueGreen", "share: 70", "share: 30");
        create("copied", "Mirror", "labels: {tier: web}", "mirrorPercent: 100");
        for (String name : List.of("shared", "copied")) {
            await(name).atMost(LONG).until(() -> ready(name));
        }
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
    }

    private static void create(String name, String strategy, String primary, String candidate) {
        String yaml = RELEASE.formatted(name, strategy, candidate, primary);
        client.resource(Serialization.unmarshal(yaml, GenericKubernetesResource.class))
                .create();
    }

    private static boolean ready(String name) {
        return client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                                .inNamespace("default")
                                .withName(name)
                                .get()
                                .get("status", "conditions")
                        instanceof List<?> conditions
                && conditions.stream()
                        .anyMatch(c -> c instanceof Map<?, ?> condition
                                && "Ready".equals(condition.get("type"))
                                && "True".equals(condition.get("status")));
    }

    private static Subject subject(String release, boolean copies) {
        return new Subject(
                "default",
                List.of(
                        new Version(release + "-0", release + "-0", false),
                        new Version(release + "-1", release + "-1", copies)));
    }

    private static List<Reading> read(String provider, URI url, Subject subject, Duration past) {
        MetricProvider found = MetricProviders.load().require(provider);
        try {
            Outcome outcome = found.read(List.of(Access.to(url)), subject, past);
            assertThat(outcome).isInstanceOf(Outcome.Readings.class);
            return ((Outcome.Readings) outcome).list();
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    /** What clients saw of one version. */
    private static final class Answers {
        private long requests;
        private long errors;
        private final List<Double> millis = new ArrayList<>();
    }

    /** Sends requests through the gateway, one in six to fail. */
    private static Map<String, Answers> send(String release) throws IOException {
        Map<String, Answers> seen = new TreeMap<>();
        try (RawConnection connection = new RawConnection(gateway)) {
            for (int i = 0; i < REQUESTS; i++) {
                String path = i % 6 == 0 ? "/status/503" : "/get";
                long begin = System.nanoTime();
                RawConnection.Answer answer = connection.send(release + ".default", path + "?client=" + release, "");
                double millis = (System.nanoTime() - begin) / 1e6;
                Answers of = seen.computeIfAbsent(answer.version(), _ -> new Answers());
                of.requests++;
                of.errors += answer.status() >= 500 ? 1 : 0;
                of.millis.add(millis);
            }
        }
        return seen;
    }

    private static void agree(Window window, Map<String, Answers> seen, AccessLogs logs, String release) {
        seen.forEach((version, answers) -> {
            Counts counts = window.of(version).orElseThrow();
            assertThat(counts.seenAt()).isEqualTo(Side.CALLERS);
            assertThat(counts.requests()).as(version).isEqualTo(answers.requests);
            assertThat(counts.requests()).as(version).isEqualTo(logs.count(version, release));
            assertThat(counts.errors()).as(version).isEqualTo(answers.errors);
            assertThat(counts.unanswered()).isZero();
            Histogram latency = counts.latency();
            assertThat(latency.count()).isEqualTo(answers.requests);
            // a proxy begins later than a client; it ends about when the client does, the sooner the less is going on
            double ofClient =
                    answers.millis.stream().mapToDouble(Double::doubleValue).sum();
            assertThat(latency.meanMillis().orElseThrow() * latency.count()).isBetween(0.1 * ofClient, 2 * ofClient);
            for (Histogram.Bucket bucket : latency.buckets()) {
                assertThat(latency.count() - bucket.count())
                        .as("slower than %s ms", bucket.upToMillis())
                        .isLessThanOrEqualTo(STRAGGLERS
                                + answers.millis.stream()
                                        .filter(millis -> millis > bucket.upToMillis() / 2)
                                        .count());
            }
        });
    }

    private static double total(Window window) {
        return window.versions().values().stream()
                .flatMap(Optional::stream)
                .mapToDouble(Counts::requests)
                .sum();
    }

    @Test
    void theDataPlanesPageAgreesWithClientsAndServers() throws IOException {
        try (AccessLogs logs = new AccessLogs(client, "default", folder.resolve("local/pods"))) {
            Subject subject = subject("shared", false);
            List<Reading> readings = new ArrayList<>(read("stats", local.metrics(), subject, Duration.ZERO));
            Map<String, Answers> seen = send("shared");
            // a proxy may count a request just after its client has the answer
            await().atMost(LONG)
                    .until(() -> total(Window.over(
                                    List.of(
                                            readings.getFirst(),
                                            read("stats", local.metrics(), subject, Duration.ZERO)
                                                    .getLast()),
                                    subject))
                            == REQUESTS);
            readings.addAll(read("stats", local.metrics(), subject, Duration.ZERO));
            assertThat(seen.keySet()).containsExactly("shared-0", "shared-1");
            agree(Window.over(readings, subject), seen, logs, "shared");
        }
    }

    @Test
    void copiesAreCountedWhereTheyArrive() throws IOException {
        Subject subject = subject("copied", true);
        Map<String, Answers> seen = send("copied");
        assertThat(seen.keySet()).containsExactly("copied-0");
        // nobody waits for the answers to copies
        await().atMost(LONG)
                .until(() -> Window.sinceBegin(
                                read("stats", local.metrics(), subject, Duration.ZERO)
                                        .getLast(),
                                subject)
                        .of("copied-1")
                        .filter(counts -> counts.requests() == REQUESTS)
                        .isPresent());
        Window window = Window.sinceBegin(
                read("stats", local.metrics(), subject, Duration.ZERO).getLast(), subject);
        Counts copies = window.of("copied-1").orElseThrow();
        assertThat(copies.seenAt()).isEqualTo(Side.SERVERS);
        assertThat(copies.errors())
                .isEqualTo(window.of("copied-0").orElseThrow().errors());
        try (AccessLogs logs = new AccessLogs(client, "default", folder.resolve("local/pods"))) {
            assertThat(logs.count("copied-1", "copied")).isEqualTo(REQUESTS);
        }
    }

    @Test
    void prometheusAgreesToo() throws IOException, InterruptedException {
        Path binary = prometheus();
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        Path config = Files.writeString(folder.resolve("prometheus.yml"), """
                global: {scrape_interval: 500ms, scrape_timeout: 500ms}
                scrape_configs:
                - job_name: weir
                  metrics_path: %s
                  static_configs: [{targets: ['%s']}]
                """.formatted(
                        local.metrics().getPath(), local.metrics().getAuthority()));
        Process process = new ProcessBuilder(
                        binary.toString(),
                        "--config.file=" + config,
                        "--storage.tsdb.path=" + folder.resolve("prometheus"),
                        "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("prometheus.log").toFile())
                .start();
        try (AccessLogs logs = new AccessLogs(client, "default", folder.resolve("local/pods"))) {
            agrees(URI.create("http://127.0.0.1:" + port), logs);
        } finally {
            process.destroy();
            process.waitFor(20, TimeUnit.SECONDS);
            process.destroyForcibly();
        }
    }

    private static void agrees(URI prometheus, AccessLogs logs) throws IOException, InterruptedException {
        PrometheusApi api = new PrometheusApi(Access.to(prometheus));
        await().atMost(LONG).until(() -> api.number("sum(up)", Instant.now()).equals(new Measurement.Value(1)));
        create("scraped", "BlueGreen", "share: 50", "share: 50");
        await().atMost(LONG).until(() -> ready("scraped"));
        Subject subject = subject("scraped", false);
        // the window begins after the first scrape
        Instant begin = Instant.now();
        Map<String, Answers> seen = send("scraped");
        long all = seen.values().stream().mapToLong(answers -> answers.requests).sum();
        await().atMost(LONG)
                .until(() -> api.number(
                                "sum(istio_requests_total{reporter=\"source\",destination_workload=~\"scraped-.\"})",
                                Instant.now())
                        .equals(new Measurement.Value(all)));
        Duration past = Duration.between(begin, Instant.now());
        Window window = Window.over(read("prometheus", prometheus, subject, past), subject);
        assertThat(seen.keySet()).containsExactly("scraped-0", "scraped-1");
        agree(window, seen, logs, "scraped");
        for (double quantile : List.of(0.1, 0.5, 0.9, 0.99, 1.0)) {
            Measurement own = api.number(
                    "histogram_quantile(" + quantile + ", sum by (le) (istio_request_duration_milliseconds_bucket{"
                            + "reporter=\"source\",destination_workload=\"scraped-0\"}))",
                    Instant.now());
            double ours = window.of("scraped-0")
                    .orElseThrow()
                    .latency()
                    .quantileMillis(quantile)
                    .getAsDouble();
            assertThat(own).isInstanceOf(Measurement.Value.class);
            assertThat(((Measurement.Value) own).number()).isCloseTo(ours, org.assertj.core.data.Offset.offset(1e-6));
        }
        assertThat(api.number("nothing_of_this_name", Instant.now())).isEqualTo(new Measurement.NoData());
        assertThat(api.number("sum(", Instant.now())).isInstanceOf(Measurement.Failed.class);
    }

    /** On PATH, or the one that the real stack keeps. */
    private static Path prometheus() throws IOException {
        String cache = Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                .orElse(System.getProperty("user.home") + "/.cache");
        List<Path> places = new ArrayList<>();
        Stream.of(System.getenv("PATH").split(":"))
                .map(place -> Path.of(place, "prometheus"))
                .forEach(places::add);
        Path tools = Path.of(cache, "weir", "tools");
        if (Files.isDirectory(tools)) {
            try (Stream<Path> kept = Files.list(tools)) {
                kept.filter(one -> one.getFileName().toString().startsWith("prometheus-"))
                        .map(one -> one.resolve("usr/bin/prometheus"))
                        .forEach(places::add);
            }
        }
        Optional<Path> found = places.stream().filter(Files::isExecutable).findFirst();
        assumeTrue(found.isPresent(), "prometheus is not on PATH: agreement with it is not tried");
        return found.orElseThrow();
    }
}
