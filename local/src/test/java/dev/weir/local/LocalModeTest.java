package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local mode as its clients see it: over its API, its gateway and its pods' proxies. */
class LocalModeTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    /** Not the common pool, whose few threads the API client needs too. */
    private static final ExecutorService CLIENTS = Executors.newVirtualThreadPerTaskExecutor();

    @TempDir
    private static Path folder;

    private static final CountDownLatch ARRIVED = new CountDownLatch(1);
    private static final CountDownLatch RELEASED = new CountDownLatch(1);

    /** A server of the test's own, behind an image; it holds back the answer for one path. */
    private static HttpServer held;

    private static LocalMode local;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        held = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        held.setExecutor(CLIENTS);
        held.createContext("/", exchange -> {
            try (exchange) {
                if (exchange.getRequestURI().getPath().equals("/held")) {
                    ARRIVED.countDown();
                    RELEASED.await();
                }
                exchange.sendResponseHeaders(200, -1);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
        held.start();
        local = LocalMode.start(LocalOptions.in(folder)
                .withOperatorInside(false)
                .withImages(Map.of(
                        "example.com/held",
                        "http://127.0.0.1:" + held.getAddress().getPort())));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
        held.stop(0);
    }

    private static void apply(String namespace, String yaml, Object... values) {
        if (client.namespaces().withName(namespace).get() == null) {
            client.resource("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" + namespace
                            + "\"}}")
                    .create();
        }
        client.load(new java.io.ByteArrayInputStream(yaml.formatted(values).getBytes(StandardCharsets.UTF_8)))
                .inNamespace(namespace)
                .create();
    }

    private static void deploy(String namespace, String name, String image, int replicas) {
        apply(namespace, """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: %1$s}
                spec:
                  replicas: %3$d
                  selector: {matchLabels: {app: %1$s}}
                  template:
                    metadata: {labels: {app: %1$s}}
                    spec:
                      containers:
                      - name: main
                        image: %2$s
                        ports: [{containerPort: 80}]
                """, name, image, replicas);
    }

    private static void route(String namespace, String name) {
        apply(namespace, """
                apiVersion: v1
                kind: Service
                metadata: {name: %1$s}
                spec:
                  selector: {app: %1$s}
                  ports: [{port: 80, name: http}]
                ---
                apiVersion: networking.istio.io/v1
                kind: Gateway
                metadata: {name: outside}
                spec:
                  selector: {istio: ingressgateway}
                  servers:
                  - port: {number: 80, name: http, protocol: HTTP}
                    hosts: ["%1$s.%2$s"]
                ---
                apiVersion: networking.istio.io/v1
                kind: VirtualService
                metadata: {name: %1$s}
                spec:
                  hosts: [%1$s, %1$s.%2$s]
                  gateways: [outside, mesh]
                  http:
                  - route:
                    - destination: {host: %1$s}
                      headers: {response: {set: {app-version: one}}}
                """, name, namespace);
    }

    private static Deployment rolledOut(String namespace, String name) {
        return client.apps()
                .deployments()
                .inNamespace(namespace)
                .withName(name)
                .waitUntilCondition(
                        d -> d != null
                                && d.getStatus() != null
                                && d.getMetadata()
                                        .getGeneration()
                                        .equals(d.getStatus().getObservedGeneration())
                                && d.getSpec()
                                        .getReplicas()
                                        .equals(d.getStatus().getUpdatedReplicas())
                                && d.getSpec()
                                        .getReplicas()
                                        .equals(d.getStatus().getReplicas())
                                && d.getSpec()
                                        .getReplicas()
                                        .equals(d.getStatus().getAvailableReplicas()),
                        SOON.toSeconds(),
                        TimeUnit.SECONDS);
    }

    private static List<Pod> pods(String namespace, String app) {
        return client.pods().inNamespace(namespace).withLabel("app", app).list().getItems();
    }

    /** One request on a connection of its own to the gateway: status line and headers. */
    private static String viaGateway(String method, String host, String path, String body) throws IOException {
        try (Socket socket =
                new Socket(local.gateway().getHost(), local.gateway().getPort())) {
            socket.setSoTimeout(10_000);
            String request = method + " " + path + " HTTP/1.1\r\nHost: " + host
                    + "\r\nConnection: close\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void awaitServed(String host) {
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(viaGateway("GET", host, "/get", "")).startsWith("HTTP/1.1 200"));
    }

    private static String exec(String namespace, String pod, String... command) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExecWatch watch = client.pods()
                .inNamespace(namespace)
                .withName(pod)
                .writingOutput(out)
                .writingError(out)
                .exec(command)) {
            int code = watch.exitCode().get(20, TimeUnit.SECONDS);
            return code + " " + out.toString(StandardCharsets.UTF_8);
        }
    }

    @Test
    void theKubeconfigIsItsOwnersOnlyAndAWrongTokenIsRefused() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(local.kubeconfig())))
                .isEqualTo("rw-------");
        Config stranger = Config.fromKubeconfig(Files.readString(local.kubeconfig()));
        stranger.setOauthToken("no-such-token");
        try (KubernetesClient other =
                new KubernetesClientBuilder().withConfig(stranger).build()) {
            assertThat(org.assertj.core.api.Assertions.catchThrowable(
                            () -> other.pods().inNamespace("default").list()))
                    .hasMessageContaining("Unauthorized");
        }
    }

    @Test
    void aTakenPortIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket()) {
            taken.bind(new InetSocketAddress("127.0.0.1", 0));
            LocalOptions options = new LocalOptions(
                    folder.resolve("second"),
                    java.util.Optional.empty(),
                    taken.getLocalPort(),
                    0,
                    false,
                    false,
                    Map.of());
            assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> LocalMode.start(options)))
                    .hasMessageContaining(Integer.toString(taken.getLocalPort()));
        }
    }

    @Test
    void requestsGoThroughGatewayAndSidecar() throws Exception {
        deploy("mesh", "web", "kennethreitz/httpbin", 1);
        route("mesh", "web");
        apply("mesh", """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: files}
                data: {hello.txt: "hello from a file"}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: sleep, labels: {app: sleep}}
                spec:
                  containers:
                  - name: sleep
                    image: curlimages/curl
                    command: [/bin/sleep, infinity]
                    workingDir: /demo
                    volumeMounts: [{name: files, mountPath: /demo}]
                  volumes: [{name: files, configMap: {name: files}}]
                """);
        awaitServed("web.mesh");
        assertThat(viaGateway("GET", "web.mesh", "/get", "")).contains("app-version: one");
        assertThat(viaGateway("GET", "other.mesh", "/get", "")).startsWith("HTTP/1.1 404");
        client.pods()
                .inNamespace("mesh")
                .withName("sleep")
                .waitUntilCondition(p -> p != null && OwnedPods.isReady(p), 30, TimeUnit.SECONDS);
        assertThat(exec("mesh", "sleep", "cat", "hello.txt")).isEqualTo("0 hello from a file");
        assertThat(exec("mesh", "sleep", "sh", "-c", "echo to-err >&2; exit 7")).isEqualTo("7 to-err\n");
        for (String host : List.of("web", "web.mesh", "web.mesh.svc", "web.mesh.svc.cluster.local")) {
            assertThat(exec("mesh", "sleep", "curl", "-s", "-D", "-", host + "/status/202?" + host))
                    .contains("202");
            String pod = pods("mesh", "web").getFirst().getMetadata().getName();
            assertThat(client.pods().inNamespace("mesh").withName(pod).getLog())
                    .contains("GET /status/202?" + host + " HTTP/1.1\" 202");
        }
    }

    @Test
    void aRollingUpdateAndAScaleDownLoseNoRequest() throws Exception {
        deploy("rolling", "app", "kennethreitz/httpbin", 3);
        route("rolling", "app");
        rolledOut("rolling", "app");
        awaitServed("app.rolling");
        AtomicBoolean stop = new AtomicBoolean();
        List<CompletableFuture<Integer>> loads =
                List.of(load("GET", "/anything/count-get", stop), load("POST", "/anything/count-post", stop));
        try {
            client.apps()
                    .deployments()
                    .inNamespace("rolling")
                    .withName("app")
                    .edit(d -> new DeploymentBuilder(d)
                            .editSpec()
                            .editTemplate()
                            .editMetadata()
                            .addToAnnotations("round", "2")
                            .endMetadata()
                            .endTemplate()
                            .endSpec()
                            .build());
            rolledOut("rolling", "app");
            client.apps().deployments().inNamespace("rolling").withName("app").scale(1);
            await().atMost(SOON).until(() -> pods("rolling", "app").size() == 1);
        } finally {
            stop.set(true);
        }
        int gets = loads.get(0).get(10, TimeUnit.SECONDS);
        int posts = loads.get(1).get(10, TimeUnit.SECONDS);
        assertThat(accessLines("count-get")).isEqualTo(gets).isPositive();
        assertThat(accessLines("count-post")).isEqualTo(posts).isPositive();
        assertThat(client.apps().replicaSets().inNamespace("rolling").list().getItems())
                .hasSize(2);
    }

    /** A pod goes once nothing leads to it and its request under way is answered, not before. */
    @Test
    void aRequestUnderWayIsAnsweredThoughItsPodIsDeleted() throws Exception {
        deploy("drain", "slow", "example.com/held", 1);
        route("drain", "slow");
        rolledOut("drain", "slow");
        awaitServed("slow.drain");
        CompletableFuture<String> held = CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return viaGateway("GET", "slow.drain", "/held", "");
                    } catch (IOException lost) {
                        throw new java.io.UncheckedIOException(lost);
                    }
                },
                CLIENTS);
        assertThat(ARRIVED.await(20, TimeUnit.SECONDS)).isTrue();
        Pod pod = pods("drain", "slow").getFirst();
        client.apps().deployments().inNamespace("drain").withName("slow").scale(0);
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(viaGateway("GET", "slow.drain", "/get", "")).startsWith("HTTP/1.1 503"));
        assertThat(client.pods().resource(pod).get()).isNotNull();
        RELEASED.countDown();
        assertThat(held.get(20, TimeUnit.SECONDS)).startsWith("HTTP/1.1 200");
        await().atMost(SOON).until(() -> client.pods().resource(pod).get() == null);
    }

    /** Sends one request after the other until told to stop; fails at the first that is not answered 200. */
    private static CompletableFuture<Integer> load(String method, String path, AtomicBoolean stop) {
        return CompletableFuture.supplyAsync(
                () -> {
                    int sent = 0;
                    try {
                        while (!stop.get()) {
                            String answer = viaGateway(
                                    method, "app.rolling", path, method.equals("POST") ? "x".repeat(100) : "");
                            sent++;
                            assertThat(answer).as("answer " + sent).startsWith("HTTP/1.1 200");
                        }
                        return sent;
                    } catch (IOException lost) {
                        throw new java.io.UncheckedIOException("request " + sent, lost);
                    }
                },
                CLIENTS);
    }

    private static int accessLines(String marker) throws IOException {
        int lines = 0;
        try (Stream<Path> logs = Files.walk(folder.resolve("pods"))) {
            for (Path log : logs.filter(f -> f.toString().endsWith(".log")).toList()) {
                lines += (int) Files.readAllLines(log).stream()
                        .filter(line -> line.contains(marker))
                        .count();
            }
        }
        return lines;
    }

    @Test
    void anUnknownImageIsNotPulledAndTheHintSaysHowToMapIt() {
        deploy("images", "mystery", "example.com/mystery:1", 1);
        await().atMost(SOON).untilAsserted(() -> {
            assertThat(pods("images", "mystery"))
                    .singleElement()
                    .satisfies(pod -> assertThat(pod.getStatus().getContainerStatuses())
                            .singleElement()
                            .satisfies(status -> assertThat(
                                            status.getState().getWaiting().getReason())
                                    .isIn("ErrImagePull", "ImagePullBackOff")));
        });
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(client.v1()
                                .events()
                                .inNamespace("images")
                                .list()
                                .getItems())
                        .anyMatch(e -> e.getReason().equals("Failed")
                                && e.getMessage().contains("weir local --image example.com/mystery")));
    }

    @Test
    void aCommandThatEndsIsRestartedWithBackOff() {
        apply("crash", """
                apiVersion: v1
                kind: Pod
                metadata: {name: crash}
                spec:
                  containers: [{name: main, image: curlimages/curl, command: [/bin/false]}]
                """);
        await().atMost(SOON).untilAsserted(() -> {
            var status =
                    client.pods().inNamespace("crash").withName("crash").get().getStatus();
            assertThat(status.getContainerStatuses()).singleElement().satisfies(container -> {
                assertThat(container.getRestartCount()).isPositive();
                assertThat(container.getState().getWaiting()).isNotNull();
                assertThat(container.getState().getWaiting().getReason()).isEqualTo("CrashLoopBackOff");
            });
        });
    }

    @Test
    void deletingADeploymentTakesItsPodsAlongUnlessOrphaned() {
        deploy("garbage", "gone", "kennethreitz/httpbin", 2);
        deploy("garbage", "left", "kennethreitz/httpbin", 1);
        rolledOut("garbage", "gone");
        rolledOut("garbage", "left");
        client.apps().deployments().inNamespace("garbage").withName("gone").delete();
        await().atMost(SOON).until(() -> pods("garbage", "gone").isEmpty());
        client.apps()
                .deployments()
                .inNamespace("garbage")
                .withName("left")
                .withPropagationPolicy(DeletionPropagation.ORPHAN)
                .delete();
        await().atMost(SOON).untilAsserted(() -> {
            assertThat(client.apps().deployments().inNamespace("garbage").list().getItems())
                    .isEmpty();
            assertThat(client.apps().replicaSets().inNamespace("garbage").list().getItems())
                    .singleElement()
                    .satisfies(set ->
                            assertThat(set.getMetadata().getOwnerReferences()).isEmpty());
        });
        assertThat(pods("garbage", "left")).hasSize(1);
    }

    @Test
    void aDeletedNamespaceIsEmptiedAndGoes() {
        deploy("doomed", "web", "kennethreitz/httpbin", 1);
        route("doomed", "web");
        rolledOut("doomed", "web");
        client.namespaces().withName("doomed").delete();
        await().atMost(SOON).until(() -> client.namespaces().withName("doomed").get() == null);
        assertThat(client.apps().deployments().inNamespace("doomed").list().getItems())
                .isEmpty();
    }
}
