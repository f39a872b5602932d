package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.weir.dataplane.Http2Peer.Answer;
import dev.weir.dataplane.Http2Peer.Client;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** HTTP/2 on both sides, and from either to HTTP/1. */
class Http2Test {
    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final Http2Peer peer = new Http2Peer();
    private final Pod old = Pod.start((request, in, out) -> {
        byte[] body = request.body(in);
        out.write(Pod.ok(
                request.line() + " " + request.header("x-http2-scheme") + new String(body, StandardCharsets.UTF_8)));
        return true;
    });

    private Client client;

    @BeforeEach
    void start() throws Exception {
        mesh.service("grpc", "grpc-web", peer.serve().getPort());
        mesh.service("plain", "", peer.serve().getPort());
        mesh.service("old", "http", old.port());
        client = peer.connect(mesh.sidecar().address(), null);
    }

    @AfterEach
    void close() throws IOException {
        peer.close();
        mesh.close();
        old.close();
    }

    @Test
    void grpcGoesThroughWithItsTrailers() throws Exception {
        Answer answer = client.ask(
                        "grpc.default", "/pkg.Service/Call", "hello", "content-type: application/grpc", "te: trailers")
                .get();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.headers()).contains("x-authority: grpc.default").contains("x-te: trailers");
        assertThat(answer.body()).isEqualTo("hello");
        assertThat(answer.trailers()).contains("grpc-status: 0");
        assertThat(mesh.metric("istio_requests_total", "request_protocol=\"grpc\"", "grpc_response_status=\"0\""))
                .isEqualTo(2);
    }

    @Test
    void trailersOnlyStayTheEndOfTheAnswer() throws Exception {
        Answer answer = client.ask("plain.default", "/only", "hello", "content-type: application/grpc")
                .get();
        assertThat(answer.headers()).contains("grpc-status: 14");
        assertThat(mesh.metric("istio_requests_total", "grpc_response_status=\"14\"", "reporter=\"source\""))
                .isEqualTo(1);
    }

    @Test
    void manyStreamsShareAConnection() throws Exception {
        List<CompletableFuture<Answer>> answers = new ArrayList<>();
        for (int i = 0; i < 90; i++) {
            answers.add(client.ask("grpc.default", "/" + i, "x".repeat(i * 500)));
        }
        for (int i = 0; i < answers.size(); i++) {
            assertThat(answers.get(i).get().body()).hasSize(i * 500);
        }
    }

    @Test
    void eitherSideMaySpeakHttp1() throws Exception {
        assertThat(client.ask("old.default", "/from-2", "body").get().body()).isEqualTo("POST /from-2 HTTP/1.1 body");
        assertThat(client.ask("old.default", "/from-2", "").get().body()).isEqualTo("GET /from-2 HTTP/1.1 ");
        String answer = mesh.ask(
                "POST /from-1 HTTP/1.1\r\nHost: grpc.default\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
        assertThat(answer).startsWith("HTTP/1.1 200").contains("body");
    }

    @Test
    void whatHasNoRouteIsAnsweredAndTheConnectionServesOn() throws Exception {
        assertThat(client.ask("nobody.example", "/", "").get().status()).isEqualTo(502);
        assertThat(client.ask("old.default", "/", "").get().status()).isEqualTo(200);
    }

    @Test
    void aDrainedConnectionFinishesAndTakesNothingNew() throws Exception {
        assertThat(client.ask("grpc.default", "/", "a").get().status()).isEqualTo(200);
        mesh.sidecar().close();
        assertThat(catchThrowable(() -> client.ask("grpc.default", "/", "b").get()))
                .isNotNull();
    }
}
