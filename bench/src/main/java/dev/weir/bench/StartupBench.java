package dev.weir.bench;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** Time from the start of local mode's process until an applied release answers 200 through the gateway. */
public final class StartupBench {
    private static final long LIMIT_SECONDS = 60;
    private static final long POLL_MILLIS = 2;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final List<String> PARTS =
            List.of("a release could be applied", "release applied", "deployment created", "pod ready", "first 200");
    private static final String OBJECTS = """
            apiVersion: networking.istio.io/v1beta1
            kind: Gateway
            metadata: {name: my-gateway, namespace: default}
            spec:
              selector: {istio: ingressgateway}
              servers:
              - port: {number: 80, name: http, protocol: HTTP}
                hosts: ["*"]
            ---
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: httpbin, namespace: default}
            spec:
              strategy: Mirror
              gateways: [my-gateway]
              versions:
              - {name: httpbin-0, image: kennethreitz/httpbin}
            """;

    private StartupBench() {}

    /**
     * Starts and stops local mode again and again; prints when each part was reached, the median in milliseconds.
     *
     * @param command runs local mode in the foreground, with its data directory at {@code folder/local}
     * @param repeats how often, at least 1
     * @return 0
     * @throws IOException if the process cannot start
     * @throws IllegalStateException if a part is not reached within a minute
     */
    public static int run(PrintStream out, List<String> command, Path folder, int repeats)
            throws IOException, InterruptedException {
        double[][] times = new double[PARTS.size()][repeats];
        for (int i = 0; i < repeats; i++) {
            double[] once = once(command, folder);
            for (int part = 0; part < once.length; part++) {
                times[part][i] = once[part];
            }
        }
        out.printf("%-28s %8s %8s %8s%n", "milliseconds since exec", "min", "median", "max");
        for (int part = 0; part < times.length; part++) {
            Arrays.sort(times[part]);
            out.printf(
                    "%-28s %8.0f %8.0f %8.0f%n",
                    PARTS.get(part), times[part][0], median(times[part]), times[part][repeats - 1]);
        }
        return 0;
    }

    /**
     * Does once what is measured, without measuring it: applies the release and waits until it answers.
     *
     * @param gateway where the gateway listens
     */
    public static void rehearse(Path kubeconfig, URI gateway) throws IOException, InterruptedException {
        try (KubernetesClient client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(kubeconfig)))
                .build()) {
            release(client, gateway, System.nanoTime(), new double[PARTS.size()]);
        }
    }

    private static double median(double[] sorted) {
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private static double[] once(List<String> command, Path folder) throws IOException, InterruptedException {
        forgetState(folder.resolve("local").resolve("state"));
        long start = System.nanoTime();
        Process process = new ProcessBuilder(command)
                .redirectError(folder.resolve("log").toFile())
                .start();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            URI gateway = URI.create("http://127.0.0.1");
            String kubeconfig = "";
            while (kubeconfig.isEmpty()) {
                String line = lines.readLine();
                if (line == null) {
                    throw new IllegalStateException("local mode ended: " + Files.readString(folder.resolve("log")));
                }
                if (line.startsWith("gateway")) {
                    gateway = URI.create(line.substring(line.lastIndexOf(' ') + 1));
                } else if (line.startsWith("kubeconfig")) {
                    kubeconfig = line.substring(line.lastIndexOf(' ') + 1);
                }
            }
            double[] times = new double[PARTS.size()];
            times[0] = since(start);
            try (KubernetesClient client = new KubernetesClientBuilder()
                    .withConfig(Config.fromKubeconfig(Files.readString(Path.of(kubeconfig))))
                    .build()) {
                release(client, gateway, start, times);
            }
            return times;
        } finally {
            process.destroy();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    /** Every start is a first one. */
    private static void forgetState(Path state) throws IOException {
        if (Files.exists(state)) {
            try (Stream<Path> files = Files.walk(state)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void release(KubernetesClient client, URI gateway, long start, double[] times)
            throws InterruptedException {
        for (String object : OBJECTS.split("---\n", -1)) {
            client.resource(Serialization.unmarshal(object, GenericKubernetesResource.class))
                    .create();
        }
        times[1] = since(start);
        var deployments = client.apps().deployments().inNamespace("default");
        await(() -> deployments.withName("httpbin-0").get() != null, PARTS.get(2));
        times[2] = since(start);
        var pods = client.pods().inNamespace("default").withLabel("app", "httpbin-0");
        await(
                () -> pods.list().getItems().stream()
                        .anyMatch(pod -> pod.getStatus() != null
                                && pod.getStatus().getConditions().stream()
                                        .anyMatch(c -> c.getType().equals("Ready")
                                                && c.getStatus().equals("True"))),
                PARTS.get(3));
        times[3] = since(start);
        await(() -> answers(gateway), PARTS.get(4));
        times[4] = since(start);
    }

    private static boolean answers(URI gateway) {
        try (Socket socket = new Socket(gateway.getHost(), gateway.getPort() < 0 ? 80 : gateway.getPort())) {
            socket.getOutputStream()
                    .write("GET /get HTTP/1.1\r\nHost: httpbin.default\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
            return line != null && line.startsWith("HTTP/1.1 200");
        } catch (IOException notYet) {
            return false;
        }
    }

    private static void await(BooleanSupplier condition, String part) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("not within " + LIMIT_SECONDS + " s: " + part);
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
    }

    private static double since(long start) {
        return (System.nanoTime() - start) / NANOS_PER_MILLI;
    }
}
