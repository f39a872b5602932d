package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weir.e2e.MirrorRelease.Version;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stranger on this machine or its network can reach of local mode. */
class ExposureTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String LISTENING = "0A";

    @TempDir
    static Path folder;

    private static LocalMode local;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        local = LocalMode.start(LocalOptions.in(folder));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
        MirrorRelease release = new MirrorRelease(client, "default");
        release.openGateway();
        release.apply(new Version("v0", "kennethreitz/httpbin", 0), new Version("v1", "kennethreitz/httpbin", 50));
        await().atMost(LONG).until(release::ready);
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
    }

    @Test
    void listensOnLoopbackOnly() throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/self/net/tcp")), "the system does not tell what listens");
        Set<String> sockets = sockets();
        List<String> addresses = new ArrayList<>();
        for (String table : List.of("/proc/self/net/tcp", "/proc/self/net/tcp6")) {
            for (String line : Files.readAllLines(Path.of(table))) {
                String[] fields = line.strip().split("\\s+");
                if (fields.length > 9 && fields[3].equals(LISTENING) && sockets.contains(fields[9])) {
                    addresses.add(fields[1].substring(0, fields[1].indexOf(':')));
                }
            }
        }
        assertThat(addresses)
                .as("API, kubelet, charts, metrics, gateway and pods")
                .hasSizeGreaterThan(6);
        // bytes of a word are in reverse: 127.x.y.z ends in 7F, also within an IPv6 address
        assertThat(addresses)
                .allMatch(address -> address.endsWith("7F") || address.equals("0".repeat(24) + "01000000"));
    }

    /** Inodes of this process's sockets. */
    private static Set<String> sockets() throws IOException {
        Set<String> inodes = new TreeSet<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    if (target.startsWith("socket:[")) {
                        inodes.add(target.substring("socket:[".length(), target.length() - 1));
                    }
                } catch (IOException closedMeanwhile) {
                    continue;
                }
            }
        }
        return inodes;
    }

    @Test
    void theApiAndTheKubeletAnswerNobodyUnknown() throws Exception {
        int kubelet = client.nodes()
                .list()
                .getItems()
                .getFirst()
                .getStatus()
                .getDaemonEndpoints()
                .getKubeletEndpoint()
                .getPort();
        assertThat(status(local.apiUrl().resolve("/api/v1/secrets"), "")).isIn(401, 403);
        assertThat(status(local.apiUrl().resolve("/api/v1/namespaces/default/pods"), "wrong"))
                .isEqualTo(401);
        URI logs = URI.create("https://127.0.0.1:" + kubelet + "/containerLogs/default/any/any");
        assertThatThrownBy(() -> {
                    int answer = status(logs, "wrong");
                    if (answer == 401 || answer == 403) {
                        throw new IOException("refused with " + answer);
                    }
                })
                .isInstanceOf(IOException.class);
    }

    private static int status(URI address, String token) throws Exception {
        SSLContext any = SSLContext.getInstance("TLS");
        any.init(null, new TrustManager[] {new AnyServer()}, new SecureRandom());
        try (HttpClient http = HttpClient.newBuilder().sslContext(any).build()) {
            HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(10));
            if (!token.isEmpty()) {
                request.header("Authorization", "Bearer " + token);
            }
            return http.send(request.build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        }
    }

    @Test
    void onlyTheOwnerReadsTheKubeconfig() throws IOException {
        assertThat(Files.getPosixFilePermissions(local.kubeconfig()).toString()).isEqualTo("[OWNER_READ, OWNER_WRITE]");
    }

    /** A stranger does not care whom it talks to. */
    private static final class AnyServer extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, javax.net.ssl.SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, javax.net.ssl.SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
