package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code weir local} as processes of their own. */
class LocalCommandTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (Process process : started) {
            process.destroy();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    private Process weir(Path output, String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.weir.cli.Main"));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        started.add(process);
        return process;
    }

    /** Starts local mode in a folder; returns when it has said its addresses. */
    private Process local(Path data) throws IOException {
        Path output = data.resolveSibling(data.getFileName() + "." + started.size() + ".out");
        Process process = weir(output, "local", "--controller=none", "--data-dir", data.toString());
        await().atMost(SOON).until(() -> {
            assertThat(process.isAlive()).as(Files.readString(output)).isTrue();
            return Files.readString(output).contains("kubeconfig");
        });
        return process;
    }

    private static KubernetesClient client(Path data) throws IOException {
        return new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(data.resolve("kubeconfig"))))
                .build();
    }

    /** Runs a command pod; the process behind it. */
    private static ProcessHandle sleeper(Path data) throws IOException {
        // nobody else sleeps for just so long
        String seconds = "7" + ProcessHandle.current().pid()
                + data.getFileName().toString().length();
        try (KubernetesClient client = client(data)) {
            client.resource("""
                            apiVersion: v1
                            kind: Pod
                            metadata: {name: sleeper, namespace: default}
                            spec: {containers: [{name: main, image: curlimages/curl, command: [sleep, "%s"]}]}
                            """.formatted(seconds)).create();
            client.pods()
                    .inNamespace("default")
                    .withName("sleeper")
                    .waitUntilCondition(LocalCommandTest::runs, SOON.toSeconds(), TimeUnit.SECONDS);
        }
        return ProcessHandle.allProcesses()
                .filter(process -> process.info()
                        .arguments()
                        .map(arguments -> List.of(arguments).equals(List.of(seconds)))
                        .orElse(false))
                .findFirst()
                .orElseThrow();
    }

    private static boolean runs(Pod pod) {
        return pod != null
                && pod.getStatus() != null
                && pod.getStatus().getContainerStatuses().stream()
                        .anyMatch(status -> status.getState().getRunning() != null);
    }

    private JsonNode status(Path data) throws Exception {
        Path output = folder.resolve("status" + started.size());
        Process process = weir(output, "local", "status", "-o", "json", "--data-dir", data.toString());
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        JsonNode status = new ObjectMapper().readTree(output.toFile());
        assertThat(process.exitValue()).isEqualTo(status.path("running").asBoolean() ? 0 : 1);
        return status;
    }

    @Test
    void whatAKilledLocalModeLeftBehindIsEndedByTheNext() throws Exception {
        Path data = folder.resolve("data");
        Process first = local(data);
        assertThat(status(data).path("pid").asLong()).isEqualTo(first.pid());
        ProcessHandle orphan = sleeper(data);
        first.destroyForcibly();
        assertThat(first.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(orphan.isAlive()).isTrue();
        assertThat(status(data).path("running").asBoolean()).isFalse();
        local(data);
        assertThat(orphan.onExit()).succeedsWithin(SOON);
    }

    @Test
    void twoRunSideBySideAndDoNotMeet() throws Exception {
        Path one = folder.resolve("one");
        Path other = folder.resolve("other");
        local(one);
        local(other);
        ProcessHandle here = sleeper(one);
        try (KubernetesClient client = client(other)) {
            assertThat(client.pods().inNamespace("default").list().getItems()).isEmpty();
        }
        assertThat(status(one).path("api").asText())
                .isNotEqualTo(status(other).path("api").asText());
        assertThat(status(one).path("gateway").asText())
                .isNotEqualTo(status(other).path("gateway").asText());
        started.get(1).destroy();
        assertThat(started.get(1).waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(here.isAlive()).isTrue();
        started.get(0).destroy();
        assertThat(here.onExit()).succeedsWithin(SOON);
    }

    @Test
    void aTakenPortAndATakenFolderAreNamed() throws Exception {
        Path output = folder.resolve("refused");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            for (String option : List.of("--api-port", "--charts-port")) {
                Process refused = weir(
                        output,
                        "local",
                        option + "=" + taken.getLocalPort(),
                        "--data-dir",
                        folder.resolve("refused-data").toString());
                assertThat(refused.waitFor(60, TimeUnit.SECONDS)).isTrue();
                assertThat(refused.exitValue()).isOne();
                assertThat(Files.readString(output, StandardCharsets.UTF_8))
                        .contains("cannot listen on 127.0.0.1:" + taken.getLocalPort());
            }
        }
        Path data = folder.resolve("taken");
        local(data);
        Process second = weir(output, "local", "--data-dir", data.toString());
        assertThat(second.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(second.exitValue()).isOne();
        assertThat(Files.readString(output)).contains("local mode already runs in " + data);
    }
}
