package dev.weir.bench;

import dev.weir.bench.OtherProxies.Absent;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.ToDoubleFunction;

/** The data plane beside Envoy and nginx, in turns within one run: the same routes, headers, weights, server and load. */
public final class DataPlaneBench {
    private static final byte[] REQUEST = ClosedLoop.get("/get", "app.default");
    private static final List<Integer> CONNECTIONS = List.of(1, 64);
    private static final String WEIR = "weir";
    private static final String ENVOY = "envoy";
    private static final String DIRECT = "direct";
    private static final int MEGABYTE = 1 << 20;

    /**
     * What to measure.
     *
     * @param rounds in each of which everything is measured once
     * @param length of each measurement
     * @param warmUp of each proxy and number of connections, before the first round
     */
    public record Plan(int rounds, Duration length, Duration warmUp) {}

    private final PrintStream out;
    private final Plan plan;
    private final Map<String, ProxyProcess> running = new LinkedHashMap<>();
    private final Map<String, String> absent = new LinkedHashMap<>();
    private final Map<String, List<ClosedLoop.Outcome>> outcomes = new LinkedHashMap<>();

    private DataPlaneBench(PrintStream out, Plan plan) {
        this.out = out;
        this.plan = plan;
    }

    /**
     * Measures and prints a table.
     *
     * @param folder for configurations and logs
     * @return 0 if no request failed
     * @throws IOException if a proxy that is there does not start or closes a connection
     */
    public static int run(PrintStream out, Path folder, List<String> options, Plan plan)
            throws IOException, InterruptedException {
        DataPlaneBench bench = new DataPlaneBench(out, plan);
        List<String> small = List.of("-XX:+UseSerialGC", "-Xmx64m");
        try (ProxyProcess primary = ProxyProcess.java(FastServer.class, small);
                ProxyProcess candidate = ProxyProcess.java(FastServer.class, small)) {
            int one = primary.address().getPort();
            int two = candidate.address().getPort();
            bench.running.put(DIRECT, primary);
            try {
                bench.running.put(
                        WEIR,
                        ProxyProcess.java(WeirProxy.class, options, Integer.toString(one), Integer.toString(two)));
                bench.add(ENVOY, () -> OtherProxies.envoy(folder, one, two));
                bench.add("nginx", () -> OtherProxies.nginx(folder, one, two));
                return bench.measure() ? 0 : 1;
            } finally {
                bench.running.values().forEach(ProxyProcess::close);
            }
        }
    }

    private interface Start {
        ProxyProcess start() throws Absent, IOException, InterruptedException;
    }

    private void add(String name, Start start) throws IOException, InterruptedException {
        try {
            running.put(name, start.start());
        } catch (Absent reason) {
            absent.put(name, String.valueOf(reason.getMessage()));
        }
    }

    private boolean measure() throws IOException {
        for (int connections : CONNECTIONS) {
            for (Map.Entry<String, ProxyProcess> proxy : running.entrySet()) {
                load(proxy.getValue(), connections, plan.warmUp());
            }
        }
        for (int round = 0; round < plan.rounds(); round++) {
            for (int connections : CONNECTIONS) {
                for (Map.Entry<String, ProxyProcess> proxy : running.entrySet()) {
                    outcomes.computeIfAbsent(proxy.getKey() + " " + connections, _ -> new ArrayList<>())
                            .add(load(proxy.getValue(), connections, plan.length()));
                }
            }
        }
        return print();
    }

    private static ClosedLoop.Outcome load(ProxyProcess proxy, int connections, Duration length) throws IOException {
        try (ClosedLoop loop = new ClosedLoop(proxy.address(), connections, REQUEST)) {
            return loop.run(length);
        }
    }

    private boolean print() throws IOException {
        out.printf(
                "GET with 91 bytes of answer, keep-alive, closed loop, one load generator for all; a header match, 90 : 10"
                        + " weights, an added header, metrics on%n%d rounds of %.1f s each, in turns; %d processors shared"
                        + " by generator, proxy and server%n",
                plan.rounds(),
                plan.length().toMillis() / 1000.0,
                Runtime.getRuntime().availableProcessors());
        out.printf(
                "%-7s %11s %11s %9s %9s %9s %10s %9s %10s%n",
                "proxy",
                "connections",
                "requests/s",
                "p50 ms",
                "p99 ms",
                "p99.9 ms",
                "added p50",
                "memory",
                "to envoy");
        int failed = 0;
        for (int connections : CONNECTIONS) {
            for (Map.Entry<String, ProxyProcess> proxy : running.entrySet()) {
                failed += row(proxy.getKey(), connections, proxy.getValue().memory());
            }
        }
        absent.forEach((name, reason) -> out.printf("%-7s absent: %s%n", name, reason));
        out.printf(
                "requests/s: median of the rounds; p50, p99, p99.9: of all requests; added p50: to that of the server"
                        + " called directly;%nmemory: resident MiB after the run; to envoy: ratio of requests/s, median of"
                        + " the rounds, and of p99%nfailed requests: %d%n",
                failed);
        return failed == 0;
    }

    private int row(String name, int connections, OptionalLong memory) {
        List<ClosedLoop.Outcome> own = outcomes.getOrDefault(name + " " + connections, List.of());
        ClosedLoop.Outcome all = ClosedLoop.Outcome.of(own);
        ClosedLoop.Outcome direct = ClosedLoop.Outcome.of(outcomes.getOrDefault(DIRECT + " " + connections, List.of()));
        List<ClosedLoop.Outcome> envoy = outcomes.getOrDefault(ENVOY + " " + connections, List.of());
        String ratio = "";
        if (!envoy.isEmpty() && !name.equals(DIRECT)) {
            double[] ratios = new double[own.size()];
            for (int i = 0; i < ratios.length; i++) {
                ratios[i] = own.get(i).perSecond() / envoy.get(i).perSecond();
            }
            double p99 = all.millis(0.99) / ClosedLoop.Outcome.of(envoy).millis(0.99);
            ratio = "%.2f %.2f".formatted(median(ratios), p99);
        }
        out.printf(
                "%-7s %11d %11.0f %9.3f %9.3f %9.3f %10.3f %9s %10s%n",
                name,
                connections,
                median(own, ClosedLoop.Outcome::perSecond),
                all.millis(0.5),
                all.millis(0.99),
                all.millis(0.999),
                all.millis(0.5) - direct.millis(0.5),
                memory.isPresent() ? Long.toString(memory.getAsLong() / MEGABYTE) : "?",
                ratio);
        return all.failed();
    }

    private static <T> double median(List<T> values, ToDoubleFunction<T> of) {
        return median(values.stream().mapToDouble(of).toArray());
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
