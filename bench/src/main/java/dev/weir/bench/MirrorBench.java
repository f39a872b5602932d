package dev.weir.bench;

import dev.weir.bench.FaultyCandidate.Kind;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** What mirroring to a candidate that misbehaves costs the users of the primary: 99th percentiles with and without. */
public final class MirrorBench {
    /** The most that the median ratio of a kind may be. */
    private static final double BOUND = 1.2;

    private static final String NAMESPACE = "default";
    private static final Duration WAIT = Duration.ofSeconds(60);
    private static final Duration WARM_UP = Duration.ofSeconds(10);
    private static final Duration SETTLE = Duration.ofMillis(250);
    private static final Duration SLICE = Duration.ofSeconds(1);
    private static final double P50 = 0.5;
    private static final double P99 = 0.99;
    private static final long POLL_MILLIS = 20;
    private static final String COPIES = "weir_mirrored_requests_total";
    private static final String DROPS = "weir_mirrored_requests_dropped_total";
    private static final String GATEWAY = """
            apiVersion: networking.istio.io/v1beta1
            kind: Gateway
            metadata: {name: my-gateway, namespace: default}
            spec:
              selector: {istio: ingressgateway}
              servers:
              - port: {number: 80, name: http, protocol: HTTP}
                hosts: ["*"]
            """;
    private static final String RELEASE = """
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: httpbin, namespace: default}
            spec:
              strategy: Mirror
              gateways: [my-gateway]
              versions:
              - {name: httpbin-0, image: kennethreitz/httpbin}
              - {name: httpbin-1, image: bench/%s, mirrorPercent: %d}
            """;

    /**
     * What to measure.
     *
     * @param kinds in lower case, see {@link #kinds()}
     * @param repeats pairs per kind, at least 1
     * @param perSecond requests per second
     * @param length of each half of a pair, whole seconds
     */
    public record Plan(List<String> kinds, int repeats, int perSecond, Duration length) {}

    /** One slice of a pair: what users saw, copies, drops, and the processor time that this process used. */
    private record Slice(OpenLoop.Outcome outcome, long mirrored, long dropped, double used) {}

    /** Slices without and with the mirror that were taken in turns. */
    private record Pair(OpenLoop.Outcome without, OpenLoop.Outcome with, List<Slice> mirrored) {
        double ratio() {
            return with.millis(P99) / without.millis(P99);
        }

        double used() {
            return mirrored.stream().mapToDouble(Slice::used).average().orElse(Double.NaN);
        }
    }

    private final KubernetesClient client;
    private final InetSocketAddress gateway;
    private final URI stats;
    private final Plan plan;
    private final PrintStream out;
    private final HttpClient http = HttpClient.newHttpClient();

    private MirrorBench(KubernetesClient client, LocalMode local, Plan plan, PrintStream out) {
        this.client = client;
        URI url = local.gateway();
        this.gateway = new InetSocketAddress(url.getHost(), url.getPort() < 0 ? 80 : url.getPort());
        this.stats = local.metrics();
        this.plan = plan;
        this.out = out;
    }

    /** The kinds that a plan may name; the last two are not faulty and are for comparison. */
    public static List<String> kinds() {
        return Arrays.stream(Kind.values()).map(Kind::label).toList();
    }

    /**
     * Starts local mode in a folder, measures, prints a table.
     *
     * @return 0 if every kind keeps the bound and no request of a user failed, else 1
     * @throws IOException if local mode cannot start
     * @throws IllegalStateException if a release does not become what the spec says within a minute
     */
    public static int run(PrintStream out, Path folder, Plan plan) throws IOException, InterruptedException {
        Map<String, String> images = new HashMap<>();
        for (String kind : plan.kinds()) {
            images.put("bench/" + kind, command(kind));
        }
        try (LocalMode local = LocalMode.start(LocalOptions.in(folder).withImages(images));
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                        .build()) {
            return new MirrorBench(client, local, plan, out).measure() ? 0 : 1;
        }
    }

    private static String command(String kind) {
        return "'" + Path.of(System.getProperty("java.home"), "bin", "java")
                + "' -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '" + System.getProperty("java.class.path")
                + "' " + FaultyCandidate.class.getName() + " " + kind;
    }

