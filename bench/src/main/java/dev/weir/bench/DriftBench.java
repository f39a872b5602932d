package dev.weir.bench;

import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** How long a VirtualService that somebody edited or deleted stays wrong, against a plain write seen by a watch. */
public final class DriftBench {
    private static final String NAMESPACE = "default";
    private static final long WAIT_SECONDS = 30;
    private static final int WARM_UP = 5;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);
    private static final String RELEASE = """
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: httpbin}
            spec:
              strategy: Mirror
              versions:
              - {name: httpbin-0, image: kennethreitz/httpbin}
            """;

    private final KubernetesClient client;

    private DriftBench(KubernetesClient client) {
        this.client = client;
    }

    /**
     * Starts local mode in a folder, repeats edit, deletion and the plain write, prints a table in milliseconds.
     *
     * @param repeats of each kind, after a few that are not counted; at least 1
     * @return 0
     * @throws IOException if local mode cannot start
     * @throws IllegalStateException if something was not restored within 30 seconds
     */
    public static int run(PrintStream out, Path folder, int repeats) throws IOException, InterruptedException {
        try (LocalMode local = LocalMode.start(LocalOptions.in(folder));
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                        .build()) {
            new DriftBench(client).measure(out, repeats);
        }
        return 0;
    }

    private Resource<GenericKubernetesResource> route() {
        return client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(NAMESPACE)
                .withName("httpbin");
    }

    private void measure(PrintStream out, int repeats) throws InterruptedException {
        client.resource(Serialization.unmarshal(RELEASE, GenericKubernetesResource.class))
                .inNamespace(NAMESPACE)
                .create();
        route().waitUntilCondition(found -> found != null, WAIT_SECONDS, TimeUnit.SECONDS);
        Resource<ConfigMap> plain = client.configMaps().inNamespace(NAMESPACE).withName("drift-bench");
        client.resource(new ConfigMapBuilder()
                        .withNewMetadata()
                        .withName("drift-bench")
                        .withNamespace(NAMESPACE)
                        .endMetadata()
                        .build())
                .create();
        double[] write = new double[repeats];
        double[] edit = new double[repeats];
        double[] delete = new double[repeats];
        for (int i = -WARM_UP; i < repeats; i++) {
            String value = "v" + i;
            double written = time(
                    plain,
                    () -> plain.patch(MERGE, "{\"data\":{\"value\":\"" + value + "\"}}"),
                    seen -> value.equals(Map.copyOf(seen.object().getData()).get("value")));
            String uid = route().require().getMetadata().getUid();
            double edited = time(
                    route(),
                    () -> route().patch(MERGE, "{\"spec\":{\"hosts\":[\"drift.example\"]}}"),
                    restored(seen -> seen.toString().contains("drift.example"), this::whole));
            double deleted = time(
                    route(),
                    () -> route().delete(),
                    seen -> seen.action() == Watcher.Action.ADDED
                            && !uid.equals(seen.object().getMetadata().getUid())
                            && whole(seen.object()));
            if (i >= 0) {
                write[i] = written;
                edit[i] = edited;
                delete[i] = deleted;
            }
        }
        double unit = median(write);
        out.printf("%-28s %8s %8s %8s %8s%n", "milliseconds, " + repeats + " times", "min", "median", "p99", "ratio");
        row(out, "plain write until seen", write, unit);
        row(out, "edit until restored", edit, unit);
        row(out, "deletion until restored", delete, unit);
    }

    private boolean whole(GenericKubernetesResource route) {
        return route.get("spec", "hosts") instanceof List<?> hosts && hosts.contains("httpbin." + NAMESPACE);
    }

    private static Predicate<Seen<GenericKubernetesResource>> restored(
            Predicate<GenericKubernetesResource> wrong, Predicate<GenericKubernetesResource> right) {
        boolean[] drifted = {false};
        return seen -> {
            drifted[0] |= wrong.test(seen.object());
            return drifted[0] && right.test(seen.object());
        };
    }

    private record Seen<T>(Watcher.Action action, T object) {}

    /** Milliseconds from before the change until a watch that was open before shows what is awaited. */
    private static <T extends HasMetadata> double time(Resource<T> resource, Runnable change, Predicate<Seen<T>> done)
            throws InterruptedException {
        BlockingQueue<Seen<T>> events = new LinkedBlockingQueue<>();
        try (Watch _ = resource.watch(new Watcher<>() {
            @Override
            public void eventReceived(Action action, T object) {
                events.add(new Seen<>(action, object));
            }

            @Override
            public void onClose(WatcherException cause) {
                // the wait below ends by its own limit
            }
        })) {
            long start = System.nanoTime();
            long end = start + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
            change.run();
            while (true) {
                Seen<T> seen = events.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (seen == null) {
                    throw new IllegalStateException("not restored within " + WAIT_SECONDS + " s");
                }
                if (done.test(seen)) {
                    return (System.nanoTime() - start) / NANOS_PER_MILLI;
                }
            }
        }
    }

    private static double median(double[] values) {
        return quantile(values, 0.5);
    }

    private static double quantile(double[] values, double part) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1L, Math.round(part * (sorted.length - 1)))];
    }

    private static void row(PrintStream out, String name, double[] values, double unit) {
        out.printf(
                "%-28s %8.2f %8.2f %8.2f %8.2f%n",
                name, quantile(values, 0), median(values), quantile(values, 0.99), median(values) / unit);
    }
}
