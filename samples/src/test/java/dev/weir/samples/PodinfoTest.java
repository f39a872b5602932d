package dev.weir.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PodinfoTest {
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final CompletableFuture<String> panicked = new CompletableFuture<>();
    private @Nullable SampleServer server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
        client.close();
    }

    private void start(Map<String, String> variables, String... flags) throws IOException {
        Podinfo podinfo = new Podinfo("6.0.1", List.of(flags), variables, () -> panicked.complete("crashed"));
        start(podinfo, Faults.of(variables));
    }

    private void start(Sample sample, Faults faults) throws IOException {
        server = SampleServer.start(sample, faults, new InetSocketAddress("127.0.0.1", 0), _ -> {});
    }

    private HttpRequest.Builder request(String target) {
        return HttpRequest.newBuilder(URI.create(
                "http://127.0.0.1:" + Objects.requireNonNull(server).address().getPort() + target));
    }

    private HttpResponse<String> get(String target) throws IOException, InterruptedException {
        return client.send(request(target).build(), HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> post(String target, String body) throws IOException, InterruptedException {
        return client.send(
                request(target).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void saysWhoItIs() throws Exception {
        start(Map.of("HOSTNAME", "podinfo-1", "PODINFO_UI_COLOR", "red"), "--ui-message", "hello");
        assertThat(get("/version").body()).isEqualTo("{\n  \"commit\": \"weir\",\n  \"version\": \"6.0.1\"\n}");
        JsonNode info = new ObjectMapper().readTree(get("/").body());
        assertThat(info.path("hostname").asText()).isEqualTo("podinfo-1");
        assertThat(info.path("version").asText()).isEqualTo("6.0.1");
        assertThat(info.path("color").asText()).isEqualTo("red");
        assertThat(info.path("message").asText()).isEqualTo("hello");
        assertThat(get("/env").body()).contains("\"PODINFO_UI_COLOR=red\"");
        JsonNode headers = new ObjectMapper()
                .readTree(client.send(
                                request("/headers").header("x-my-header", "v").build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body());
        assertThat(headers.path("X-My-Header").path(0).asText()).isEqualTo("v");
        HttpResponse<String> echo = post("/echo", "as it was");
        assertThat(echo.statusCode()).isEqualTo(202);
        assertThat(echo.body()).isEqualTo("as it was");
    }

    @Test
    void readinessIsTurnedOffAndOn() throws Exception {
        start(Map.of());
        assertThat(get("/readyz").body()).contains("\"status\": \"OK\"");
        assertThat(post("/readyz/disable", "").statusCode()).isEqualTo(202);
        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(get("/healthz").statusCode()).isEqualTo(200);
        post("/readyz/enable", "");
        assertThat(get("/readyz").statusCode()).isEqualTo(200);
    }

    @Test
    void aServerMayBeginUnreadyOrUnhealthy() throws Exception {
        start(Map.of(), "-unready", "--unhealthy=true");
        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(get("/healthz").statusCode()).isEqualTo(503);
    }

    @Test
    void statusesAndDelaysAreGivenAndCounted() throws Exception {
        start(Map.of());
        assertThat(get("/status/418").body()).isEqualTo("{\n  \"status\": 418\n}");
        assertThat(get("/status/503").statusCode()).isEqualTo(503);
        Instant begin = Instant.now();
        assertThat(get("/delay/1").body()).contains("\"delay\": 1");
        assertThat(Duration.between(begin, Instant.now())).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        assertThat(get("/no/such").statusCode()).isEqualTo(404);
        assertThat(get("/metrics").body().lines())
                .contains(
                        "# TYPE http_requests_total counter",
                        "http_requests_total{status=\"200\"} 1",
                        "http_requests_total{status=\"418\"} 1",
                        "http_requests_total{status=\"503\"} 1",
                        "http_request_duration_seconds_bucket{method=\"GET\",path=\"delay\",status=\"200\",le=\"1\"} 0",
                        "http_request_duration_seconds_bucket{method=\"GET\",path=\"delay\",status=\"200\",le=\"2.5\"} 1",
                        "http_request_duration_seconds_count{method=\"GET\",path=\"status\",status=\"503\"} 1")
                .noneMatch(line -> line.contains("404"));
    }

    @Test
    void metricsHaveAPortOfTheirOwnIfAsked() throws Exception {
        Podinfo podinfo = new Podinfo("6", List.of("--port=1234", "--port-metrics", "9797"), Map.of(), () -> {});
        assertThat(podinfo.port()).isEqualTo(1234);
        assertThat(podinfo.metricsPort()).hasValue(9797);
        start(podinfo.metricsOnly(), Faults.NONE);
        assertThat(get("/metrics").body()).contains("http_requests_total");
        assertThat(get("/healthz").body()).isEqualTo("OK");
        assertThat(get("/version").statusCode()).isEqualTo(404);
    }

    @Test
    void aPanicTellsTheCallerNothing() throws Exception {
        start(Map.of());
        assertThatThrownBy(() -> get("/panic")).isInstanceOf(IOException.class);
        assertThat(panicked.get(5, TimeUnit.SECONDS)).isEqualTo("crashed");
    }

    @Test
    void flagsThatCannotBeMeantAreNamed() {
        assertThatThrownBy(() -> new Podinfo("6", List.of("--port=http"), Map.of(), () -> {}))
                .hasMessage("port=http: must be a whole number");
        assertThatThrownBy(() -> new Podinfo("6", List.of(), Map.of("PODINFO_RANDOM_ERROR", "often"), () -> {}))
                .hasMessage("random-error: must be true or false");
    }

    @Test
    void randomErrorsComeOnceInThree() throws Exception {
        Podinfo podinfo = new Podinfo("6", List.of("--random-error"), Map.of(), () -> {});
        start(podinfo, Faults.NONE);
        int failed = 0;
        for (int i = 0; i < 300; i++) {
            failed += get("/version").statusCode() == 200 ? 0 : 1;
        }
        // 300 draws of 1/3 leave this range once in a billion runs
        assertThat(failed).isBetween(50, 150);
        assertThat(get("/healthz").statusCode()).isEqualTo(200);
    }
}
