package dev.weir.bench;

import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * What promoting a candidate costs the API server and takes the operator, for one release and for many at once.
 *
 * <p>A promotion begins with a release whose primary serves alone. A candidate with half of the requests is added; once it
 * serves, it becomes the primary and the old one goes.
 */
public final class PromotionBench {
    private static final String NAMESPACE = "weir-bench";
    private static final long WAIT_SECONDS = 240;
    private static final int POLL_MILLIS = 50;
    /** So long without a request of the operator, it is done. */
    private static final int QUIET_MILLIS = 4000;

    private static final double NANOS_PER_MILLI = 1e6;
    private static final int MEGA = 1 << 20;
    private static final PatchContext APPLY = new PatchContext.Builder()
            .withPatchType(PatchType.SERVER_SIDE_APPLY)
            .withFieldManager("weir-bench")
            .withForce(true)
            .build();

    private final KubernetesClient client;
    private final OperatorProcess operator;
    private final PrintStream out;

    /** By version: when its first endpoint was seen to be ready, and when a route was seen to send it requests. */
    private final Map<String, Long> ready = new ConcurrentHashMap<>();

    private final Map<String, Long> routed = new ConcurrentHashMap<>();

    private PromotionBench(KubernetesClient client, OperatorProcess operator, PrintStream out) {
        this.client = client;
        this.operator = operator;
        this.out = out;
    }

    /**
     * How to run.
     *
     * @param releases how many are promoted at once, one line of the table each
     * @param rounds of each; the table has their medians
     * @param kubeconfig of the API server to use; empty for a local mode of its own
     */
    public record Plan(List<Integer> releases, int rounds, Optional<Path> kubeconfig) {}

    /**
     * Runs the plan and prints one table. Everything is made in a namespace of its own, which is deleted in the end.
     *
     * @param weir the command line of this build, without arguments
     * @return 0
     * @throws IOException if local mode or the operator cannot start
     * @throws IllegalStateException if a promotion is not over within four minutes
     */
    public static int run(PrintStream out, List<String> weir, Path folder, Plan plan)
            throws IOException, InterruptedException {
        if (plan.kubeconfig().isPresent()) {
            return on(out, weir, folder, plan, plan.kubeconfig().get());
        }
        try (LocalMode local =
                LocalMode.start(LocalOptions.in(folder.resolve("local")).withOperatorInside(false))) {
            return on(out, weir, folder, plan, local.kubeconfig());
        }
    }

