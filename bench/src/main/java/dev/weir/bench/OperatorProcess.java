package dev.weir.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The operator in a process of its own, as on a cluster but without a lease, and what it says of itself. */
final class OperatorProcess implements AutoCloseable {
    private static final Pattern REQUESTS = Pattern.compile("weir_api_requests_total\\{verb=\"(\\w+)\"} ([0-9.E]+)");
    private static final int OK = 200;
    private static final int STOP_SECONDS = 20;
    private static final int READY_POLLS = 600;
    private static final int POLL_MILLIS = 50;

    private final ProxyProcess process;
    private final HttpClient http = HttpClient.newHttpClient();

    private final Path log;

    private OperatorProcess(ProxyProcess process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Starts it, and waits until its caches are filled.
     *
     * @param weir the command line of this build, without arguments
     * @throws IOException if it does not start; its log is named
     */
    static OperatorProcess start(List<String> weir, Path kubeconfig, String namespace, Path log)
            throws IOException, InterruptedException {
        int port = ProxyProcess.freePort();
        List<String> command = new ArrayList<>(List.of("env", "KUBECONFIG=" + kubeconfig));
        command.addAll(weir);
        String address = "127.0.0.1:" + port;
        command.addAll(List.of(
                "operator",
                "--yes",
                "--namespace=" + namespace,
                "--metrics-address=" + address,
                "--health-address=" + address));
        OperatorProcess started = new OperatorProcess(ProxyProcess.command(command, port, log), log);
        for (int i = 0; i < READY_POLLS; i++) {
            if (started.status("/readyz") == OK) {
                return started;
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        started.close();
        throw new IOException("the operator is not ready within 30 s: " + Files.readString(log));
    }

    private int status(String path) throws IOException, InterruptedException {
        return get(path).statusCode();
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + process.address().getPort() + path);
        return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** By verb, since it began. */
    Map<String, Long> requests() throws IOException, InterruptedException {
        Map<String, Long> counts = new TreeMap<>();
        Matcher lines = REQUESTS.matcher(get("/metrics").body());
        while (lines.find()) {
            counts.put(lines.group(1), (long) Double.parseDouble(lines.group(2)));
        }
        return counts;
    }

    /** @throws IOException if it has ended by itself, with what it said last */
    void check() throws IOException {
        if (!process.process().isAlive()) {
            throw new IOException("the operator ended with the exit code "
                    + process.process().exitValue() + "; it said last: "
                    + Files.readString(log).lines().reduce("", (_, last) -> last));
        }
    }

    /** Resident memory in bytes, where the system tells. */
    OptionalLong memory() throws IOException {
        return process.memory();
    }

    @Override
    public void close() {
        process.close();
        try {
            if (!process.process().waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.process().destroyForcibly();
            }
        } catch (InterruptedException hurried) {
            process.process().destroyForcibly();
            Thread.currentThread().interrupt();
        }
        http.close();
    }
}
