package dev.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said where there is no cluster to answer. */
class UnansweredCommandsTest {
    @TempDir
    private Path folder;

    private String kubeconfig(String server) throws IOException {
        return "--kubeconfig=" + Files.writeString(folder.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: far
                clusters: [{name: far, cluster: {server: "%s"}}]
                users: [{name: me, user: {token: secret}}]
                contexts: [{name: far, context: {cluster: far, user: me}}]
                """.formatted(server));
    }

    @Test
    void saysThatAFileIsNoKubeconfig() throws IOException {
        Path file = folder.resolve("broken");
        Files.writeString(file, "clusters:1\n- name: [\n");
        Weir.Result broken = Weir.run("get", "--kubeconfig=" + file);
        assertThat(broken.exitCode()).isEqualTo(2);
        assertThat(broken.err()).startsWith("weir: --kubeconfig: " + file + " is no kubeconfig: ");
    }

    @Test
    void namesTheServerThatCannotBeReached() throws IOException {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        String server = "https://127.0.0.1:" + closed;
        Weir.Result gone = Weir.run("get", kubeconfig(server));
        assertThat(gone.exitCode()).isEqualTo(3);
        assertThat(gone.err())
                .isEqualTo("weir: cannot reach the cluster (context \"far\", server " + server
                        + "): connection refused\n");
        assertThat(Weir.run("get", kubeconfig("https://nowhere.invalid")).err())
                .endsWith("https://nowhere.invalid): its name is not known\n");
    }

    @Test
    void givesUpOnAServerThatDoesNotAnswer() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String kubeconfig = kubeconfig("http://127.0.0.1:" + silent.getLocalPort());
            Weir.Result waited = Weir.run("get", "--request-timeout=600ms", kubeconfig);
            assertThat(waited.exitCode()).isEqualTo(3);
            assertThat(waited.err()).contains("no answer within 600 ms");
            Weir.Result refused = Weir.run("get", "--request-timeout=soon", kubeconfig);
            assertThat(refused.exitCode()).isEqualTo(2);
            assertThat(refused.err())
                    .isEqualTo("weir: --request-timeout: \"soon\" is not a time like 5s, 1m30s or 5 (seconds)\n");
        }
    }
}
