package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bodies, connections and tunnels. */
class StreamingTest {
    private static final String TO_APP = "[{route: [{destination: {host: pod}}]}]";
    private static final long HUGE = 512L << 20;
    /** More than all buffers between the ends hold: sockets, channels, one read. */
    private static final long MOST_BUFFERED = 64L << 20;

    private static final DataPlaneOptions QUICK = DataPlaneOptions.standard()
            .with(new DataPlaneOptions.Timeouts(
                    Duration.ofMillis(300),
                    Duration.ofMillis(600),
                    Duration.ofMillis(600),
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(10)));

    private ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private Pod pod = Pod.echo();

    private void pod(Pod.Script script) throws IOException {
        pod.close();
        pod = Pod.start(script);
        mesh.service("pod", pod.port()).route(TO_APP);
    }

    private void with(DataPlaneOptions options) {
        mesh.close();
        mesh = new ProxyFixture(options);
    }

    @AfterEach
    void close() throws IOException {
        mesh.close();
        pod.close();
    }

    @Test
    void aLongUploadWaitsForASlowPod() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        AtomicLong received = new AtomicLong();
        pod((request, in, out) -> {
            go.await();
            in.skipNBytes(HUGE - 1);
            received.set(HUGE - 1);
            in.read();
            out.write(Pod.ok("taken"));
            return true;
        });
        AtomicLong sent = new AtomicLong();
        try (Socket client = mesh.connect()) {
            Thread writer = Thread.startVirtualThread(() -> {
                try {
                    OutputStream out = client.getOutputStream();
                    out.write(
                            Pod.bytes("PUT /x HTTP/1.1\r\nHost: app.default\r\nContent-Length: " + HUGE + "\r\n\r\n"));
                    byte[] part = new byte[1 << 16];
                    for (long i = 0; i < HUGE; i += part.length) {
                        out.write(part);
                        sent.addAndGet(part.length);
                    }
                } catch (IOException failure) {
                    sent.set(-1);
                }
            });
            await().during(Duration.ofMillis(300)).until(() -> sent.get() > 0 && sent.get() < MOST_BUFFERED);
            go.countDown();
            assertThat(Pod.line(client.getInputStream())).isEqualTo("HTTP/1.1 200 OK");
            writer.join();
        }
        assertThat(received.get()).isEqualTo(HUGE - 1);
    }

    @Test
    void aLongDownloadWaitsForASlowClient() throws Exception {
        AtomicLong sent = new AtomicLong();
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 200 OK\r\nContent-Length: " + HUGE + "\r\n\r\n"));
            byte[] part = new byte[1 << 16];
            for (long i = 0; i < HUGE; i += part.length) {
                out.write(part);
                sent.addAndGet(part.length);
            }
            return true;
        });
        try (Socket client = mesh.connect()) {
            client.getOutputStream().write(Pod.bytes(ProxyFixture.request("GET", "/x")));
            await().during(Duration.ofMillis(300)).until(() -> sent.get() > 0 && sent.get() < MOST_BUFFERED);
            InputStream in = client.getInputStream();
            while (!Pod.line(in).isEmpty()) {
                // the head
            }
            in.skipNBytes(HUGE);
            assertThat(in.read()).isEqualTo(-1);
        }
        assertThat(mesh.metric("istio_response_bytes_sum", "reporter=\"source\""))
                .isEqualTo(HUGE);
    }

    @Test
    void aMirroredBodyBeyondTheBoundIsDroppedAndCountedAndTheRequestServed() throws Exception {
        with(DataPlaneOptions.standard().with(new DataPlaneOptions.Mirrors(512, 1000, 1 << 20)));
        try (Pod copies = Pod.echo()) {
            mesh.service("pod", pod.port())
                    .service("copy", copies.port())
                    .route("[{route: [{destination: {host: pod}}], mirror: {host: copy}}]");
            assertThat(post("x".repeat(1001))).endsWith("x".repeat(1001));
            assertThat(mesh.metric("weir_mirrored_requests_dropped_total", "body_too_large"))
                    .isEqualTo(1);
            assertThat(post("y".repeat(1000))).endsWith("y".repeat(1000));
            await().until(() -> copies.requests().size() == 1);
            assertThat(mesh.metric("weir_mirrored_requests_total")).isEqualTo(1);
        }
    }

    private String post(String body) throws IOException {
        return mesh.ask(ProxyFixture.request("POST", "/x", "Content-Length: " + body.length()) + body);
    }

    @Test
    void chunksAndTrailersGoThroughBothWays() throws Exception {
        pod((request, in, out) -> {
            String body = new String(request.body(in), StandardCharsets.ISO_8859_1);
            out.write(Pod.bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"));
            out.write(Pod.bytes(Integer.toHexString(body.length()) + "\r\n" + body + "\r\n0\r\nX-Sum: 42\r\n\r\n"));
            return true;
        });
        String answer = mesh.ask(ProxyFixture.request("POST", "/x", "Transfer-Encoding: chunked")
                + "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Check: abc\r\n\r\n");
        assertThat(answer).contains("hello world").contains("X-Check: abc").endsWith("0\r\nX-Sum: 42\r\n\r\n");
    }

    @Test
    void aPodThatEndsItsAnswerByClosingDoesNotConfuseTheClient() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 200 OK\r\n\r\nall there is"));
            return false;
        });
        assertThat(mesh.get("/"))
                .containsIgnoringCase("transfer-encoding: chunked")
                .endsWith("0\r\n\r\n");
        assertThat(mesh.ask("GET / HTTP/1.0\r\nHost: app.default\r\n\r\n"))
                .doesNotContainIgnoringCase("transfer-encoding")
                .endsWith("\r\n\r\nall there is");
    }

    @Test
    void anAnswerThatBreaksOffIsSeenToBreakOff() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
            return false;
        });
        assertThat(mesh.get("/")).endsWith("hello\r\n").doesNotContain("\r\n0\r\n");
        assertThat(mesh.metric("istio_requests_total", "reporter=\"source\"", "response_flags=\"UC\""))
                .isEqualTo(1);
    }

    @Test
    void anOldClientGetsNoChunks() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
            return true;
        });
        assertThat(mesh.ask("GET / HTTP/1.0\r\nHost: app.default\r\nConnection: keep-alive\r\n\r\n"))
                .containsIgnoringCase("connection: close")
                .endsWith("\r\n\r\nhello");
    }

    @Test
    void answersWithoutBodiesKeepTheConnectionInStep() throws Exception {
        pod((request, in, out) -> {
            String code = request.line().split("[/ ]")[2];
            String head = request.line().startsWith("HEAD") ? "Content-Length: 1000\r\n" : "";
            out.write(Pod.bytes("HTTP/1.1 " + code + " Said\r\n" + head
                    + (code.equals("200") && head.isEmpty() ? "Content-Length: 4\r\n\r\nbody" : "\r\n")));
            return true;
        });
        String host = " HTTP/1.1\r\nHost: app.default\r\n";
        String answers = mesh.ask("HEAD /200" + host + "\r\nGET /204" + host + "\r\nGET /304" + host + "\r\nGET /200"
                + host + "Connection: close\r\n\r\n");
        assertThat(answers.split("HTTP/1.1 ", -1))
                .hasSize(5)
                .satisfiesExactly(
                        before -> assertThat(before).isEmpty(),
                        head -> assertThat(head).startsWith("200").contains("Content-Length: 1000"),
                        none -> assertThat(none).startsWith("204").endsWith("\r\n\r\n"),
                        same -> assertThat(same).startsWith("304").endsWith("\r\n\r\n"),
                        last -> assertThat(last).startsWith("200").endsWith("\r\n\r\nbody"));
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrderOneAfterTheOther() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.ok(request.line().split(" ")[1] + ";"));
            return true;
        });
        StringBuilder all = new StringBuilder();
        StringBuilder wanted = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            all.append("GET /").append(i).append(" HTTP/1.1\r\nHost: app.default\r\n\r\n");
            wanted.append('/').append(i).append(';');
        }
        all.append(ProxyFixture.request("GET", "/end"));
        String bodies = mesh.ask(all.toString()).replaceAll("(?s)HTTP/1.1 200 OK.*?\r\n\r\n(/\\w+;)", "$1");
        assertThat(bodies).isEqualTo(wanted + "/end;");
        assertThat(pod.connections()).isEqualTo(1);
    }

    @Test
    void theBodyIsAskedForOnlyOnceSomebodyTakesIt() throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        try (Socket client = mesh.connect()) {
            client.getOutputStream()
                    .write(Pod.bytes(ProxyFixture.request("POST", "/", "Expect: 100-continue", "Content-Length: 5")));
            assertThat(Pod.line(client.getInputStream())).isEqualTo("HTTP/1.1 100 Continue");
            Pod.line(client.getInputStream());
            client.getOutputStream().write(Pod.bytes("hello"));
            assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 200")
                    .endsWith("hello");
        }
        assertThat(pod.requests().getFirst().header("expect")).isEmpty();
        mesh.route("[]");
        assertThat(mesh.ask(ProxyFixture.request("POST", "/", "Expect: 100-continue", "Content-Length: 5")))
                .startsWith("HTTP/1.1 404");
        assertThat(mesh.ask(ProxyFixture.request("POST", "/", "Expect: more", "Content-Length: 5")))
                .startsWith("HTTP/1.1 417");
    }

    @Test
    void anAnswerBeforeTheEndOfTheRequestArrivesWhole() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"));
            return false;
        });
        try (Socket client = mesh.connect()) {
            OutputStream out = client.getOutputStream();
            out.write(Pod.bytes("POST /x HTTP/1.1\r\nHost: app.default\r\nContent-Length: 10000000\r\n\r\nbegin"));
            assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 413")
                    .endsWith("big");
        }
    }

    @Test
    void aRefusedSmallBodyDoesNotEndTheConnection() throws Exception {
        mesh.route("[{directResponse: {status: 403, body: {string: no}}}]");
        String host = " HTTP/1.1\r\nHost: app.default\r\n";
        String answers =
                mesh.ask("POST /" + host + "Content-Length: 5\r\n\r\nhello" + ProxyFixture.request("GET", "/"));
        assertThat(answers.split("HTTP/1.1 403", -1)).hasSize(3);
    }

    @Test
    void aClientThatGoesTakesItsRequestAlong() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch gone = new CountDownLatch(1);
        pod((request, in, out) -> {
            arrived.countDown();
            gone.await();
            return in.read() >= 0;
        });
        try (Socket client = mesh.connect()) {
            client.getOutputStream().write(Pod.bytes(ProxyFixture.request("GET", "/")));
            arrived.await();
        }
        gone.countDown();
        await().until(() -> pod.openConnections() == 0);
        assertThat(mesh.metric("istio_requests_total", "response_flags=\"DC\"", "reporter=\"source\""))
                .isEqualTo(1);
        assertThat(mesh.metric("istio_requests_total", "response_flags=\"DC\"", "reporter=\"destination\""))
                .isEqualTo(1);
    }

    @Test
    void headersMustComeInTime() throws Exception {
        with(QUICK);
        try (Socket client = mesh.connect()) {
            client.getOutputStream().write(Pod.bytes("GET / HTTP/1.1\r\nHost: app"));
            String answer = new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answer).startsWith("HTTP/1.1 408");
        }
    }

    @Test
    void anIdleConnectionIsClosed() throws Exception {
        with(QUICK);
        try (Socket client = mesh.connect()) {
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void aStalledUploadAndAStalledPodAreGivenUp() throws Exception {
        with(QUICK);
        CountDownLatch over = new CountDownLatch(1);
        pod((request, in, out) -> {
            over.await();
            return false;
        });
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 504").contains("stream timeout");
        try (Socket client = mesh.connect()) {
            client.getOutputStream()
                    .write(Pod.bytes(ProxyFixture.request("POST", "/", "Content-Length: 10") + "stall"));
            assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 408");
        }
        over.countDown();
    }

    @Test
    void anUpgradeBecomesATunnel() throws Exception {
        pod((request, in, out) -> {
            assertThat(request.header("upgrade")).isEqualTo("websocket");
            out.write(Pod.bytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: x\r\n\r\nfirst"));
            for (int c = in.read(); c >= 0; c = in.read()) {
                out.write(Character.toUpperCase(c));
            }
            return false;
        });
        try (Socket client = mesh.connect()) {
            client.getOutputStream()
                    .write(Pod.bytes("GET /ws HTTP/1.1\r\nHost: app.default\r\nConnection: Upgrade\r\n"
                            + "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"));
            InputStream in = client.getInputStream();
            assertThat(Pod.line(in)).startsWith("HTTP/1.1 101");
            while (!Pod.line(in).isEmpty()) {
                // the rest of the head
            }
            assertThat(new String(in.readNBytes(5), StandardCharsets.ISO_8859_1))
                    .isEqualTo("first");
            client.getOutputStream().write(Pod.bytes("ping\r\n\r\nGET"));
            assertThat(new String(in.readNBytes(11), StandardCharsets.ISO_8859_1))
                    .isEqualTo("PING\r\n\r\nGET");
        }
        await().until(() -> mesh.metric("istio_requests_total", "response_code=\"101\"") == 2);
    }

    @Test
    void aRefusedUpgradeIsAnAnswer() throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        assertThat(mesh.ask("GET /ws HTTP/1.1\r\nHost: app.default\r\nConnection: Upgrade, close\r\nUpgrade: websocket"
                        + "\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    void tunnelsLeaveTheMeshOnlyWhereAllowed() throws Exception {
        mesh.service("pod", pod.port());
        String outside = "127.0.0.1:" + pod.port();
        assertThat(mesh.ask("CONNECT " + outside + " HTTP/1.1\r\nHost: " + outside + "\r\n\r\n"))
                .startsWith("HTTP/1.1 403")
                .contains("not allowed");
        assertThat(mesh.ask("GET http://" + outside + "/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 502");
        with(DataPlaneOptions.standard().withOutside(true));
        mesh.service("pod", pod.port());
        assertThat(mesh.ask("CONNECT pod.default:80 HTTP/1.1\r\nHost: pod.default\r\n\r\n"))
                .startsWith("HTTP/1.1 403")
                .contains("is a service of the mesh");
        assertThat(mesh.ask("GET http://" + outside + "/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        try (Socket client = mesh.connect()) {
            client.getOutputStream()
                    .write(Pod.bytes("CONNECT " + outside + " HTTP/1.1\r\nHost: " + outside + "\r\n\r\n"));
            InputStream in = client.getInputStream();
            assertThat(Pod.line(in)).isEqualTo("HTTP/1.1 200 Connection established");
            while (!Pod.line(in).isEmpty()) {
                // the rest of the head
            }
            client.getOutputStream().write(Pod.bytes("GET /through HTTP/1.1\r\nHost: x\r\n\r\n"));
            assertThat(Pod.line(in)).isEqualTo("HTTP/1.1 200 OK");
        }
        assertThat(pod.requests()).extracting(Pod.Request::line).contains("GET /through HTTP/1.1");
    }

    @Test
    void interimAnswersOfAPodAreNotTakenForTheAnswer() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"));
            out.write(Pod.ok("real"));
            return true;
        });
        assertThat(mesh.get("/")).startsWith("HTTP/1.1 200").endsWith("real");
    }

    @Test
    void whatIsNoAnswerBecomes502() throws Exception {
        for (String nonsense : List.of("nonsense\r\n\r\n", "HTTP/1.1 101 No\r\nUpgrade: x\r\n\r\n")) {
            pod((request, in, out) -> {
                out.write(Pod.bytes(nonsense));
                return true;
            });
            assertThat(mesh.get("/")).startsWith("HTTP/1.1 502");
        }
    }

    @Test
    void aClientMayTakeItsTimeWithSmallPieces() throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        try (Socket client = mesh.connect()) {
            client.setTcpNoDelay(true);
            for (byte one : Pod.bytes(ProxyFixture.request("POST", "/", "Content-Length: 3") + "abc")) {
                client.getOutputStream().write(one);
            }
            assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 200")
                    .endsWith("abc");
        } catch (SocketTimeoutException hung) {
            throw new AssertionError("no answer", hung);
        }
    }
}