    private static int on(PrintStream out, List<String> weir, Path folder, Plan plan, Path kubeconfig)
            throws IOException, InterruptedException {
        try (KubernetesClient client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(kubeconfig)))
                .build()) {
            install(client);
            out.printf("Kubernetes %s%n", client.getKubernetesVersion().getGitVersion());
            out.printf(
                    "%-9s %-22s %-34s %-30s %s%n",
                    "releases", "requests per promotion", "of them", "candidate ready to route, ms", "operator, MiB");
            try {
                for (int count : plan.releases()) {
                    // anew for each line, so that it does not remember the one before
                    try (OperatorProcess operator =
                            OperatorProcess.start(weir, kubeconfig, NAMESPACE, folder.resolve("operator.log"))) {
                        new PromotionBench(client, operator, out).measure(count, plan.rounds());
                    }
                }
            } finally {
                client.namespaces().withName(NAMESPACE).delete();
            }
        }
        return 0;
    }

    /** The definition of Release, where it is missing, and the namespace. */
    private static void install(KubernetesClient client) throws IOException {
        try (InputStream in = Objects.requireNonNull(
                PromotionBench.class.getResourceAsStream("/crds/weir.dev_releases.yaml"),
                "the definition of Release")) {
            for (HasMetadata definition : client.load(in).items()) {
                if (client.resource(definition).get() == null) {
                    client.resource(definition).create();
                }
                client.resource(definition)
                        .waitUntilCondition(
                                found -> found != null
                                        && Serialization.asJson(found).contains("\"Established\""),
                                WAIT_SECONDS,
                                TimeUnit.SECONDS);
            }
        }
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .endMetadata()
                        .build())
                .patch(APPLY);
    }

    private static String versions(String release, int primary, boolean candidate) {
        return "[{name: " + release + "-" + primary + ", image: kennethreitz/httpbin}"
                + (candidate
                        ? ", {name: " + release + "-" + (primary + 1) + ", image: kennethreitz/httpbin, share: 50}"
                        : "")
                + "]";
    }

    private void apply(int count, int primary, boolean candidate) {
        IntStream.range(0, count).parallel().forEach(i -> {
            String name = "p" + i;
            client.resource(Serialization.unmarshal(
                            "apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: " + name + ", namespace: "
                                    + NAMESPACE + "}\nspec: {strategy: BlueGreen, service: {name: " + name
                                    + ", port: 80}, versions: " + versions(name, primary, candidate) + "}\n",
                            GenericKubernetesResource.class))
                    .patch(APPLY);
        });
    }

    private void measure(int count, int rounds) throws IOException, InterruptedException {
        apply(count, 0, false);
        settle(count, 0, false);
        double[] requests = new double[rounds];
        double[] millis = new double[rounds];
        Map<String, Long> verbs = new TreeMap<>();
        try (Watch _ = follow(EndpointSlice.class, this::seeReady);
                Watch _ = followRoutes()) {
            for (int round = 0; round < rounds; round++) {
                Map<String, Long> before = quiet();
                apply(count, round, true);
                settle(count, round, true);
                apply(count, round + 1, false);
                settle(count, round + 1, false);
                Map<String, Long> after = quiet();
                after.forEach((verb, number) -> verbs.merge(verb, number - before.getOrDefault(verb, 0L), Long::sum));
                requests[round] = (sum(after) - sum(before)) / (double) count;
                millis[round] = median(lags(count, round + 1));
            }
        }
        OptionalLong memory = operator.memory();
        out.printf(
                "%-9d %-22.1f %-34s %-30.0f %s%n",
                count,
                median(requests),
                shares(verbs, count * rounds),
                median(millis),
                memory.isPresent() ? Long.toString(memory.getAsLong() / MEGA) : "-");
        client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace(NAMESPACE)
                .delete();
        client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(NAMESPACE)
                .delete();
        client.apps().deployments().inNamespace(NAMESPACE).delete();
        client.services().inNamespace(NAMESPACE).delete();
    }

    private static long sum(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String shares(Map<String, Long> verbs, int promotions) {
        StringBuilder text = new StringBuilder();
        verbs.forEach((verb, count) -> {
            if (count > 0) {
                text.append(text.isEmpty() ? "" : ", ").append(verb).append(' ');
                text.append(String.format(java.util.Locale.ROOT, "%.1f", count / (double) promotions));
            }
        });
        return text.toString();
    }

    /** From the candidate's first ready endpoint to the route that sends requests there, as a client sees both. */
    private double[] lags(int count, int version) {
        return IntStream.range(0, count)
                .mapToObj(i -> "p" + i + "-" + version)
                .filter(name -> ready.containsKey(name) && routed.containsKey(name))
                .mapToDouble(name -> (routed.getOrDefault(name, 0L) - ready.getOrDefault(name, 0L)) / NANOS_PER_MILLI)
                .toArray();
    }

    private void seeReady(EndpointSlice slice, long now) {
        String service = slice.getMetadata().getLabels().get("kubernetes.io/service-name");
        if (service != null
                && slice.getEndpoints().stream()
                        .anyMatch(one -> one.getConditions() != null
                                && Boolean.TRUE.equals(one.getConditions().getReady()))) {
            ready.putIfAbsent(service, now);
        }
    }

    private void seeRoute(GenericKubernetesResource route, long now) {
        if (route.get("spec", "http", 0, "route") instanceof List<?> backends) {
            for (Object backend : backends) {
                if (backend instanceof Map<?, ?> one && one.get("destination") instanceof Map<?, ?> destination) {
                    String host = String.valueOf(destination.get("host")).split("\\.")[0];
                    routed.putIfAbsent(host, now);
                }
            }
        }
    }

    private <T extends HasMetadata> Watch follow(Class<T> kind, BiConsumer<T, Long> see) {
        return client.resources(kind).inNamespace(NAMESPACE).watch(watcher(see));
    }

    private Watch followRoutes() {
        return client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(NAMESPACE)
                .watch(watcher(this::seeRoute));
    }

    private static <T> Watcher<T> watcher(BiConsumer<T, Long> see) {
        return new Watcher<>() {
            @Override
            public void eventReceived(Action action, T object) {
                if (action == Action.ADDED || action == Action.MODIFIED) {
                    see.accept(object, System.nanoTime());
                }
            }

            @Override
            public void onClose(WatcherException gone) {
                // a promotion that nobody sees is missing from the medians
            }
        };
    }

    /** Waits until every release is ready with these versions. */
    private void settle(int count, int primary, boolean candidate) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        List<GenericKubernetesResource> open = List.of();
        while (System.nanoTime() < end) {
            open = client
                    .genericKubernetesResources("weir.dev/v1alpha1", "Release")
                    .inNamespace(NAMESPACE)
                    .list()
                    .getItems()
                    .stream()
                    .filter(release -> !isReady(release, primary, candidate))
                    .toList();
            if (open.isEmpty()) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        throw new IllegalStateException(open.size() + " of " + count + " releases are not ready in time, one of them: "
                + open.getFirst().getAdditionalProperties().get("status"));
    }

    private static boolean isReady(GenericKubernetesResource release, int primary, boolean candidate) {
        String name = release.getMetadata().getName();
        return release.get("status", "observedGeneration") instanceof Number observed
                && observed.longValue() == release.getMetadata().getGeneration()
                && (name + "-" + primary).equals(release.get("status", "primary"))
                && (!candidate || (name + "-" + (primary + 1)).equals(release.get("status", "candidate")))
                && release.get("status", "versions") instanceof List<?> versions
                && versions.size() == (candidate ? 2 : 1)
                && release.get("status", "conditions") instanceof List<?> conditions
                && conditions.stream()
                        .anyMatch(c -> c instanceof Map<?, ?> condition
                                && "Ready".equals(condition.get("type"))
                                && "True".equals(condition.get("status")));
    }

    /** Waits until the operator asks for nothing more; its requests so far. */
    private Map<String, Long> quiet() throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        Map<String, Long> last = operator.requests();
        long since = System.nanoTime();
        while (System.nanoTime() - since < TimeUnit.MILLISECONDS.toNanos(QUIET_MILLIS) && System.nanoTime() < end) {
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS * 4);
            Map<String, Long> now = operator.requests();
            if (!now.equals(last)) {
                last = now;
                since = System.nanoTime();
            }
        }
        return last;
    }

    /** Of nothing, not a number. */
    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length == 0 ? Double.NaN : (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
