package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.weir.dataplane.MeshConfig.Kind;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gateways that end TLS, for both kinds of Gateway. The keys are written in three forms. */
class TlsTest {
    private static final Path KEYS = Path.of("src/test/resources/tls");

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final Http2Peer peer = new Http2Peer();
    private final Pod pod = Pod.start((request, in, out) -> {
        if (request.header("upgrade").equals("websocket")) {
            out.write(Pod.bytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: x\r\n\r\n"));
            out.write(in.readNBytes(4));
            return false;
        }
        out.write(Pod.ok(request.header("host") + " by " + request.header("x-forwarded-proto")));
        return true;
    });

    private static String secret(String namespace, String name) throws IOException {
        return "{metadata: {namespace: %s, name: %s}, data: {tls.crt: %s, tls.key: %s}}"
                .formatted(namespace, name, file(name + ".crt"), file(name + ".key"));
    }

    private static String file(String name) throws IOException {
        return Base64.getEncoder().encodeToString(Files.readAllBytes(KEYS.resolve(name)));
    }

    @BeforeEach
    void serve() throws IOException {
        mesh.service("web", "http", pod.port());
        mesh.object(Kind.SECRET, secret("istio-system", "shop"))
                .object(Kind.SECRET, secret("istio-system", "wild"))
                .object(Kind.SECRET, secret("istio-system", "rsa"))
                .object(
                        Kind.SECRET,
                        "{metadata: {namespace: istio-system, name: broken}, data: {tls.crt: AAAA, tls.key: AAAA}}")
                .object(
                        Kind.GATEWAY_CLASS,
                        "{metadata: {name: istio}, spec: {controllerName: istio.io/gateway-controller}}")
                .object(Kind.GATEWAY, """
                        metadata: {name: public, namespace: istio-system}
                        spec:
                          gatewayClassName: istio
                          listeners:
                          - {name: shop, port: 443, protocol: HTTPS, hostname: shop.example.com, tls: {certificateRefs: [{name: shop}]}, allowedRoutes: {namespaces: {from: All}}}
                          - {name: wild, port: 443, protocol: HTTPS, hostname: "*.example.org", tls: {certificateRefs: [{name: wild}]}, allowedRoutes: {namespaces: {from: All}}}
                          - {name: broken, port: 443, protocol: HTTPS, hostname: broken.example.org, tls: {certificateRefs: [{name: broken}]}, allowedRoutes: {namespaces: {from: All}}}
                          - {name: foreign, port: 443, protocol: HTTPS, hostname: foreign.example.org, tls: {certificateRefs: [{name: shop, namespace: other}]}, allowedRoutes: {namespaces: {from: All}}}
                        """)
                .object(Kind.HTTP_ROUTE, """
                        metadata: {name: web, namespace: default}
                        spec:
                          parentRefs: [{name: public, namespace: istio-system}]
                          rules: [{backendRefs: [{name: web, port: 80}]}]
                        """)
                .object(Kind.ISTIO_GATEWAY, """
                        metadata: {name: tls, namespace: default}
                        spec:
                          selector: {istio: ingressgateway}
                          servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [rsa.example.net], tls: {mode: SIMPLE, credentialName: rsa}}]
                        """)
                .object(Kind.VIRTUAL_SERVICE, """
                        metadata: {name: rsa, namespace: default}
                        spec: {hosts: [rsa.example.net], gateways: [tls], http: [{route: [{destination: {host: web}}]}]}
                        """);
    }

    @AfterEach
    void close() throws IOException {
        peer.close();
        mesh.close();
        pod.close();
    }

    private SSLSocket connect(String serverName) throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
        SSLSocket socket = (SSLSocket) context.getSocketFactory()
                .createSocket("127.0.0.1", mesh.secureGateway().address().getPort());
        socket.setSoTimeout(20_000);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(serverName)));
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    @ParameterizedTest
    @CsvSource({
        "shop.example.com, CN=shop.example.com",
        "any.example.org, CN=*.example.org",
        "rsa.example.net, CN=rsa.example.net"
    })
    void theCertificateIsThatOfTheHost(String host, String subject) throws Exception {
        try (SSLSocket socket = connect(host)) {
            X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];
            assertThat(shown.getSubjectX500Principal().getName()).isEqualTo(subject);
            socket.getOutputStream()
                    .write(("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 200")
                    .endsWith(host + " by https");
        }
    }

    @Test
    void anotherHostGetsNoHandshake() {
        assertThat(catchThrowable(() -> connect("elsewhere.example.net").close()))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aWebSocketGoesThrough() throws Exception {
        try (SSLSocket socket = connect("shop.example.com")) {
            socket.getOutputStream()
                    .write(Pod.bytes("GET /ws HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\n"
                            + "Upgrade: websocket\r\n\r\n"));
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                head.append((char) socket.getInputStream().read());
            }
            assertThat(head.toString()).startsWith("HTTP/1.1 101");
            socket.getOutputStream().write(Pod.bytes("ping"));
            assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("ping");
        }
    }

    @Test
    void http2IsChosenInTheHandshake() throws Exception {
        Http2Peer.Client client = peer.connect(mesh.secureGateway().address(), "shop.example.com");
        assertThat(client.ask("shop.example.com", "/", "").get().body()).isEqualTo("shop.example.com by https");
    }

    @Test
    void listenersSayWhatIsWrongWithTheirCertificates() {
        assertThat(mesh.dataPlane().statuses(Map.of()).stream()
                        .filter(status -> status.kind() == Kind.GATEWAY)
                        .flatMap(status -> status.status().path("listeners").valueStream())
                        .map(listener -> listener.path("name").asText() + " "
                                + listener.path("conditions")
                                        .get(2)
                                        .path("reason")
                                        .asText()))
                .containsExactly(
                        "shop ResolvedRefs",
                        "wild ResolvedRefs",
                        "broken InvalidCertificateRef",
                        "foreign RefNotPermitted");
    }
}
