package dev.weir.e2e;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.marcnuri.helm.Helm;
import dev.weir.e2e.ContinuousClient.Habit;
import dev.weir.e2e.MirrorRelease.Version;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operator as its own process, installed by its chart: killed at any moment, clients do not notice. */
class OperatorProcessTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Version FIRST = new Version("v0", "kennethreitz/httpbin", 0);
    private static final int REQUESTS = 200;

    @TempDir
    static Path folder;

    @Test
    void killedAndRestartedWhileClientsGoOn() throws IOException {
        try (LocalMode local = LocalMode.start(LocalOptions.in(folder).withOperatorInside(false));
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                        .build();
                AccessLogs logs = new AccessLogs(client, "default", folder.resolve("pods"))) {
            Helm.install(local.chartRepository() + "/controller-0.1.0.tgz")
                    .withName("iter8")
                    .withNamespace("default")
                    .withKubeConfig(local.kubeconfig())
                    .call();
            MirrorRelease release = new MirrorRelease(client, "default");
            release.openGateway();
            release.apply(FIRST);
            await().atMost(LONG).until(release::ready);
            InetSocketAddress gateway = new InetSocketAddress(
                    local.gateway().getHost(), local.gateway().getPort());
            ContinuousClient clients =
                    new ContinuousClient(new Habit("go-on", "", true, 2_000_000), gateway, release.host());
            try (clients) {
                kill();
                release.apply(FIRST, new Version("v1", "kennethreitz/httpbin", 100));
                await().atMost(LONG).until(release::mirrored, "100"::equals);
                long before = clients.answered("httpbin-0");
                kill();
                await().atMost(LONG).until(() -> clients.answered("httpbin-0") >= before + REQUESTS);
                client.pods().inNamespace("default").withLabel("app", "iter8").delete();
                release.apply(new Version("v1", "kennethreitz/httpbin", 0));
                await().atMost(LONG).until(release::mirrored, ""::equals);
                await().atMost(LONG).until(() -> !release.candidateExists());
            }
            assertEquals(List.of(), clients.failures());
            assertEquals(Set.of("200 httpbin-0"), clients.answers().keySet());
            assertEquals(clients.answered("httpbin-0"), logs.count("httpbin-0", "go-on"));
        }
    }

    /** Kills this test's operator process, a child of this one, without warning. */
    private static void kill() {
        ProcessHandle operator = await().atMost(LONG)
                .until(
                        () -> ProcessHandle.current()
                                .descendants()
                                // its arguments are too long to be told; no other child of this process is a JVM
                                .filter(child ->
                                        child.info().command().orElse("").endsWith("java"))
                                .findFirst()
                                .orElse(null),
                        java.util.Objects::nonNull);
        operator.destroyForcibly();
        operator.onExit().orTimeout(60, TimeUnit.SECONDS).join();
    }
}
