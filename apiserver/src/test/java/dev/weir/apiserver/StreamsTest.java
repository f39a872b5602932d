package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.apiserver.auth.CertificateAuthority;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exec, attach and port-forward: what the kubelet endpoint gets to see, and that bytes pass both ways untouched. */
class StreamsTest {
    private static final String PODS = "/api/v1/namespaces/default/pods";

    private ApiServer server;
    private SSLServerSocket kubelet;

    @BeforeEach
    void begin() throws Exception {
        server = ApiServer.start(TestServers.options());
        CertificateAuthority authority = server.authority();
        SSLContext tls = tls(authority, authority.server("kubelet", java.util.List.of("127.0.0.1")));
        kubelet = (SSLServerSocket)
                tls.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getByName("127.0.0.1"));
        kubelet.setNeedClientAuth(true);
        create("/api/v1/nodes", """
                {"metadata":{"name":"n"},"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],
                 "daemonEndpoints":{"kubeletEndpoint":{"Port":%d}}}}""".formatted(kubelet.getLocalPort()));
        create(PODS, """
                {"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}""");
    }

    private void create(String path, String json) throws Exception {
        try (RawClient client = new RawClient(server, TestServers.TOKEN)) {
            JsonNode body = new ObjectMapper().readTree(json);
            assertThat(client.send("POST", path, body, "", "").code()).isEqualTo(201);
        }
    }

    @AfterEach
    void end() throws IOException {
        kubelet.close();
        server.close();
    }

    private static SSLContext tls(CertificateAuthority authority, CertificateAuthority.@Nullable Identity identity)
            throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", authority.certificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        if (identity != null) {
            own.setKeyEntry("k", identity.key(), new char[0], new X509Certificate[] {identity.certificate()});
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, new char[0]);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return tls;
    }

    /** Accepts one connection, grants the upgrade and returns what it is sent, reversed, until nothing comes any more. */
    private CompletableFuture<String> mirror(String answer) {
        CompletableFuture<String> head = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try (Socket connection = kubelet.accept()) {
                InputStream in = connection.getInputStream();
                head.complete(head(in));
                connection.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                for (int next = in.read(); next >= 0; next = in.read()) {
                    connection.getOutputStream().write(255 - next);
                }
            } catch (IOException broken) {
                head.completeExceptionally(broken);
            }
        });
        return head;
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new EOFException("after: " + head);
            }
            head.append((char) next);
        }
        return head.toString();
    }

    private SSLSocket connect() throws Exception {
        SSLSocket socket = (SSLSocket) tls(server.authority(), null)
                .getSocketFactory()
                .createSocket("127.0.0.1", server.url().getPort());
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static void send(SSLSocket socket, String start, String... headers) throws IOException {
        String head = start + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TestServers.TOKEN + "\r\n"
                + String.join("\r\n", headers) + "\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET  | /exec?container=c&command=a+b&command=c&stdin=true&stdout=true&tty=true | websocket"
                        + " | Sec-WebSocket-Protocol: v5.channel.k8s.io"
                        + " | /exec/default/p/c?command=a+b&command=c&input=1&output=1&tty=1",
                "POST | /exec?command=sh&stdout=true&stderr=true | SPDY/3.1"
                        + " | X-Stream-Protocol-Version: v4.channel.k8s.io | /exec/default/p/c?command=sh&output=1&error=1",
                "GET  | /attach?container=c&stdin=true&stdout=true&tty=true | websocket"
                        + " | Sec-WebSocket-Protocol: v5.channel.k8s.io | /attach/default/p/c?input=1&output=1&tty=1",
                "GET  | /portforward | websocket | Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io"
                        + " | /portForward/default/p",
                "POST | /portforward | SPDY/3.1 | X-Stream-Protocol-Version: portforward.k8s.io"
                        + " | /portForward/default/p",
            })
    void upgradesReachTheKubeletAndBytesPassUntouched(
            String method, String path, String protocol, String header, String seen) throws Exception {
        CompletableFuture<String> head =
                mirror("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + protocol + "\r\n\r\n");
        try (SSLSocket socket = connect()) {
            send(socket, method + " " + PODS + "/p" + path, "Connection: Upgrade", "Upgrade: " + protocol, header);
            assertThat(head.get(10, TimeUnit.SECONDS))
                    .startsWith(method + " ")
                    .contains("Connection: Upgrade\r\n", "Upgrade: " + protocol + "\r\n", header + "\r\n")
                    .doesNotContain("Bearer");
            String target = head.join().split(" ")[1];
            assertThat(java.util.Arrays.asList(target.split("[?&]"))).containsExactlyInAnyOrder(seen.split("[?&]"));
            assertThat(head(socket.getInputStream())).startsWith("HTTP/1.1 101 ");
            byte[] all = new byte[256];
            for (int i = 0; i < all.length; i++) {
                all[i] = (byte) i;
            }
            for (int round = 0; round < 20; round++) {
                socket.getOutputStream().write(all);
                byte[] back = socket.getInputStream().readNBytes(all.length);
                for (int i = 0; i < all.length; i++) {
                    assertThat(back[i]).isEqualTo((byte) (255 - i));
                }
            }
        }
    }

    @Test
    void aRefusalOfTheKubeletReachesTheClient() throws Exception {
        mirror("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        try (SSLSocket socket = connect()) {
            send(socket, "GET " + PODS + "/p/portforward", "Connection: Upgrade", "Upgrade: websocket");
            assertThat(head(socket.getInputStream())).startsWith("HTTP/1.1 403 ");
            assertThat(new String(socket.getInputStream().readNBytes(2), StandardCharsets.US_ASCII))
                    .isEqualTo("no");
        }
    }

    @ParameterizedTest
    @CsvSource({"GET, 400", "POST, 400", "PUT, 405", "DELETE, 405"})
    void withoutAnUpgradeThereIsNothingToForward(String method, int code) throws Exception {
        try (RawClient client = new RawClient(server, TestServers.TOKEN)) {
            assertThat(client.send(method, PODS + "/p/portforward", null, "", "")
                            .code())
                    .isEqualTo(code);
        }
    }

    @Test
    void pingsDuringAWatchOverWebSocketAreAnswered() throws Exception {
        CompletableFuture<ByteBuffer> pong = new CompletableFuture<>();
        CompletableFuture<String> event = new CompletableFuture<>();
        WebSocket.Listener listener = new WebSocket.Listener() {
            @Override
            public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
                event.complete(data.toString());
                socket.request(1);
                return null;
            }

            @Override
            public @Nullable CompletionStage<?> onPong(WebSocket socket, ByteBuffer bytes) {
                ByteBuffer kept = ByteBuffer.allocate(bytes.remaining());
                pong.complete(kept.put(bytes).flip());
                socket.request(1);
                return null;
            }
        };
        try (HttpClient client = HttpClient.newBuilder()
                .sslContext(tls(server.authority(), null))
                .build()) {
            WebSocket socket = client.newWebSocketBuilder()
                    .header("Authorization", "Bearer " + TestServers.TOKEN)
                    .buildAsync(
                            URI.create("wss://127.0.0.1:" + server.url().getPort() + PODS + "?watch=true"), listener)
                    .get(10, TimeUnit.SECONDS);
            ByteBuffer bytes = StandardCharsets.US_ASCII.encode("are you there");
            socket.sendPing(bytes.duplicate()).get(10, TimeUnit.SECONDS);
            assertThat(pong.get(10, TimeUnit.SECONDS)).isEqualTo(bytes);
            assertThat(event.get(10, TimeUnit.SECONDS)).contains("\"ADDED\"");
            socket.abort();
        }
    }
}
