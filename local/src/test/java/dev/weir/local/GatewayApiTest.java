package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.dataplane.MeshConfig.Kind;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gateway API in local mode as its users see it: statuses and answers. */
class GatewayApiTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path folder;

    private static LocalMode local;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        local = LocalMode.start(LocalOptions.in(folder).withOperatorInside(false));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
    }

    private static void apply(String yaml) {
        client.load(new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)))
                .inNamespace("default")
                .serverSideApply();
    }

    private static JsonNode get(Kind kind, String name) {
        var all = client.genericKubernetesResources(DataPlaneFeed.definition(kind));
        GenericKubernetesResource object = kind == Kind.GATEWAY_CLASS
                ? all.withName(name).get()
                : all.inNamespace("default").withName(name).get();
        return JSON.valueToTree(object);
    }

    /** {@code Type=status reason} of each. */
    private static List<String> conditions(JsonNode of) {
        return of.path("conditions")
                .valueStream()
                .map(condition -> condition.path("type").asText() + "="
                        + condition.path("status").asText() + " "
                        + condition.path("reason").asText())
                .toList();
    }

    private static void awaitConditions(Kind kind, String name, String pointer, String... wanted) {
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(conditions(get(kind, name).at(pointer))).contains(wanted));
    }

    private static String ask(String address, int port, String host) throws IOException {
        try (Socket socket = new Socket(address, port)) {
            socket.setSoTimeout(10_000);
            String request = "GET /get HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void route(String name, String hostname, String backend) {
        apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: HTTPRoute
                metadata: {name: %s}
                spec:
                  hostnames: [%s]
                  parentRefs: [{name: public}]
                  rules: [{backendRefs: [{name: %s, port: 80}]}]
                """.formatted(name, hostname, backend));
    }

    @Test
    void aGatewayGetsAnAddressAndObjectsAreToldWhatBecomesOfThem() throws Exception {
        awaitConditions(Kind.GATEWAY_CLASS, "istio", "/status", "Accepted=True Accepted");
        apply("""
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  selector: {matchLabels: {app: web}}
                  template:
                    metadata: {labels: {app: web}}
                    spec: {containers: [{name: main, image: kennethreitz/httpbin, ports: [{containerPort: 80}]}]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {selector: {app: web}, ports: [{port: 80}]}
                ---
                apiVersion: gateway.networking.k8s.io/v1
                kind: Gateway
                metadata: {name: public}
                spec:
                  gatewayClassName: istio
                  listeners: [{name: http, port: 8080, protocol: HTTP, hostname: "*.example.com"}]
                """);
        route("web", "web.example.com", "web");
        awaitConditions(Kind.GATEWAY, "public", "/status", "Accepted=True Accepted", "Programmed=True Programmed");
        awaitConditions(
                Kind.HTTP_ROUTE,
                "web",
                "/status/parents/0",
                "Accepted=True Accepted",
                "ResolvedRefs=True ResolvedRefs");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(get(Kind.GATEWAY, "public")
                                .at("/status/listeners/0/attachedRoutes")
                                .asInt())
                        .isEqualTo(1));
        String listed = Files.readString(folder.resolve(LocalMode.GATEWAYS));
        assertThat(listed).startsWith("default/public http://");
        String address =
                get(Kind.GATEWAY, "public").at("/status/addresses/0/value").asText();
        int port = Integer.parseInt(listed.strip().substring(listed.strip().lastIndexOf(':') + 1));
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(ask(address, port, "web.example.com")).startsWith("HTTP/1.1 200"));
        assertThat(ask(address, port, "other.example.com")).startsWith("HTTP/1.1 404");

        String settled =
                get(Kind.GATEWAY, "public").at("/metadata/resourceVersion").asText();
        route("away", "web.elsewhere.org", "nobody");
        awaitConditions(
                Kind.HTTP_ROUTE,
                "away",
                "/status/parents/0",
                "Accepted=False NoMatchingListenerHostname",
                "ResolvedRefs=False BackendNotFound");
        assertThat(get(Kind.GATEWAY, "public").at("/metadata/resourceVersion").asText())
                .as("what has not changed is not written")
                .isEqualTo(settled);

        client.genericKubernetesResources(DataPlaneFeed.definition(Kind.GATEWAY))
                .inNamespace("default")
                .withName("public")
                .delete();
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(get(Kind.HTTP_ROUTE, "web").at("/status/parents"))
                        .isEmpty());
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(Files.readString(folder.resolve(LocalMode.GATEWAYS)))
                        .isEmpty());
    }
}
