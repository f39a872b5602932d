package dev.weir.e2e;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.weir.e2e.ContinuousClient.Habit;
import dev.weir.e2e.MirrorRelease.Version;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** Clients that never stop see the primary only, and every request of theirs arrives once, whatever is released. */
class ContinuousClientsTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Version FIRST = new Version("v0", "kennethreitz/httpbin", 0);
    private static final double ERROR_RATE = 1e-6;

    @TempDir
    static Path folder;

    private static LocalMode local;
    private static KubernetesClient client;

    private final List<ContinuousClient> clients = new ArrayList<>();
    private MirrorRelease release;
    private AccessLogs logs;
    private String namespace;

    @BeforeAll
    static void start() throws IOException {
        local = LocalMode.start(LocalOptions.in(folder)
                .withImages(Map.of("example/deaf", "sleep 1000", "example/crashes", "sh -c 'sleep 2; exit 1'")));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
    }

    @BeforeEach
    void release(TestInfo info) throws IOException {
        namespace = info.getTestMethod().orElseThrow().getName().toLowerCase(java.util.Locale.ROOT);
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(namespace)
                        .endMetadata()
                        .build())
                .create();
        logs = new AccessLogs(client, namespace, folder.resolve("pods"));
        for (String manifest : List.of("/demo/mirror/gateway.yaml", "/demo/mirror/sleep.yaml")) {
            try (InputStream in = ContinuousClientsTest.class.getResourceAsStream(manifest)) {
                client.load(in).inNamespace(namespace).create();
            }
        }
        release = new MirrorRelease(client, namespace);
        release.apply(FIRST);
        client.apps().deployments().inNamespace(namespace).withName("sleep").waitUntilReady(60, TimeUnit.SECONDS);
        InetSocketAddress sidecar = address(proxyOfSleep());
        InetSocketAddress gateway = address(local.gateway());
        await().atMost(LONG).pollInterval(Duration.ofMillis(10)).until(release::ready);
        long paced = TimeUnit.MILLISECONDS.toNanos(5);
        clients.add(client(new Habit("fast-get", "", true, 0), gateway));
        clients.add(client(new Habit("paced-post", "x".repeat(2000), true, paced), gateway));
        clients.add(client(new Habit("new-get", "", false, paced), gateway));
        clients.add(client(new Habit("mesh-get", "", true, paced), sidecar));
        clients.add(client(new Habit("mesh-new-post", "x".repeat(2000), false, paced), sidecar));
    }

    private ContinuousClient client(Habit habit, InetSocketAddress server) {
        return new ContinuousClient(habit, server, release.host());
    }

    private static InetSocketAddress address(URI url) {
        return new InetSocketAddress(url.getHost(), url.getPort() < 0 ? 80 : url.getPort());
    }

    private URI proxyOfSleep() {
        String pod = client.pods()
                .inNamespace(namespace)
                .withLabel("app", "sleep")
                .list()
                .getItems()
                .getFirst()
                .getMetadata()
                .getName();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExecWatch exec = client.pods()
                .inNamespace(namespace)
                .withName(pod)
                .writingOutput(out)
                .exec("sh", "-c", "echo $http_proxy")) {
            assertEquals(0, exec.exitCode().orTimeout(60, TimeUnit.SECONDS).join());
        }
        return URI.create(out.toString(StandardCharsets.UTF_8).strip());
    }

    /** Every client sends at least {@code more} further requests. */
    private void goOn(int more) {
        long[] before = clients.stream()
                .mapToLong(c -> c.answered("httpbin-0") + c.failures().size())
                .toArray();
        await().atMost(LONG).until(() -> {
            for (int i = 0; i < before.length; i++) {
                ContinuousClient c = clients.get(i);
                if (c.answered("httpbin-0") + c.failures().size() < before[i] + more) {
                    return false;
                }
            }
            return true;
        });
    }

    @AfterEach
    void onlyThePrimaryAnsweredAndCountsAgree() {
        clients.forEach(ContinuousClient::close);
        assertAll(clients.stream()
                .map(c -> () -> assertAll(
                        () -> assertEquals(List.of(), c.failures(), c.name()),
                        () -> assertEquals(
                                java.util.Set.of("200 httpbin-0"), c.answers().keySet(), c.name()),
                        () -> assertEquals(
                                c.answered("httpbin-0"),
                                logs.count("httpbin-0", c.name()),
                                c.name() + " at servers"))));
        client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace(namespace)
                .withName("httpbin")
                .delete();
        await().atMost(LONG).until(release::mirrored, "gone"::equals);
        await().atMost(LONG).until(() -> release.primaryPod().isEmpty());
        logs.close();
    }

    private void settled(String mirrored) {
        await().atMost(LONG).until(release::mirrored, mirrored::equals);
        await().atMost(LONG).until(release::ready);
    }

    @Test
    void candidateAddedReweightedAndPromoted() {
        goOn(50);
        String pod = release.primaryPod();
        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 100));
        settled("100");
        goOn(50);
        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 50));
        settled("50");
        goOn(50);
        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 0));
        await().atMost(LONG).until(release::mirrored, m -> m.isEmpty() || m.equals("0"));
        goOn(50);
        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 100));
        settled("100");
        goOn(50);
        assertEquals(pod, release.primaryPod(), "a candidate does not restart the primary");
        release.apply(new Version("v1", "kennethreitz/httpbin", 0));
        settled("");
        await().atMost(LONG).until(() -> !release.candidateExists());
        goOn(50);
    }

    @Test
    void promotionWithAnotherImage() {
        String pod = release.primaryPod();
        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin:v2", 100));
        settled("100");
        goOn(50);
        release.apply(new Version("v1", "kennethreitz/httpbin:v2", 0));
        settled("");
        await().atMost(LONG).until(release::primaryPod, now -> !now.isEmpty() && !now.equals(pod));
        await().atMost(LONG).until(() -> !release.candidateExists());
        goOn(50);
        assertNotEquals(pod, release.primaryPod());
    }

    @Test
    void candidateOfUnknownImage() {
        release.apply(FIRST, new Version("v1", "example/nobody-knows", 100));
        await().atMost(LONG).until(() -> waits("ErrImagePull"));
        goOn(100);
        assertEquals("", release.mirrored());
        release.apply(FIRST);
        await().atMost(LONG).until(() -> !release.candidateExists());
        goOn(50);
    }

    @Test
    void candidateThatNeverListens() {
        release.apply(FIRST, new Version("v1", "example/deaf", 100));
        await().atMost(LONG).until(release::candidateExists);
        goOn(200);
        assertEquals("", release.mirrored());
        release.apply(FIRST);
        await().atMost(LONG).until(() -> !release.candidateExists());
        goOn(50);
    }

    @Test
    void candidateThatCrashes() {
        release.apply(FIRST, new Version("v1", "example/crashes", 100));
        await().atMost(LONG).until(() -> waits("CrashLoopBackOff"));
        goOn(100);
        release.apply(FIRST);
        await().atMost(LONG).until(() -> !release.candidateExists());
        goOn(50);
    }

    private boolean waits(String reason) {
        return client.pods().inNamespace(namespace).withLabel("app", "httpbin-1").list().getItems().stream()
                .filter(pod -> pod.getStatus() != null)
                .flatMap(pod -> pod.getStatus().getContainerStatuses().stream())
                .anyMatch(c -> c.getState() != null
                        && c.getState().getWaiting() != null
                        && reason.equals(c.getState().getWaiting().getReason()));
    }

    @Test
    void mirroredShareIsWhatTheSpecSays() throws IOException {
        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 100));
        settled("100");
        await().atMost(LONG).until(() -> copies("probe-100", 10) == 10);
        int requests = 400;
        assertEquals(requests, copies("all", requests));

        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 50));
        settled("50");
        await().atMost(LONG).until(() -> copies("probe-50", 30) < 30);
        long half = copies("half", requests);
        BinomialDistribution fair = BinomialDistribution.of(requests, 0.5);
        assertTrue(
                half >= fair.inverseCumulativeProbability(ERROR_RATE / 2)
                        && half <= fair.inverseSurvivalProbability(ERROR_RATE / 2),
                half + " of " + requests);

        release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 0));
        await().atMost(LONG).until(release::mirrored, m -> m.isEmpty() || m.equals("0"));
        await().atMost(LONG).until(() -> copies("probe-0", 30) == 0);
        assertEquals(0, copies("none", requests));
    }

    @Test
    void editedOrDeletedRouteIsRestored() {
        goOn(10);
        // requests under way meet the wrong route: this test is about the route, not about the clients
        clients.forEach(ContinuousClient::close);
        release.misroute();
        await().atMost(LONG).until(release::routed);
        release.deleteRoute();
        await().atMost(LONG).until(release::routed);
    }

    private int round;

    /** Sends requests one by one; how many the candidate got, counted once every earlier copy must have arrived. */
    private long copies(String kind, int requests) throws IOException {
        String name = kind + "-" + round++;
        try (RawConnection connection = new RawConnection(address(local.gateway()))) {
            for (int i = 0; i < requests; i++) {
                assertEquals(
                        200,
                        connection
                                .send(release.host(), "/get?client=" + name, "")
                                .status());
            }
        }
        long[] last = {-1};
        await().atMost(LONG).pollInterval(Duration.ofMillis(200)).until(() -> {
            long now = logs.count("httpbin-1", name);
            boolean still = now == last[0];
            last[0] = now;
            return still;
        });
        return last[0];
    }
}
