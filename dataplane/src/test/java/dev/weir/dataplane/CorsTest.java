package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weir.dataplane.MeshConfig.Kind;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What pages of other origins are told, by the routes of both kinds. */
class CorsTest {
    private static final String PREFLIGHT = "access-control-request-method: PUT";

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Pod pod = Pod.start((request, in, out) -> {
        request.body(in);
        lines.add(request.line());
        out.write(Pod.bytes("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: pod\r\nContent-Length: 2\r\n\r\nok"));
        return true;
    });

    @BeforeEach
    void serve() {
        mesh.service("app", pod.port()).service("shop", pod.port());
    }

    @AfterEach
    void close() throws IOException {
        mesh.close();
        pod.close();
    }

    private void virtualService(String policy) throws IOException {
        mesh.object(
                Kind.VIRTUAL_SERVICE,
                "{metadata: {name: app, namespace: default}, spec: {hosts: [app], http: [{corsPolicy: " + policy
                        + ", route: [{destination: {host: app}}]}]}}");
    }

    private void httpRoute(String filter) throws IOException {
        mesh.object(
                Kind.HTTP_ROUTE,
                "{metadata: {name: shop, namespace: default}, spec: {parentRefs: [{group: '', kind: Service, name: shop}],"
                        + " rules: [{filters: [{type: CORS, cors: " + filter
                        + "}], backendRefs: [{name: shop, port: 80}]}]}}");
    }

    private String ask(String method, String host, String... headers) throws IOException {
        return mesh.ask(ProxyFixture.request(method, "/", headers).replace("app.default", host + ".default"));
    }

    @Test
    void anAllowedPreflightIsAnsweredAndNotSentOn() throws IOException {
        virtualService("{allowOrigins: [{exact: 'https://a.example'}], allowMethods: [GET, PUT], allowHeaders: [x-a],"
                + " exposeHeaders: [x-c], maxAge: 1m30s, allowCredentials: true}");
        assertThat(ask("OPTIONS", "app", "origin: https://a.example", PREFLIGHT))
                .startsWith("HTTP/1.1 200")
                .contains(
                        "access-control-allow-origin: https://a.example\r\n",
                        "access-control-allow-methods: GET,PUT\r\n",
                        "access-control-allow-headers: x-a\r\n",
                        "access-control-allow-credentials: true\r\n",
                        "access-control-max-age: 90\r\n")
                .doesNotContain("access-control-expose-headers");
        assertThat(lines).isEmpty();
    }

    @Test
    void anAllowedRequestIsAnsweredByThePodAndSharedByTheRoute() throws IOException {
        virtualService("{allowOrigins: [{prefix: 'https://a.'}], exposeHeaders: [x-c, x-d]}");
        assertThat(ask("GET", "app", "origin: https://a.example"))
                .contains(
                        "access-control-allow-origin: https://a.example\r\n",
                        "access-control-expose-headers: x-c,x-d\r\n")
                .doesNotContain("allow-credentials", ": pod")
                .endsWith("ok");
        // not a preflight, since it names no method
        assertThat(ask("OPTIONS", "app", "origin: https://a.example")).endsWith("ok");
        assertThat(ask("GET", "app")).contains("Access-Control-Allow-Origin: pod");
        assertThat(lines).hasSize(3);
    }

    @Test
    void preflightsOfOthersGoToThePodUnlessTheyAreToBeIgnored() throws IOException {
        virtualService("{allowOrigins: [{exact: 'https://a.example'}]}");
        assertThat(ask("OPTIONS", "app", "origin: https://evil.example", PREFLIGHT))
                .endsWith("ok");
        virtualService("{allowOrigins: [{exact: 'https://a.example'}], unmatchedPreflights: IGNORE}");
        assertThat(ask("OPTIONS", "app", "origin: https://evil.example", PREFLIGHT))
                .startsWith("HTTP/1.1 200")
                .doesNotContain("access-control");
        assertThat(ask("GET", "app", "origin: https://evil.example")).contains("Access-Control-Allow-Origin: pod");
    }

    @ParameterizedTest
    @CsvSource({
        "exact: 'https://a.example', https://a.example, true",
        "exact: 'https://a.example', https://A.example, false",
        "exact: '*', null, true",
        "regex: 'https://[ab][.]example', https://b.example, true",
        "regex: 'https://[ab][.]example', https://b.example.com, false",
        "regex: '*', https://a.example, false",
        "'', https://a.example, false"
    })
    void aVirtualServiceAllowsOrigins(String allowed, String origin, boolean allows) throws IOException {
        virtualService("{allowOrigins: [{" + allowed + "}]}");
        assertThat(ask("GET", "app", "origin: " + origin).contains("access-control-allow-origin: " + origin + "\r\n"))
                .isEqualTo(allows);
    }

    @ParameterizedTest
    @CsvSource({
        "https://a.example, https://a.example, true",
        "https://a.example:443, https://a.example, true",
        "https://a.example, http://a.example, false",
        "https://a.example, https://a.example:8443, false",
        "https://*.b.example, https://x.y.b.example, true",
        "https://*.b.example, https://b.example, false",
        "https://*.b.example, https://xb.example, false",
        "https://*.b.example, https://x.b.example.evil.com, false",
        "http://*:8080, http://anything:8080, true",
        "http://*:8080, http://anything, false",
        "*, https://anything:1234, true",
        "*, 'null', false"
    })
    void anHttpRouteAllowsOrigins(String allowed, String origin, boolean allows) throws IOException {
        httpRoute("{allowOrigins: ['" + allowed + "']}");
        String answer = ask("OPTIONS", "shop", "origin: " + origin, PREFLIGHT);
        assertThat(answer).startsWith("HTTP/1.1 200");
        assertThat(answer.contains("access-control-allow-origin: " + origin + "\r\n"))
                .isEqualTo(allows);
        assertThat(answer.contains("access-control-max-age: 5\r\n")).isEqualTo(allows);
        assertThat(lines).isEmpty();
    }

    @Test
    void everythingIsWhatWasAskedForWhereCredentialsAreAllowed() throws IOException {
        String[] asked = {"origin: https://a.example", PREFLIGHT, "access-control-request-headers: x-a,x-b"};
        httpRoute("{allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: ['*']}");
        assertThat(ask("OPTIONS", "shop", asked))
                .contains("access-control-allow-methods: *\r\n", "access-control-allow-headers: *\r\n");
        assertThat(ask("GET", "shop", asked)).contains("access-control-expose-headers: *\r\n");
        httpRoute("{allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: ['*'],"
                + " allowCredentials: true}");
        assertThat(ask("OPTIONS", "shop", asked))
                .contains("access-control-allow-methods: PUT\r\n", "access-control-allow-headers: x-a,x-b\r\n");
        assertThat(ask("GET", "shop", asked)).doesNotContain("access-control-expose-headers");
    }
}
