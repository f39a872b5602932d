package dev.weir.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.weir.metrics.Subject.Version;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What every provider does. Its golden folders hold what was recorded from a real server, {@code in.json} with the subject, and
 * {@code out.json} with what is counted; to accept a change of the latter, run with {@code -Dgolden.update}.
 */
abstract class MetricProviderContract {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private static final Subject SUBJECT =
            new Subject("default", List.of(new Version("httpbin-0", "httpbin-0", false)));
    private static final String SECRET = "s3cret-t0ken";

    private final List<HttpExchange> seen = new CopyOnWriteArrayList<>();
    private HttpServer server;

    /** Answers a request. */
    interface Behaviour {
        void answer(HttpExchange exchange) throws IOException;
    }

    /** As it is found, or with a clock that suits the golden folder. */
    abstract MetricProvider provider(Path golden) throws IOException;

    /** How to answer from a golden folder. */
    abstract Behaviour recorded(Path golden);

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(task -> Thread.ofVirtual().start(task));
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Access serve(Behaviour behaviour) {
        server.createContext("/", exchange -> {
            seen.add(exchange);
            behaviour.answer(exchange);
        });
        return Access.to(URI.create("http://127.0.0.1:" + server.getAddress().getPort()));
    }

    static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private MetricProvider provider() throws IOException {
        return MetricProviders.load().require(provider(Path.of("")).name());
    }

    private Outcome.Failed failure(Access access) throws IOException, InterruptedException {
        Outcome outcome = provider().read(List.of(access), SUBJECT, Duration.ZERO);
        assertThat(outcome).isInstanceOf(Outcome.Failed.class);
        Outcome.Failed failed = (Outcome.Failed) outcome;
        assertThat(failed.reason()).startsWith(access.url() + ": ").doesNotContain(SECRET);
        return failed;
    }

    @TestFactory
    Stream<DynamicTest> countsWhatWasRecorded() throws IOException {
        Path home = Path.of("src/test/resources/golden", provider(Path.of("")).name());
        List<Path> folders;
        try (Stream<Path> all = Files.list(home)) {
            folders = all.sorted().toList();
        }
        assertThat(folders).isNotEmpty();
        return folders.stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> golden(folder)));
    }

    private void golden(Path folder) throws IOException, InterruptedException {
        JsonNode in = JSON.readTree(folder.resolve("in.json").toFile());
        List<Version> versions = new ArrayList<>();
        in.path("versions").forEach(one -> versions.add(new Version(one.asText(), one.asText(), false)));
        Subject subject = new Subject(in.path("namespace").asText(), versions);
        Duration past = Duration.ofSeconds(in.path("pastSeconds").asLong());
        start();
        Outcome outcome = provider(folder).read(List.of(serve(recorded(folder))), subject, past);
        stop();
        assertThat(outcome).isInstanceOf(Outcome.Readings.class);
        List<Reading> readings = ((Outcome.Readings) outcome).list();
        Window window =
                readings.size() == 1 ? Window.sinceBegin(readings.getFirst(), subject) : Window.over(readings, subject);
        String out = JSON.writeValueAsString(json(window)) + "\n";
        if (System.getProperty("golden.update") != null) {
            Files.writeString(folder.resolve("out.json"), out);
        }
        assertThat(out).isEqualTo(Files.readString(folder.resolve("out.json")));
    }

    private static JsonNode json(Window window) {
        ObjectNode json = JSON.createObjectNode();
        json.put("statistics", window.statistics().orElseThrow().word());
        window.length().ifPresent(length -> json.put("seconds", length.toMillis() / 1000.0));
        window.versions()
                .forEach((name, found) -> found.ifPresentOrElse(
                        counts -> {
                            ObjectNode one = json.putObject(name);
                            one.put("seenAt", counts.seenAt().word()).put("requests", counts.requests());
                            one.put("errors", counts.errors()).put("unanswered", counts.unanswered());
                            one.put("measured", counts.latency().count());
                            counts.latency().meanMillis().ifPresent(mean -> one.put("mean", rounded(mean)));
                            counts.latency().quantileMillis(0.5).ifPresent(p50 -> one.put("p50", rounded(p50)));
                            counts.latency().quantileMillis(0.99).ifPresent(p99 -> one.put("p99", rounded(p99)));
                        },
                        () -> json.putNull(name)));
        return json;
    }

    private static double rounded(double value) {
        return Math.round(value * 1e6) / 1e6;
    }

    @Test
    void sendsWhatItIsTold() throws IOException, InterruptedException {
        Access access =
                serve(exchange -> answer(exchange, 500, "")).withBearer(SECRET).withHeader("X-Scope-OrgID", "team");
        failure(access);
        assertThat(seen.getFirst().getRequestHeaders().getFirst("Authorization"))
                .isEqualTo("Bearer " + SECRET);
        assertThat(seen.getFirst().getRequestHeaders().getFirst("X-Scope-OrgID"))
                .isEqualTo("team");
        assertThat(access.toString()).doesNotContain(SECRET);
    }

    @Test
    void tellsFailuresThatMayPassFromThoseThatDoNot() throws IOException, InterruptedException {
        for (int status : List.of(500, 503, 429)) {
            assertThat(answered(status).retryable()).as("%d", status).isTrue();
        }
        for (int status : List.of(400, 401, 403, 404)) {
            Outcome.Failed failed = answered(status);
            assertThat(failed.retryable()).as("%d", status).isFalse();
            assertThat(failed.reason()).contains("answered " + status);
        }
    }

    private Outcome.Failed answered(int status) throws IOException, InterruptedException {
        stop();
        start();
        return failure(serve(exchange -> answer(exchange, status, "no")).withBearer(SECRET));
    }

    @Test
    void doesNotCarryCredentialsElsewhere() throws IOException, InterruptedException {
        Access access = serve(exchange -> {
            exchange.getResponseHeaders().set("Location", "/elsewhere");
            answer(exchange, 307, "");
        });
        assertThat(failure(access.withBearer(SECRET)).reason()).endsWith(": answered 307");
        assertThat(seen).hasSize(1);
    }

    @Test
    void waitsNoLongerThanItMay() throws IOException, InterruptedException {
        CountDownLatch over = new CountDownLatch(1);
        Access access = serve(exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write('#');
            exchange.getResponseBody().flush();
            try {
                over.await();
            } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
            }
        });
        Outcome.Failed failed = failure(access.withTimeout(Duration.ofMillis(200)));
        over.countDown();
        assertThat(failed.reason()).endsWith(": no answer within 0.2 s");
        assertThat(failed.retryable()).isTrue();
    }

    @Test
    void saysThatNobodyIsThere() throws IOException, InterruptedException {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        Outcome.Failed failed = failure(Access.to(URI.create("http://127.0.0.1:" + closed)));
        assertThat(failed.reason()).endsWith(": cannot connect");
        assertThat(failed.retryable()).isTrue();
    }

    @Test
    void doesNotTakeAnythingForMetrics() throws IOException, InterruptedException {
        assertThat(failure(serve(exchange -> answer(exchange, 200, "<html>Sign in</html>\n")))
                        .retryable())
                .isFalse();
    }
}
