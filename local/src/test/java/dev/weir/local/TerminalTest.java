package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.internal.SSLUtils;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What connects a user's own terminal, ports and files to a pod: exec, run, attach, port-forward and cp of kubectl. */
class TerminalTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir
    private static Path folder;

    private static TestBed bed;
    private static Kubectl kubectl;

    @BeforeAll
    static void start() throws Exception {
        kubectl = TestBed.kubectl(folder);
        bed = TestBed.start(folder, Map.of());
        kubectl.ok("run", "shell", "--image=busybox", "--command", "--", "sleep", "infinity");
        kubectl.ok("run", "web", "--image=stefanprodan/podinfo:6.0.0", "--port=9898", "--expose");
        kubectl.ok("wait", "--for=condition=Ready", "pod/shell", "pod/web", "--timeout=30s");
    }

    @AfterAll
    static void stop() {
        if (bed != null) {
            bed.close();
        }
    }

    /** A user at a terminal who runs kubectl. */
    private static final class Screen implements AutoCloseable {
        private final Pty terminal = Pty.open();
        private final StringBuffer shown = new StringBuffer();
        private final Process process;

        Screen(String... words) throws IOException {
            Map<String, String> variables = new HashMap<>(System.getenv());
            variables.put("KUBECONFIG", kubectl.kubeconfig().toString());
            variables.put("HOME", folder.toString());
            List<String> command = new ArrayList<>(List.of(kubectl.program().toString()));
            command.addAll(List.of(words));
            process = new HostCommand(List.of(), command, variables, folder).startAt(terminal);
            Thread.ofPlatform().daemon().start(() -> {
                byte[] buffer = new byte[4096];
                for (int n = terminal.read(buffer); n >= 0; n = terminal.read(buffer)) {
                    shown.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
                }
            });
        }

        void type(String text) throws IOException {
            terminal.write(text.getBytes(StandardCharsets.UTF_8));
        }

        /** Types it every second until something shows. */
        void types(String text, String regex) {
            Pattern wanted = Pattern.compile(regex);
            await().atMost(SOON)
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> {
                        boolean there = wanted.matcher(shown).find();
                        if (!there) {
                            type(text);
                        }
                        return there;
                    });
        }

        void shows(String regex) {
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(shown.toString()).containsPattern(regex));
        }

        int code() throws InterruptedException {
            assertThat(process.waitFor(SOON.toSeconds(), TimeUnit.SECONDS))
                    .as("ended after: %s", shown)
                    .isTrue();
            return process.exitValue();
        }

        @Override
        public void close() {
            process.destroyForcibly();
            terminal.close();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void execGivesATerminal() throws Exception {
        try (Screen screen = new Screen("exec", "--stdin", "--tty", "shell", "-c", "shell", "--", "/bin/sh")) {
            screen.shows("[$#] $");
            screen.type("echo $((6*7)) at $(tty)\n");
            screen.shows("\n42 at /dev/pts/\\d+\r\n");
            screen.terminal.resize(101, 43);
            screen.types("stty size\n", "\n43 101\r\n");
            // the interrupt reaches what runs, not the shell
            screen.type("echo begun; sleep 1000\n");
            screen.shows("\nbegun\r\n");
            // a shell that is just about to start a command loses an interrupt, and one that is interrupted a line
            screen.types("\003", "\nbegun\r\n(?s:.*)[$#] $");
            screen.types("echo ended with $?\n", "ended with 130\r\n");
            screen.type("exit 3\n");
            assertThat(screen.code()).isEqualTo(3);
        }
        try (Screen screen = new Screen("exec", "-it", "shell", "--", "no-such-shell")) {
            assertThat(screen.code()).isOne();
            screen.shows("\"no-such-shell\": executable file not found in \\$PATH");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aPodIsRunAtTheTerminalAndRemoved() throws Exception {
        try (Screen screen = new Screen(
                "run",
                "-i",
                "--rm",
                "--tty",
                "loadtest",
                "--image=stefanprodan/loadtest",
                "--restart=Never",
                "--",
                "sh")) {
            screen.shows("[$#] $");
            screen.type("echo in $HOSTNAME, $((1+1))\n");
            screen.shows("\nin loadtest, 2\r\n");
            screen.type("exit\n");
            assertThat(screen.code()).isZero();
            screen.shows("pod \"loadtest\" deleted");
        }
        assertThat(kubectl.run("", "get", "pod", "loadtest").err()).contains("NotFound");
    }

    @Test
    void inputIsPipedThroughAPod() throws Exception {
        Kubectl.Said said = kubectl.run(
                "one\ntwo\n", "run", "-i", "--rm", "counts", "--image=busybox", "--restart=Never", "--", "wc", "-l");
        assertThat(said.code()).as(said.err()).isZero();
        assertThat(said.out()).contains("2\n").contains("pod \"counts\" deleted");
        Kubectl.Said failed = kubectl.run(
                "", "run", "-i", "--rm", "fails", "--image=busybox", "--restart=Never", "--", "sh", "-c", "exit 4");
        assertThat(failed.code()).isEqualTo(4);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void attachJoinsWhatRuns() throws Exception {
        kubectl.ok("run", "joined", "-i", "-t", "--attach=false", "--leave-stdin-open", "--image=busybox", "--", "sh");
        kubectl.ok("wait", "--for=condition=Ready", "pod/joined", "--timeout=30s");
        try (Screen screen = new Screen("attach", "-it", "joined")) {
            screen.shows("[$#] $");
            screen.type("echo $((40+2))\n");
            screen.shows("\n42\r\n");
        }
        assertThat(kubectl.ok("logs", "joined")).contains("\n42\n");
        try (Kubectl.Running watching = kubectl.start("attach", "web")) {
            await().atMost(SOON).untilAsserted(() -> {
                kubectl.ok("exec", "shell", "--", "curl", "-s", "http://web:9898/version");
                assertThat(watching.out()).contains("GET /version HTTP/1.1\" 200");
            });
        }
    }

    /** What a WebSocket client got: bytes of exec's output, and the bytes of pongs. */
    private static final class Heard implements WebSocket.Listener {
        private final StringBuffer output = new StringBuffer();
        private final BlockingQueue<ByteBuffer> pongs = new LinkedBlockingQueue<>();

        @Override
        public @Nullable CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            output.append(StandardCharsets.ISO_8859_1.decode(data));
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPong(WebSocket socket, ByteBuffer bytes) {
            ByteBuffer kept = ByteBuffer.allocate(bytes.remaining());
            pongs.add(kept.put(bytes).flip());
            socket.request(1);
            return null;
        }
    }

    /** kubectl takes a connection whose pings stay without an answer for dead, after a minute. */
    @ParameterizedTest
    @CsvSource({"exec?command=cat&stdin=true&stdout=true, v5.channel.k8s.io", "attach?stdout=true, v4.channel.k8s.io"})
    void pingsAreAnswered(String stream, String protocol) throws Exception {
        Config config = bed.client().getConfiguration();
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(SSLUtils.keyManagers(config), SSLUtils.trustManagers(config), null);
        String pods = config.getMasterUrl().replaceFirst("^http", "ws") + "api/v1/namespaces/default/pods/shell/";
        Heard heard = new Heard();
        try (HttpClient client = HttpClient.newBuilder().sslContext(tls).build()) {
            WebSocket socket = client.newWebSocketBuilder()
                    .subprotocols(protocol)
                    .header("Authorization", "Bearer " + config.getAutoOAuthToken())
                    .buildAsync(URI.create(pods + stream), heard)
                    .get(SOON.toSeconds(), TimeUnit.SECONDS);
            for (String text : List.of("", "first", "x".repeat(125))) {
                ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text);
                socket.sendPing(bytes.duplicate()).get(SOON.toSeconds(), TimeUnit.SECONDS);
                assertThat(heard.pongs.poll(SOON.toSeconds(), TimeUnit.SECONDS)).isEqualTo(bytes);
            }
            if (stream.startsWith("exec")) {
                socket.sendBinary(StandardCharsets.ISO_8859_1.encode("\0still here"), true)
                        .get(SOON.toSeconds(), TimeUnit.SECONDS);
                await().atMost(SOON).until(() -> heard.output.toString().contains("\1still here"));
            }
            socket.abort();
        }
    }

    private static int port(Kubectl.Running forwarding) {
        Matcher port = Pattern.compile("Forwarding from 127\\.0\\.0\\.1:(\\d+)").matcher("");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(port.reset(forwarding.out()).find())
                        .as(forwarding.err())
                        .isTrue());
        return Integer.parseInt(port.group(1));
    }

    private static HttpResponse<String> get(HttpClient client, int port, String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void portsOfPodsAndServicesAreForwarded() throws Exception {
        try (HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build();
                Kubectl.Running pod = kubectl.start("port-forward", "pod/web", ":9898");
                Kubectl.Running service = kubectl.start("port-forward", "service/web", ":9898");
                Kubectl.Running gateway =
                        kubectl.start("-n", "istio-system", "port-forward", "svc/istio-ingressgateway", ":80")) {
            int podPort = port(pod);
            assertThat(get(client, podPort, "/version").body()).contains("6.0.0");
            List<Integer> codes = java.util.stream.IntStream.range(0, 50)
                    .parallel()
                    .mapToObj(_ -> client.sendAsync(
                                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + podPort + "/version"))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .join()
                            .statusCode())
                    .distinct()
                    .toList();
            assertThat(codes).containsExactly(200);
            String large = "0123456789abcdef".repeat(256 * 1024);
            HttpResponse<String> echo = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + podPort + "/echo"))
                            .POST(HttpRequest.BodyPublishers.ofString(large))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(echo.body()).isEqualTo(large);
            assertThat(get(client, port(service), "/healthz").statusCode()).isEqualTo(200);
            // no Gateway names a host yet
            assertThat(get(client, port(gateway), "/").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void clientsThatSpeakSpdyAreServedToo() throws Exception {
        Kubectl older = kubectl.overSpdy();
        Kubectl.Said said = older.run("typed", "exec", "-i", "shell", "--", "sh", "-c", "cat; echo wrong >&2; exit 3");
        assertThat(said.out()).isEqualTo("typed");
        assertThat(said.err()).contains("wrong").contains("exit code 3");
        assertThat(said.code()).isEqualTo(3);
        try (HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build();
                Kubectl.Running forwarding = older.start("port-forward", "pod/web", ":9898")) {
            assertThat(get(client, port(forwarding), "/version").body()).contains("6.0.0");
        }
    }

    @Test
    void aPortThatNobodyServesIsNamed() throws Exception {
        try (HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build();
                Kubectl.Running forwarding = kubectl.start("port-forward", "pod/shell", ":8123")) {
            int port = port(forwarding);
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> get(client, port, "/"))
                    .isInstanceOf(IOException.class);
            await().atMost(SOON)
                    .untilAsserted(
                            () -> assertThat(forwarding.err()).contains("failed to connect to port 8123 of pod shell"));
        }
    }

    @Test
    void filesAreCopiedBothWays() throws Exception {
        byte[] content = new byte[300_000];
        new java.util.Random(7).nextBytes(content);
        Files.write(folder.resolve("sent.bin"), content);
        kubectl.ok("cp", "sent.bin", "shell:kept.bin");
        assertThat(kubectl.ok("exec", "shell", "--", "sh", "-c", "wc -c < kept.bin")
                        .strip())
                .isEqualTo("300000");
        kubectl.ok("cp", "shell:kept.bin", "back.bin");
        assertThat(Files.readAllBytes(folder.resolve("back.bin"))).isEqualTo(content);
    }
}