    private boolean measure() throws IOException, InterruptedException {
        apply(GATEWAY);
        out.printf(
                "%d requests/s, open loop, through the gateway; time from the moment at which a request was due%n"
                        + "%d pairs per kind, without and with a mirror of 100 %%, %d s each, in turns of 1 s; %d processors"
                        + " shared by everything%n",
                plan.perSecond(),
                plan.repeats(),
                plan.length().toSeconds(),
                Runtime.getRuntime().availableProcessors());
        out.printf(
                "%-8s %11s %11s %11s %11s %7s %7s %7s %9s %9s %7s %6s%n",
                "kind",
                "p50 without",
                "p50 with",
                "p99 without",
                "p99 with",
                "ratio",
                "least",
                "most",
                "mirrored",
                "dropped",
                "failed",
                "used");
        boolean good = true;
        for (String kind : plan.kinds()) {
            boolean kept = measure(kind);
            good &= kept || kind.equals(Kind.ANSWER.label()) || kind.equals(Kind.NONE.label());
        }
        out.printf(
                "p50, p99: medians of the pairs, milliseconds; ratio: median over the pairs of p99 with / without, bound"
                        + " %.1f%nused: part of the processors that local mode and the load generator used, with the"
                        + " mirror%nnone: nothing is ever mirrored; its ratios say how still the machine is%n",
                BOUND);
        return good;
    }

    private boolean measure(String kind) throws IOException, InterruptedException {
        List<Pair> pairs = new ArrayList<>();
        try (OpenLoop clients = OpenLoop.connect(gateway)) {
            mirror(kind, 100);
            load(clients, WARM_UP);
            mirror(kind, 0);
            load(clients, WARM_UP);
            for (int i = 0; i < plan.repeats(); i++) {
                pairs.add(pair(clients, kind, i % 2 == 1));
            }
        }
        double[] ratios = pairs.stream().mapToDouble(Pair::ratio).sorted().toArray();
        int failed = pairs.stream()
                .mapToInt(p -> p.with().failed() + p.without().failed())
                .sum();
        double ratio = median(pairs, Pair::ratio);
        out.printf(
                "%-8s %11.2f %11.2f %11.2f %11.2f %7.2f %7.2f %7.2f %9d %9d %7d %5.0f%%%n",
                kind,
                median(pairs, p -> p.without().millis(P50)),
                median(pairs, p -> p.with().millis(P50)),
                median(pairs, p -> p.without().millis(P99)),
                median(pairs, p -> p.with().millis(P99)),
                ratio,
                ratios[0],
                ratios[ratios.length - 1],
                sum(pairs, Slice::mirrored),
                sum(pairs, Slice::dropped),
                failed,
                100 * median(pairs, Pair::used));
        return ratio <= BOUND && failed == 0;
    }

    private static long sum(List<Pair> pairs, ToLongFunction<Slice> value) {
        return pairs.stream()
                .flatMap(pair -> pair.mirrored().stream())
                .mapToLong(value)
                .sum();
    }

    /** Takes turns within a pair, so that what else the machine does falls on both sides alike. */
    private Pair pair(OpenLoop clients, String kind, boolean mirrorFirst) throws IOException, InterruptedException {
        List<Slice> without = new ArrayList<>();
        List<Slice> with = new ArrayList<>();
        for (int i = 0; i < Math.max(1, plan.length().toSeconds()); i++) {
            boolean first = mirrorFirst == (i % 2 == 0);
            (first ? with : without).add(slice(clients, kind, first));
            (first ? without : with).add(slice(clients, kind, !first));
        }
        return new Pair(
                OpenLoop.Outcome.of(without.stream().map(Slice::outcome).toList()),
                OpenLoop.Outcome.of(with.stream().map(Slice::outcome).toList()),
                with);
    }

