package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is a request and what is not, and which headers go on. */
class FramingTest {
    private static final String TO_APP = "[{route: [{destination: {host: pod}}]}]";

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private Pod pod = Pod.echo();

    private void pod(Pod.Script script) throws IOException {
        pod.close();
        pod = Pod.start(script);
        mesh.service("pod", pod.port()).route(TO_APP);
    }

    @AfterEach
    void close() throws IOException {
        mesh.close();
        pod.close();
    }

    @Test
    void tooLongLinesAndHeadersAreNamed() throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        assertThat(mesh.get("/" + "x".repeat(9000))).startsWith("HTTP/1.1 414");
        assertThat(mesh.get("/", "X-Long: " + "x".repeat(70_000))).startsWith("HTTP/1.1 431");
        assertThat(pod.requests()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 4\r\nContent-Length: 5",
                "Content-Length: 4, 5",
                "Content-Length: +5",
                "Content-Length: -5",
                "Content-Length: 0x5",
                "Content-Length: 5\r\nTransfer-Encoding: chunked",
                "Transfer-Encoding: chunked\r\nContent-Length: 5",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                "Transfer-Encoding: xchunked",
                "Transfer-Encoding: chunked, identity",
                "Transfer-Encoding: gzip, chunked",
                "Transfer-Encoding : chunked",
                "Transfer-Encoding:\u000bchunked",
                " Transfer-Encoding: chunked",
                "Host: another.example",
                "Bad Header: x",
                "X-Nul: a\u0000b",
                "X-Bare: a\rTransfer-Encoding: chunked"
            })
    void whatIsAmbiguousIsRefusedAndTheConnectionClosed(String headers) throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        String smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: app.default\r\n\r\n";
        String answer = mesh.ask("POST / HTTP/1.1\r\nHost: app.default\r\n" + headers + "\r\n\r\n" + smuggled);
        assertThat(answer).startsWith("HTTP/1.1 400");
        assertThat(answer.split("HTTP/1.1 ", -1)).as("one answer").hasSize(2);
        assertThat(pod.requests()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\n\r\n",
                "GET relative HTTP/1.1\r\nHost: app.default\r\n\r\n",
                "GET http://user@app.default/ HTTP/1.1\r\nHost: app.default\r\n\r\n",
                "GET http://app.default:99999/ HTTP/1.1\r\nHost: app.default\r\n\r\n",
                "GET /a#fragment HTTP/1.1\r\nHost: app.default\r\n\r\n",
                "GET / HTTP/1.0\r\nHost: app.default\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "no request\r\n\r\n"
            })
    void whatIsNoRequestIsRefused(String request) throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        assertThat(mesh.ask(request)).startsWith("HTTP/1.1 400");
        assertThat(pod.requests()).isEmpty();
    }

    @Test
    void anAbsoluteTargetBeatsHost() throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        assertThat(mesh.ask("GET http://app.default?q HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        assertThat(pod.requests().getFirst().line()).isEqualTo("GET /?q HTTP/1.1");
        assertThat(pod.requests().getFirst().header("host")).isEqualTo("app.default");
    }

    @Test
    void whatIsForOneConnectionStaysThere() throws Exception {
        pod((request, in, out) -> {
            out.write(Pod.bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\nConnection:"
                    + " keep-alive, X-Hop\r\nX-Hop: 1\r\nX-End: 1\r\n\r\n"));
            return true;
        });
        String answer = mesh.ask("GET / HTTP/1.1\r\nHost: app.default\r\nConnection: close, X-Mine, Content-Length\r\n"
                + "X-Mine: 1\r\nX-Kept: 1\r\nTE: trailers, gzip\r\nContent-Length: 0\r\nProxy-Connection: x\r\n\r\n");
        assertThat(answer).doesNotContain("X-Hop").doesNotContain("Keep-Alive").contains("X-End: 1");
        Pod.Request seen = pod.requests().getFirst();
        assertThat(seen.head())
                .doesNotContain("X-Mine")
                .doesNotContain("Proxy-Connection")
                .contains("X-Kept: 1");
        assertThat(seen.header("te")).isEqualTo("trailers");
        assertThat(seen.header("content-length")).isEqualTo("0");
        assertThat(seen.header("x-request-id")).matches("[0-9a-f-]{36}");
        assertThat(seen.header("x-forwarded-proto")).isEqualTo("http");
        assertThat(seen.header("x-envoy-attempt-count")).isEqualTo("1");
    }

    @Test
    void aGatewaySaysWhoCameAndBelievesNobody() throws Exception {
        mesh.service("pod", pod.port()).route(TO_APP);
        try (Socket client = mesh.connectToGateway()) {
            client.getOutputStream()
                    .write(Pod.bytes(ProxyFixture.request(
                            "GET",
                            "/",
                            "X-Forwarded-For: 203.0.113.9",
                            "X-Forwarded-Proto: https",
                            "X-Envoy-Attempt-Count: 9",
                            "X-Envoy-Retry-On: 5xx")));
            assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 200");
        }
        Pod.Request seen = pod.requests().getFirst();
        assertThat(seen.header("x-forwarded-for")).isEqualTo("203.0.113.9,127.0.0.1");
        assertThat(seen.header("x-forwarded-proto")).isEqualTo("http");
        assertThat(seen.header("x-envoy-attempt-count")).isEqualTo("1");
        assertThat(seen.header("x-envoy-retry-on")).isEmpty();
    }
}
