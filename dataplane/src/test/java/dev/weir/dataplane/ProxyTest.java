package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.weir.dataplane.MeshConfig.Kind;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProxyTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double ERROR_RATE = 1e-6;
    private static final Workload CALLER = new Workload("default", "sleep-1", "sleep", Map.of("app", "sleep"));

    private final DataPlane dataPlane = DataPlane.start();
    private final AtomicInteger primary = new AtomicInteger();
    private final AtomicInteger candidate = new AtomicInteger();
    private final HttpServer primaryServer = server(primary);
    private final HttpServer candidateServer = server(candidate);
    private final ProxyListener sidecar = open();

    private ProxyListener open() {
        try {
            return dataPlane.openSidecar(CALLER, new InetSocketAddress("127.0.0.1", 0));
        } catch (IOException failure) {
            throw new java.io.UncheckedIOException(failure);
        }
    }

    private static HttpServer server(AtomicInteger count) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/", exchange -> {
                try (exchange) {
                    byte[] body = exchange.getRequestBody().readAllBytes();
                    count.incrementAndGet();
                    exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
                    exchange.getResponseBody().write(body);
                }
            });
            server.start();
            return server;
        } catch (IOException failure) {
            throw new java.io.UncheckedIOException(failure);
        }
    }

    @BeforeEach
    void route() throws Exception {
        dataPlane.update(config(
                50,
                primaryServer.getAddress().getPort(),
                candidateServer.getAddress().getPort()));
    }

    @AfterEach
    void close() {
        sidecar.close();
        dataPlane.close();
        primaryServer.stop(0);
        candidateServer.stop(0);
    }

    private static JsonNode json(String text) throws IOException {
        return JSON.readTree(text.replace('\'', '"'));
    }

    private static JsonNode service(String name) throws IOException {
        return json("{'metadata':{'name':'" + name + "','namespace':'default'},'spec':{'ports':[{'port':80}]}}");
    }

    private static JsonNode slice(String name, int port) throws IOException {
        return json(
                "{'metadata':{'name':'" + name + "-1','namespace':'default','labels':{'kubernetes.io/service-name':'"
                        + name + "'}},'ports':[{'name':'','port':" + port
                        + "}],'endpoints':[{'addresses':['127.0.0.1'],'conditions':{'ready':true}}]}");
    }

    private static MeshConfig config(int percent, int primaryPort, int candidatePort) throws IOException {
        JsonNode route = json("{'metadata':{'name':'app','namespace':'default'},'spec':{'gateways':['mesh'],"
                + "'hosts':['app.default'],'http':[{'route':[{'destination':{'host':'app-0','port':{'number':80}},"
                + "'headers':{'response':{'add':{'app-version':'app-0'}}}}],"
                + "'mirror':{'host':'app-1','port':{'number':80}},'mirrorPercentage':{'value':" + percent + "}}]}}");
        return new MeshConfig(
                Map.of(
                        Kind.SERVICE, List.of(service("app-0"), service("app-1")),
                        Kind.ENDPOINT_SLICE, List.of(slice("app-0", primaryPort), slice("app-1", candidatePort)),
                        Kind.VIRTUAL_SERVICE, List.of(route)),
                Map.of());
    }

    /** Sends one raw request on a connection of its own and returns the whole answer. */
    private String ask(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", sidecar.address().getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private String get() throws IOException {
        return ask("GET http://app.default/x HTTP/1.1\r\nHost: app.default\r\nConnection: close\r\n\r\n");
    }

    @Test
    void usersSeeThePrimaryAndItsName() throws Exception {
        assertThat(get()).startsWith("HTTP/1.1 200 OK").contains("app-version: app-0");
        assertThat(ask("POST http://app.default/x HTTP/1.1\r\nHost: app.default\r\nContent-Length: 5\r\nConnection:"
                        + " close\r\n\r\nhello"))
                .endsWith("hello");
    }

    @Test
    void mirrorsHalfOfTheRequests() throws Exception {
        int requests = 1000;
        for (int i = 0; i < requests; i++) {
            assertThat(get()).startsWith("HTTP/1.1 200");
        }
        assertThat(primary.get()).isEqualTo(requests);
        BinomialDistribution half = BinomialDistribution.of(requests, 0.5);
        int least = half.inverseCumulativeProbability(ERROR_RATE / 2);
        int most = half.inverseCumulativeProbability(1 - ERROR_RATE / 2);
        await().untilAsserted(() -> assertThat(candidate.get()).isBetween(least, most));
    }

    @Test
    void aCandidateThatHangsHurtsNobody() throws Exception {
        try (ServerSocket hanging = new ServerSocket(0, 1)) {
            dataPlane.update(config(100, primaryServer.getAddress().getPort(), hanging.getLocalPort()));
            for (int i = 0; i < 700; i++) {
                assertThat(get()).startsWith("HTTP/1.1 200");
            }
            assertThat(primary.get()).isEqualTo(700);
        }
    }

    @Test
    void newConfigurationDropsNothing() throws Exception {
        List<String> bad = new ArrayList<>();
        Thread changing = Thread.startVirtualThread(() -> {
            try {
                for (int i = 0; i < 500; i++) {
                    dataPlane.update(config(
                            i % 101,
                            primaryServer.getAddress().getPort(),
                            candidateServer.getAddress().getPort()));
                }
            } catch (IOException failure) {
                bad.add(failure.toString());
            }
        });
        for (int i = 0; i < 500; i++) {
            String answer = get();
            if (!answer.startsWith("HTTP/1.1 200")) {
                bad.add(answer);
            }
        }
        changing.join();
        assertThat(bad).isEmpty();
        assertThat(primary.get()).isEqualTo(500);
    }

    @Test
    void answersClearlyWhereThereIsNoWay() throws Exception {
        assertThat(ask("GET http://nobody.default/ HTTP/1.1\r\nHost: nobody.default\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 502");
        assertThat(ask("CONNECT app.default:80 HTTP/1.1\r\nHost: app.default\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 403");
    }

    @Test
    void refusesAmbiguousLengths() throws Exception {
        String answer = ask("POST http://app.default/ HTTP/1.1\r\nHost: app.default\r\nContent-Length: 4\r\n"
                + "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
        assertThat(answer).startsWith("HTTP/1.1 400");
        assertThat(primary.get()).isZero();
    }

    @Test
    void aGatewayServesOnlyWhatNamesIt() throws Exception {
        Workload gateway = new Workload("istio-system", "gw", "gw", Map.of("istio", "ingressgateway"));
        try (ProxyListener open = dataPlane.openGateway(gateway, new InetSocketAddress("127.0.0.1", 0), 80);
                Socket socket = new Socket("127.0.0.1", open.address().getPort())) {
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: app.default\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .startsWith("HTTP/1.1 404");
        }
    }

    @Test
    void anAddressIsQuietOnceNothingLeadsToItAndItsLastRequestIsAnswered() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        primaryServer.removeContext("/");
        primaryServer.createContext("/", exchange -> {
            arrived.countDown();
            try (exchange) {
                answer.await();
                exchange.sendResponseHeaders(200, -1);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
        Set<InetSocketAddress> address = Set.of(
                new InetSocketAddress("127.0.0.1", primaryServer.getAddress().getPort()));
        Future<String> held;
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            held = clients.submit(this::get);
            arrived.await();
            assertThat(dataPlane.awaitQuiet(address, Duration.ZERO))
                    .as("still routed to")
                    .isFalse();
            dataPlane.update(MeshConfig.EMPTY);
            assertThat(dataPlane.awaitQuiet(address, Duration.ZERO))
                    .as("a request is under way")
                    .isFalse();
            answer.countDown();
            assertThat(dataPlane.awaitQuiet(address, Duration.ofSeconds(10))).isTrue();
        }
        assertThat(held.get()).startsWith("HTTP/1.1 200");
    }
}
