package dev.weir.samples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HttpBinTest {
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private SampleServer server;

    @BeforeEach
    void start() throws IOException {
        server = SampleServer.start(new HttpBin(), Faults.NONE, new InetSocketAddress("127.0.0.1", 0), log::add);
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
    }

    private HttpRequest.Builder request(String target) {
        return HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + server.address().getPort() + target));
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static JsonNode json(HttpResponse<String> response) throws IOException {
        return new ObjectMapper().readTree(response.body());
    }

    @Test
    void getTellsArgumentsAndHeaders() throws Exception {
        JsonNode body = json(
                send(request("/get?a=1&b=x%20y&b=z").header("x-my-header", "v").build()));
        assertThat(body.fieldNames()).toIterable().containsExactly("args", "headers", "origin", "url");
        assertThat(body.path("args").path("a").asText()).isEqualTo("1");
        assertThat(body.path("args").path("b")).extracting(JsonNode::asText).containsExactly("x y", "z");
        assertThat(body.path("headers").path("X-My-Header").asText()).isEqualTo("v");
        assertThat(body.path("headers").has("User-Agent")).isTrue();
        assertThat(body.path("origin").asText()).isEqualTo("127.0.0.1");
        assertThat(body.path("url").asText()).endsWith("/get?a=1&b=x%20y&b=z");
    }

    @Test
    void postTellsJsonAndForms() throws Exception {
        JsonNode sentJson = json(send(request("/post")
                .POST(HttpRequest.BodyPublishers.ofString("{\"k\":[1]}"))
                .build()));
        assertThat(sentJson.path("data").asText()).isEqualTo("{\"k\":[1]}");
        assertThat(sentJson.path("json").path("k").path(0).asInt()).isEqualTo(1);
        JsonNode form = json(send(request("/anything/x")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .PUT(HttpRequest.BodyPublishers.ofString("p=q"))
                .build()));
        assertThat(form.path("form").path("p").asText()).isEqualTo("q");
        assertThat(form.path("data").asText()).isEmpty();
        assertThat(form.path("json").isNull()).isTrue();
        assertThat(form.path("method").asText()).isEqualTo("PUT");
    }

    @Test
    void methodsAndStatuses() throws Exception {
        HttpResponse<String> refused =
                send(request("/get").POST(HttpRequest.BodyPublishers.noBody()).build());
        assertThat(refused.statusCode()).isEqualTo(405);
        assertThat(refused.headers().firstValue("allow")).hasValue("GET, HEAD, OPTIONS");
        assertThat(send(request("/status/418").DELETE().build()).statusCode()).isEqualTo(418);
        assertThat(send(request("/status/204").build()).statusCode()).isEqualTo(204);
        assertThat(send(request("/status/abc").build()).statusCode()).isEqualTo(400);
        assertThat(send(request("/nothing").build()).statusCode()).isEqualTo(404);
        HttpResponse<String> head = send(request("/get")
                .method("HEAD", HttpRequest.BodyPublishers.noBody())
                .build());
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValueAsLong("content-length").orElse(0)).isPositive();
    }

    @Test
    void oneAccessLinePerRequest() throws Exception {
        send(request("/ip").build());
        send(request("/status/503").build());
        assertThat(log).hasSize(2);
        assertThat(log.getFirst())
                .matches(
                        "127\\.0\\.0\\.1 - - \\[\\d\\d/\\w{3}/\\d{4}:[\\d:]{8} \\+0000] \"GET /ip HTTP/1\\.1\" 200 \\d+");
        assertThat(log.getLast()).endsWith("\"GET /status/503 HTTP/1.1\" 503 0");
    }

    @Test
    void closeAnswersWhatIsUnderWay() throws Exception {
        send(request("/get").build());
        CompletableFuture<HttpResponse<String>> slow =
                client.sendAsync(request("/delay/0.5").build(), HttpResponse.BodyHandlers.ofString());
        // a request that is on its way when the close begins is answered too: idle connections linger
        send(request("/get").build());
        server.close();
        assertThat(slow.get(5, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }

    @Test
    void closingUnderLoadResetsNobodyWhoStopsInTime() throws Exception {
        CountDownLatch warm = new CountDownLatch(200);
        CompletableFuture<Integer> client = CompletableFuture.supplyAsync(() -> {
            int answered = 0;
            try {
                while (true) {
                    HttpResponse<String> response = send(request("/get").build());
                    assertThat(response.statusCode()).isEqualTo(200);
                    answered++;
                    warm.countDown();
                    if (response.headers().firstValue("connection").orElse("").equals("close")) {
                        return answered;
                    }
                }
            } catch (IOException | InterruptedException failure) {
                throw new IllegalStateException("after " + answered, failure);
            }
        });
        assertThat(warm.await(10, TimeUnit.SECONDS)).isTrue();
        server.close();
        assertThat(client.get(5, TimeUnit.SECONDS)).isEqualTo(log.size());
    }
}
