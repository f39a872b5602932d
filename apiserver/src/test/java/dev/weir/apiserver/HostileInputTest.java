package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.weir.apiserver.http.HttpLimits;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is answered to clients that err or mean harm, as docs/local.md says; and that the server goes on serving. */
class HostileInputTest {
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final int MIB = 1 << 20;

    private ApiServer server;

    @BeforeEach
    void start() throws Exception {
        server = ApiServer.start(TestServers.options());
    }

    private void restart(HttpLimits limits) throws Exception {
        server.close();
        server = ApiServer.start(TestServers.options().withLimits(limits));
    }

    @AfterEach
    void servesAndStops() throws Exception {
        try (RawSocket client = new RawSocket(server)) {
            client.send("GET /readyz HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "\r\n");
            assertThat(client.answer().body()).isEqualTo("ok");
        } finally {
            server.close();
        }
    }

    private RawSocket.Answer send(String method, String path, String type, byte[] body) throws Exception {
        try (RawSocket client = new RawSocket(server)) {
            return client.exchange(method, path, type, body);
        }
    }

    private RawSocket.Answer post(String path, String json) throws Exception {
        return send("POST", path, "application/json", json.getBytes(StandardCharsets.UTF_8));
    }

    private RawSocket.Answer patch(String type, String body) throws Exception {
        return send("PATCH", MAPS + "/m", type, body.getBytes(StandardCharsets.UTF_8));
    }

    private static String nested(int depth) {
        return "{\"x\":".repeat(depth) + "1" + "}".repeat(depth);
    }

    @Test
    void bodiesOverTheLimitAreRefused() throws Exception {
        RawSocket.Answer answer = send("POST", MAPS, "application/json", new byte[4 * MIB]);
        assertThat(answer.code()).isEqualTo(413);
        assertThat(answer.body()).contains("Request entity too large: limit is 3145728", "RequestEntityTooLarge");
        try (RawSocket client = new RawSocket(server)) {
            client.send("POST " + MAPS + " HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "Transfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 5; i++) {
                client.send("100000\r\n" + "x".repeat(MIB) + "\r\n");
            }
            assertThat(client.answer().code()).isEqualTo(413);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET /api%zz HTTP/1.1                            | 400",
                "GET /api/v1/configmaps?limit=%zz HTTP/1.1       | 400",
                "GET /api/v1/configmaps?continue=%ff%fe HTTP/1.1 | 400",
                "GET /api/v1/configmaps?labelSelector=((( HTTP/1.1 | 400",
                "GET /api/v1/namespaces/%00/configmaps/%ff HTTP/1.1 | 404",
                "GET /../../etc/passwd HTTP/1.1                  | 404",
                "BREW /api/v1/configmaps HTTP/1.1                | 405",
                "GET HTTP/1.1                                    | 400",
            })
    void malformedRequestsAreTold(String line, int code) throws Exception {
        try (RawSocket client = new RawSocket(server)) {
            client.send(line + "\r\n" + RawSocket.AUTHORIZED + "\r\n");
            assertThat(client.answer().code()).isEqualTo(code);
        }
    }

    @Test
    void floodsOfHeadersAndLongLinesAreRefused() throws Exception {
        try (RawSocket client = new RawSocket(server)) {
            client.send("GET /api HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "a: b\r\n".repeat(20_000));
            assertThat(client.answer().code()).isEqualTo(431);
            assertThat(client.ends()).isTrue();
        }
        try (RawSocket client = new RawSocket(server)) {
            client.send("GET /" + "a".repeat(20_000) + " HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "\r\n");
            assertThat(client.answer().code()).isEqualTo(414);
            assertThat(client.ends()).isTrue();
        }
    }

    @Test
    void whatIsNestedTooDeeplyIsRefused() throws Exception {
        assertThat(post(MAPS, nested(100_000)).code()).isEqualTo(400);
        assertThat(post(MAPS, "[".repeat(1_000_000)).code()).isEqualTo(400);
        assertThat(post(MAPS, "{\"metadata\":{\"name\":\"m\"}}").code()).isEqualTo(201);
        assertThat(patch("application/merge-patch+json", nested(100_000)).code())
                .isEqualTo(400);
        RawSocket.Answer list = send(
                "PATCH",
                MAPS + "/m?fieldManager=me",
                "application/apply-patch+yaml",
                "[".repeat(100_000).getBytes(StandardCharsets.UTF_8));
        assertThat(list.code()).as(list.body()).isEqualTo(400);
        byte[] schema = new byte[2 * MIB];
        Arrays.fill(schema, (byte) 0x0a);
        System.arraycopy(new byte[] {'k', '8', 's', 0}, 0, schema, 0, 4);
        assertThat(send("POST", MAPS, "application/vnd.kubernetes.protobuf", schema)
                        .code())
                .isEqualTo(400);
    }

    /** As deep as is let in, through everything that walks objects. */
    @Test
    void whatIsNestedAsDeeplyAsAllowedIsServed() throws Exception {
        assertThat(post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                 "metadata":{"name":"things.example.com"},
                 "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},
                  "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",
                   "x-kubernetes-preserve-unknown-fields":true}}}]}}""")
                        .code())
                .isEqualTo(201);
        String things = "/apis/example.com/v1/namespaces/default/things";
        String thing =
                "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"t\"},\"spec\":%s}";
        assertThat(post(things, thing.formatted(nested(240))).code()).isEqualTo(201);
        for (String type : List.of("application/merge-patch+json", "application/apply-patch+yaml")) {
            boolean apply = type.endsWith("yaml");
            String path = things + "/t?fieldManager=me" + (apply ? "&force=true" : "");
            byte[] body = thing.formatted(nested(241)).getBytes(StandardCharsets.UTF_8);
            RawSocket.Answer answer = send("PATCH", path, type, body);
            assertThat(answer.code()).as("%s: %s", type, answer.body()).isEqualTo(200);
        }
        assertThat(send("GET", things + "/t", "", new byte[0]).code()).isEqualTo(200);
        String deepest = "/spec" + "/x".repeat(240);
        String copies = "[{\"op\":\"copy\",\"from\":\"/spec\",\"path\":\"" + deepest + "\"}]";
        assertThat(send("PATCH", things + "/t", "application/json-patch+json", copies.getBytes(StandardCharsets.UTF_8))
                        .code())
                .isEqualTo(413);
    }

    @Test
    void textThatIsNoneIsRefusedOrMended() throws Exception {
        byte[] invalid =
                "{\"metadata\":{\"name\":\"m\"},\"data\":{\"a\":\"\u00e9\"}}".getBytes(StandardCharsets.ISO_8859_1);
        assertThat(send("POST", MAPS, "application/json", invalid).code()).isEqualTo(400);
        assertThat(send("POST", MAPS, "application/yaml", invalid).code()).isEqualTo(400);
        assertThat(send("POST", MAPS, "application/json", new byte[1000]).code())
                .isEqualTo(400);
        RawSocket.Answer mended =
                post(MAPS, "{\"metadata\":{\"name\":\"m\"},\"data\":{\"a\":\"x\\ud800y\",\"b\":\"\\ud83d\\ude00\"}}");
        assertThat(mended.code()).isEqualTo(201);
        assertThat(mended.body()).contains("\"a\":\"x\uFFFDy\"", "\"b\":\"\uD83D\uDE00\"");
        assertThat(post(MAPS, "{\"metadata\":{\"name\":\"n\"},\"data\":1e99999}")
                        .code())
                .isEqualTo(400);
    }

    @Test
    void bombsAreRefused() throws Exception {
        StringBuilder yaml = new StringBuilder("apiVersion: v1\nkind: ConfigMap\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (int i = 1; i < 10; i++) {
            yaml.append("a%d: &a%d [%s]\n"
                    .formatted(i, i, String.join(",", java.util.Collections.nCopies(10, "*a" + (i - 1)))));
        }
        RawSocket.Answer aliases =
                send("POST", MAPS, "application/yaml", yaml.toString().getBytes(StandardCharsets.UTF_8));
        assertThat(aliases.code()).isEqualTo(400);
        assertThat(aliases.body()).contains("aliases are not supported");

        assertThat(post(MAPS, "{\"metadata\":{\"name\":\"m\"},\"data\":{\"a\":\"xxxxxxxxxx\"}}")
                        .code())
                .isEqualTo(201);
        String copies = java.util.stream.IntStream.range(0, 40)
                .mapToObj(i -> "{\"op\":\"copy\",\"from\":\"/data\",\"path\":\"/data/k" + i + "\"}")
                .collect(java.util.stream.Collectors.joining(",", "[", "]"));
        RawSocket.Answer doubled = patch("application/json-patch+json", copies);
        assertThat(doubled.code()).isEqualTo(413);
        String tests = "[" + String.join(",", java.util.Collections.nCopies(10_001, "{}")) + "]";
        RawSocket.Answer many = patch("application/json-patch+json", tests);
        assertThat(many.code()).isEqualTo(413);
        assertThat(many.body()).contains("The allowed maximum operations in a JSON patch is 10000, got 10001");
        int refusedAt = 0;
        for (int i = 0; i < 8 && refusedAt == 0; i++) {
            String more = "{\"data\":{\"k" + i + "\":\"" + "x".repeat(900_000) + "\"}}";
            RawSocket.Answer grown = patch("application/merge-patch+json", more);
            refusedAt = grown.code() == 200 ? 0 : i;
        }
        assertThat(refusedAt).as("the size of an object is bounded").isPositive();
    }

    @Test
    void slowAndSilentClientsAreClosed() throws Exception {
        restart(new HttpLimits(100, 100, Duration.ofMillis(400), Duration.ofMillis(800), Duration.ofSeconds(60)));
        try (RawSocket silent = new RawSocket(server);
                RawSocket slow = new RawSocket(server);
                RawSocket idle = new RawSocket(server)) {
            AtomicBoolean cut = new AtomicBoolean();
            Thread drip = Thread.startVirtualThread(() -> {
                try {
                    slow.send("GET /api HTTP/1.1\r\n");
                    while (true) {
                        slow.send("a: b\r\n");
                        LockSupport.parkNanos(20_000_000);
                    }
                } catch (java.io.IOException gone) {
                    cut.set(true);
                }
            });
            idle.send("GET /readyz HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "\r\n");
            assertThat(idle.answer().code()).isEqualTo(200);
            assertThat(silent.ends()).isTrue();
            assertThat(idle.ends()).isTrue();
            await().untilTrue(cut);
            drip.join();
        }
    }

    /** A client that stops reading is cut off, whether it watches or waits for a great list; nobody else waits for it. */
    @Test
    void clientsThatDoNotReadAreClosed() throws Exception {
        restart(new HttpLimits(100, 100, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofMillis(400)));
        for (int i = 0; i < 20; i++) {
            String map = "{\"metadata\":{\"name\":\"m" + i + "\"},\"data\":{\"a\":\"" + "x".repeat(900_000) + "\"}}";
            assertThat(post(MAPS, map).code()).isEqualTo(201);
        }
        try (RawSocket watch = new RawSocket(server);
                RawSocket list = new RawSocket(server)) {
            watch.send("GET " + MAPS + "?watch=1 HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "\r\n");
            list.send("GET " + MAPS + "?limit=500 HTTP/1.1\r\n" + RawSocket.AUTHORIZED + "\r\n");
            await().until(watch::isCut);
            await().until(list::isCut);
        }
        RawSocket.Answer page = send("GET", MAPS + "?limit=2", "", new byte[0]);
        assertThat(page.code()).isEqualTo(200);
        assertThat(page.body()).contains("\"continue\":\"", "\"remainingItemCount\":18");
    }

    @Test
    void thereIsALimitToConnectionsAndRequests() throws Exception {
        restart(new HttpLimits(5, 1, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofSeconds(60)));
        List<RawSocket> open = new ArrayList<>();
        boolean refused = false;
        for (int i = 0; i < 10 && !refused; i++) {
            try {
                open.add(new RawSocket(server));
            } catch (java.io.IOException cut) {
                refused = true;
            }
        }
        assertThat(refused).isTrue();
        assertThat(open).hasSizeBetween(4, 5);
        for (RawSocket socket : open) {
            socket.close();
        }
        await().untilAsserted(() ->
                assertThat(send("GET", "/readyz", "", new byte[0]).code()).isEqualTo(200));
    }
}