    private Slice slice(OpenLoop clients, String kind, boolean on) throws IOException, InterruptedException {
        boolean mirrored = on && !kind.equals(Kind.NONE.label());
        mirror(kind, mirrored ? 100 : 0);
        settle(clients, mirrored);
        long cpu = cpuNanos();
        long start = System.nanoTime();
        Copied copied = copied(clients, SLICE);
        double used = (double) (cpuNanos() - cpu)
                / (System.nanoTime() - start)
                / Runtime.getRuntime().availableProcessors();
        if (!copied.all(mirrored)) {
            throw new IllegalStateException(copied + ", with the mirror " + (mirrored ? "on" : "off"));
        }
        return new Slice(copied.outcome(), copied.mirrored(), copied.dropped(), used);
    }

    /** The API shows a route before the data plane follows it, how long before depends on what else the machine does. */
    private void settle(OpenLoop clients, boolean mirrored) throws IOException, InterruptedException {
        long end = System.nanoTime() + WAIT.toNanos();
        Copied copied = copied(clients, SETTLE);
        while (!copied.all(mirrored)) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("not within " + WAIT.toSeconds() + " s: the mirror is "
                        + (mirrored ? "on" : "off") + "; " + copied);
            }
            copied = copied(clients, SETTLE);
        }
    }

    /** What became of requests: what users saw, copies that were sent and that were not. */
    private record Copied(OpenLoop.Outcome outcome, long mirrored, long dropped) {
        /** Whether each request was copied, or none. */
        boolean all(boolean expected) {
            return mirrored + dropped == (expected ? outcome.nanos().length + outcome.failed() : 0);
        }

        @Override
        public String toString() {
            return "of " + (outcome.nanos().length + outcome.failed()) + " requests " + mirrored + " were mirrored and "
                    + dropped + " dropped";
        }
    }

    private Copied copied(OpenLoop clients, Duration length) throws IOException, InterruptedException {
        Counters before = counters();
        OpenLoop.Outcome outcome = load(clients, length);
        Counters after = counters();
        return new Copied(outcome, after.mirrored() - before.mirrored(), after.dropped() - before.dropped());
    }

    private OpenLoop.Outcome load(OpenLoop clients, Duration length) throws InterruptedException {
        return clients.run(OpenLoop.get("/get", "httpbin." + NAMESPACE), plan.perSecond(), length);
    }

    /** Sets the release's share, and waits until the route has it and the copies of the run before are over. */
    private void mirror(String kind, int percent) throws InterruptedException {
        apply(RELEASE.formatted(kind, percent));
        await(
                () -> {
                    GenericKubernetesResource route = client.genericKubernetesResources(
                                    "networking.istio.io/v1beta1", "VirtualService")
                            .inNamespace(NAMESPACE)
                            .withName("httpbin")
                            .get();
                    if (route == null) {
                        return false;
                    }
                    Object share = route.get("spec", "http", 0, "mirrorPercentage", "value");
                    boolean none = route.get("spec", "http", 0, "mirror") == null
                            || String.valueOf(share).matches("0(\\.0)?");
                    return percent == 0 ? none : !none && runs(kind);
                },
                kind + " mirrored at " + percent + " %");
    }

    private boolean runs(String kind) {
        return client.pods().inNamespace(NAMESPACE).withLabel("app", "httpbin-1").list().getItems().stream()
                .allMatch(pod ->
                        pod.getSpec().getContainers().getFirst().getImage().equals("bench/" + kind));
    }

    private void apply(String manifest) {
        client.resource(Serialization.unmarshal(manifest, GenericKubernetesResource.class))
                .serverSideApply();
    }

    private static void await(BooleanSupplier condition, String what) throws InterruptedException {
        long end = System.nanoTime() + WAIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("not within " + WAIT.toSeconds() + " s: " + what);
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
    }

    /** Of the data plane, summed over labels. */
    private record Counters(long mirrored, long dropped) {
        static Counters of(String text) {
            return new Counters(sum(text, COPIES), sum(text, DROPS));
        }

        private static long sum(String text, String name) {
            return text.lines()
                    .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                    .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                    .sum();
        }
    }

    private Counters counters() throws IOException, InterruptedException {
        return Counters.of(http.send(HttpRequest.newBuilder(stats).build(), HttpResponse.BodyHandlers.ofString())
                .body());
    }

    private static long cpuNanos() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime()
                : 0;
    }

    private static double median(List<Pair> pairs, ToDoubleFunction<Pair> value) {
        double[] sorted = pairs.stream().mapToDouble(value).sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
