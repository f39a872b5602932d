package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What routes ask for, seen from both ends. */
class PolicyTest {
    private static final String RETRIES =
            "[{route: [{destination: {host: pod}}], retries: {attempts: 2, retryOn: %s}}]";

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final AtomicInteger asked = new AtomicInteger();
    private Pod pod = Pod.echo();

    @AfterEach
    void close() throws IOException {
        mesh.close();
        pod.close();
    }

    private void pod(Pod.Script script) throws IOException {
        pod.close();
        pod = Pod.start(script);
        mesh.service("pod", pod.port());
    }

    /** Fails in a way, then answers with the body that it got. */
    private Pod.Script failingOnce(String answer) {
        return (request, in, out) -> {
            byte[] body = request.body(in);
            if (asked.getAndIncrement() == 0) {
                out.write(Pod.bytes(answer));
                return !answer.isEmpty();
            }
            out.write(Pod.ok(new String(body, StandardCharsets.ISO_8859_1)));
            return true;
        };
    }

    /** A port on which nobody listens. */
    static int deadPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    private String post(String body) throws IOException {
        return mesh.ask(ProxyFixture.request("POST", "/x", "Content-Length: " + body.length()) + body);
    }

    @Test
    void withoutAPolicyARequestIsSentOnce() throws Exception {
        mesh.route("[{route: [{destination: {host: pod}}]}]");
        pod(failingOnce("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 503");
        asked.set(0);
        pod(failingOnce(""));
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 503").contains("connection termination");
        assertThat(pod.requests()).hasSize(1);
    }

    @Test
    void aConnectionThatCannotBeOpenedIsTriedAtAnotherPod() throws Exception {
        mesh.service("pod", deadPort(), pod.port()).route("[{route: [{destination: {host: pod}}]}]");
        for (int i = 0; i < 50; i++) {
            assertThat(post("x" + i)).startsWith("HTTP/1.1 200").endsWith("x" + i);
        }
        assertThat(pod.requests()).hasSize(50);
        mesh.route(RETRIES.formatted("connect-failure").replace("attempts: 2", "attempts: 0"));
        int refused = 0;
        for (int i = 0; i < 50; i++) {
            refused += mesh.get("/").startsWith("HTTP/1.1 503") ? 1 : 0;
        }
        assertThat(refused).isPositive();
        mesh.service("pod", deadPort(), deadPort());
        mesh.route("[{route: [{destination: {host: pod}}]}]");
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 503").contains("connection failure");
        assertThat(mesh.metric("istio_requests_total", "reporter=\"source\"", "response_flags=\"UF,URX\""))
                .isEqualTo(1);
        assertThat(mesh.metric("istio_requests_total", "reporter=\"destination\"", "response_flags=\"UF\""))
                .as("every try is seen at the workload")
                .isGreaterThanOrEqualTo(3);
    }

    /** The first pod leaves its service while it has the request. */
    @Test
    void aFurtherTryGoesToThePodsOfNow() throws Exception {
        mesh.route(RETRIES.formatted("5xx"));
        try (Pod next = Pod.saying("next")) {
            pod((request, in, out) -> {
                mesh.service("pod", next.port());
                out.write(Pod.bytes("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
                return true;
            });
            assertThat(mesh.get("/")).startsWith("HTTP/1.1 200").endsWith("next");
            assertThat(pod.requests()).hasSize(1);
            pod((request, in, out) -> {
                mesh.service("pod");
                out.write(Pod.bytes("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
                return true;
            });
            assertThat(mesh.get("/")).as("nobody else is there").startsWith("HTTP/1.1 503");
        }
    }

    @Test
    void aPolicyResendsTheWholeRequest() throws Exception {
        mesh.route(RETRIES.formatted("gateway-error"));
        pod(failingOnce("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
        assertThat(post("again")).startsWith("HTTP/1.1 200").endsWith("again");
        assertThat(pod.requests())
                .extracting(r -> r.header("x-envoy-attempt-count"))
                .containsExactly("1", "2");
        mesh.route(RETRIES.formatted("reset"));
        asked.set(0);
        pod(failingOnce(""));
        assertThat(post("again")).startsWith("HTTP/1.1 200").endsWith("again");
        mesh.route(RETRIES.formatted("\"429\""));
        asked.set(0);
        pod(failingOnce("HTTP/1.1 429 Slow\r\nContent-Length: 4\r\n\r\ndown"));
        assertThat(post("again")).startsWith("HTTP/1.1 200").endsWith("again");
    }

    @Test
    void theLastAnswerIsPassedOnWhenTriesAreUsedUp() throws Exception {
        mesh.route(RETRIES.formatted("5xx"));
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\n" + "n" + asked.incrementAndGet() + "."));
            return true;
        });
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 500").endsWith("n3.");
        assertThat(mesh.metric("istio_requests_total", "reporter=\"source\"", "response_code=\"500\""))
                .isEqualTo(1);
        assertThat(mesh.metric("istio_requests_total", "reporter=\"destination\"", "response_code=\"500\""))
                .isEqualTo(3);
    }

    @Test
    void aBodyTooLongToKeepIsNotSentTwice() throws Exception {
        mesh.route(RETRIES.formatted("5xx"));
        pod(failingOnce("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
        assertThat(post("x".repeat((1 << 20) + 1))).startsWith("HTTP/1.1 500");
        assertThat(pod.requests()).hasSize(1);
    }

    @Test
    void timeoutsAreKept() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        pod((request, in, out) -> {
            over.await();
            return false;
        });
        mesh.route("[{timeout: 100ms, route: [{destination: {host: pod}}]}]");
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 504").endsWith("upstream request timeout");
        assertThat(mesh.metric("istio_requests_total", "reporter=\"source\"", "response_flags=\"UT\""))
                .isEqualTo(1);
        mesh.route("[{timeout: 10s, retries: {attempts: 1, perTryTimeout: 100ms, retryOn: 5xx},"
                + " route: [{destination: {host: pod}}]}]");
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 504");
        assertThat(pod.requests()).hasSize(3);
        assertThat(pod.requests().getFirst().header("x-envoy-expected-rq-timeout-ms"))
                .isEqualTo("100");
        over.countDown();
    }

    @Test
    void faultsAreInjectedAndNeverReachThePod() throws Exception {
        mesh.service("pod", pod.port());
        mesh.route(
                "[{fault: {abort: {percentage: {value: 100}, httpStatus: 418}}, route: [{destination: {host: pod}}]}]");
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 418").endsWith("fault filter abort");
        assertThat(pod.requests()).isEmpty();
        assertThat(mesh.metric("istio_requests_total", "reporter=\"source\"", "response_flags=\"FI\""))
                .isEqualTo(1);
        assertThat(mesh.metric("istio_requests_total", "reporter=\"destination\""))
                .isZero();
        mesh.route(
                "[{fault: {delay: {percentage: {value: 100}, fixedDelay: 200ms}}, route: [{destination: {host: pod}}]}]");
        long before = System.nanoTime();
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 200");
        assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(200_000_000L);
        assertThat(mesh.metric("istio_requests_total", "reporter=\"source\"", "response_flags=\"DI\""))
                .isEqualTo(1);
    }

    @Test
    void redirectsRewritesAndAnswersOfTheRouteItself() throws Exception {
        mesh.service("pod", pod.port());
        mesh.route("[{match: [{uri: {prefix: /old/}}], redirect: {prefixRewrite: /new/, redirectCode: 308}},"
                + " {match: [{uri: {exact: /tea}}], directResponse: {status: 418, body: {string: pot}}},"
                + " {match: [{uri: {exact: /no}}], delegate: {name: other}},"
                + " {rewrite: {uri: /all, authority: inside.example}, route: [{destination: {host: pod}}]}]");
        assertThat(mesh.get("/old/x?y")).startsWith("HTTP/1.1 308").contains("location: http://app.default/new/x?y");
        assertThat(mesh.get("/tea")).startsWith("HTTP/1.1 418").endsWith("\r\n\r\npot");
        assertThat(mesh.get("/no")).startsWith("HTTP/1.1 501").contains("other");
        assertThat(pod.requests()).isEmpty();
        assertThat(mesh.get("/x?y")).startsWith("HTTP/1.1 200");
        assertThat(pod.requests().getFirst().line()).isEqualTo("GET /all?y HTTP/1.1");
        assertThat(pod.requests().getFirst().header("host")).isEqualTo("inside.example");
        assertThat(pod.requests().getFirst().header("x-envoy-original-path")).isEqualTo("/x?y");
    }

    @Test
    void copiesInFlightAreCappedAndDropsCounted() throws Exception {
        int cap = 20;
        int requests = 300;
        CountDownLatch over = new CountDownLatch(1);
        DataPlaneOptions.Mirrors few = new DataPlaneOptions.Mirrors(cap, 1 << 20, 1 << 20);
        try (ProxyFixture capped = new ProxyFixture(DataPlaneOptions.standard().with(few));
                Pod hanging = Pod.start((request, in, out) -> {
                    over.await();
                    return false;
                })) {
            capped.service("pod", pod.port())
                    .service("copy", hanging.port())
                    .route("[{route: [{destination: {host: pod}}], mirror: {host: copy}}]");
            for (int i = 0; i < requests; i++) {
                assertThat(capped.get("/")).startsWith("HTTP/1.1 200");
            }
            await().until(() -> hanging.requests().size() == cap);
            assertThat(capped.metric("weir_mirrored_requests_in_flight")).isEqualTo(cap);
            assertThat(capped.metric("weir_mirrored_requests_total")).isEqualTo(cap);
            assertThat(capped.metric("weir_mirrored_requests_dropped_total", "reason=\"in_flight\""))
                    .isEqualTo(requests - cap);
            assertThat(pod.requests()).hasSize(requests);
            over.countDown();
            await().until(() -> capped.metric("weir_mirrored_requests_in_flight") == 0);
            assertThat(hanging.connections()).isEqualTo(cap);
            assertThat(capped.metric(
                            "istio_requests_total", "reporter=\"destination\"", "destination_workload=\"copy\""))
                    .isEqualTo(cap);
            assertThat(capped.metric("istio_requests_total", "reporter=\"source\"", "destination_workload=\"copy\""))
                    .as("as in Istio, the caller does not report copies")
                    .isZero();
        }
    }

    @Test
    void aCopyIsTheRequestThatThePrimaryGets() throws Exception {
        try (Pod copies = Pod.echo()) {
            mesh.service("pod", pod.port()).service("copy", copies.port());
            mesh.route(
                    "[{rewrite: {uri: /w}, headers: {request: {set: {x-set: v}}}, route: [{destination: {host: pod}}],"
                            + " mirrors: [{destination: {host: copy}}, {destination: {host: copy}}]}]");
            assertThat(mesh.ask(ProxyFixture.request("POST", "/x", "Transfer-Encoding: chunked")
                            + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"))
                    .endsWith("hello world");
            await().until(() -> copies.requests().size() == 2);
            for (Pod.Request copy : copies.requests()) {
                assertThat(copy.head().lines())
                        .containsExactlyInAnyOrderElementsOf(
                                pod.requests().getFirst().head().lines().toList());
            }
            mesh.without("copy");
            mesh.get("/");
            assertThat(mesh.metric("weir_mirrored_requests_dropped_total", "no_endpoint"))
                    .isEqualTo(2);
        }
    }
}
