package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.weir.dataplane.MeshConfig.Kind;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** HTTPRoutes on a Service and on a Gateway, seen from both ends. */
class HttpRouteTest {
    private static final String CANARY = """
            metadata: {name: shop, namespace: default}
            spec:
              parentRefs: [{group: "", kind: Service, name: shop, port: 80}, {name: public, namespace: istio-system}]
              rules:
              - matches: [{headers: [{name: traffic, value: test}]}]
                backendRefs:
                - name: shop-1
                  port: 80
                  filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: app-version, value: shop-1}]}}]
              - matches: [{path: {value: /nobody}}]
                backendRefs: [{name: missing, port: 80}]
              - matches: [{path: {value: /idle}}]
                backendRefs: [{name: idle, port: 80}]
              - matches: [{path: {value: /copied}}]
                filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shop-1, port: 80}}}]
                backendRefs: [{name: shop-0, port: 80}]
              - matches: [{path: {value: /moved}}]
                filters:
                - {type: RequestRedirect, requestRedirect: {hostname: new.example.com}}
              - backendRefs:
                - name: shop-0
                  port: 80
                  filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: app-version, value: shop-0}]}}]
            """;

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final List<String> primaryLines = new CopyOnWriteArrayList<>();
    private final List<String> candidateLines = new CopyOnWriteArrayList<>();
    private final Pod primary = pod("primary", primaryLines);
    private final Pod candidate = pod("candidate", candidateLines);

    private static Pod pod(String name, List<String> lines) {
        return Pod.start((request, in, out) -> {
            request.body(in);
            lines.add(request.line());
            out.write(Pod.ok(name));
            return true;
        });
    }

    @BeforeEach
    void route() throws IOException {
        mesh.service("shop")
                .service("shop-0", primary.port())
                .service("shop-1", candidate.port())
                .service("idle");
        mesh.object(
                        Kind.GATEWAY_CLASS,
                        "{metadata: {name: istio}, spec: {controllerName: istio.io/gateway-controller}}")
                .object(Kind.GATEWAY, """
                        metadata: {name: public, namespace: istio-system}
                        spec:
                          gatewayClassName: istio
                          listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
                        """)
                .object(Kind.HTTP_ROUTE, CANARY);
    }

    @AfterEach
    void close() throws IOException {
        mesh.close();
        primary.close();
        candidate.close();
    }

    private String get(String path, String... headers) throws IOException {
        return mesh.ask(request(path, headers));
    }

    private static String request(String path, String... headers) {
        return ProxyFixture.request("GET", path, headers).replace("app.default", "shop.default");
    }

    @Test
    void aConnectionThatCannotBeOpenedIsTriedAtAnotherPod() throws IOException {
        mesh.service("shop-0", PolicyTest.deadPort(), primary.port());
        for (int i = 0; i < 30; i++) {
            assertThat(mesh.ask("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200")
                    .endsWith("primary");
        }
    }

    @Test
    void aServicesRouteTakesThoseWhoCallIt() throws Exception {
        assertThat(get("/"))
                .startsWith("HTTP/1.1 200")
                .contains("app-version: shop-0")
                .endsWith("primary");
        assertThat(get("/", "traffic: test")).contains("app-version: shop-1").endsWith("candidate");
        assertThat(get("/", "traffic: other")).contains("app-version: shop-0");
        assertThat(get("/moved")).startsWith("HTTP/1.1 302").contains("location: http://new.example.com/moved");
    }

    @Test
    void aGatewaysRouteTakesThoseFromOutside() throws Exception {
        try (Socket socket = mesh.connectToGateway()) {
            socket.getOutputStream().write(Pod.bytes(request("/", "traffic: test")));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .contains("app-version: shop-1")
                    .endsWith("candidate");
        }
    }

    @Test
    void aBackendThatIsNotThereFailsItsShareAndOneWithoutPodsIsUnavailable() throws Exception {
        assertThat(get("/nobody")).startsWith("HTTP/1.1 500");
        assertThat(get("/idle")).startsWith("HTTP/1.1 503");
        mesh.service("missing", primary.port());
        assertThat(get("/nobody")).startsWith("HTTP/1.1 200");
    }

    @Test
    void copiesRequests() throws Exception {
        assertThat(get("/copied")).startsWith("HTTP/1.1 200").endsWith("primary");
        await().untilAsserted(() -> assertThat(candidateLines).containsExactly("GET /copied HTTP/1.1"));
        assertThat(primaryLines).containsExactly("GET /copied HTTP/1.1");
    }
}
