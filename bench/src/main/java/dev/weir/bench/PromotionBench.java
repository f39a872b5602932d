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
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * What promoting a candidate costs the API server and takes the operator, for one release and for many at once.
 *
 * <p>A promotion begins with a release whose primary serves alone. A candidate with half of the requests is added; once it
 * serves, it becomes the primary and the old one goes.
 */
public final class PromotionBench {
    private static final int AT_A_TIME = 8;
    private static final String NAMESPACE = "weir-bench";
    /** For one release; the controllers of a cluster ask for about twenty things a second, so many take longer. */
    private static final long WAIT_SECONDS = 120;

    private static final long SECONDS_PER_RELEASE = 3;
    /** Seldom, for a list of every release costs the API server more than a promotion. */
    private static final int POLL_MILLIS = 250;

    private static final int TELL_SECONDS = 15;
    /** Of one request: what is measured here keeps machines busy. */
    private static final int PATIENCE_MILLIS = 60_000;
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
    private final Output output;
    private final int count;

    /** By version: when its first endpoint was seen to be ready, and when a route was seen to send it requests. */
    private final Map<String, Long> ready = new ConcurrentHashMap<>();

    private final Map<String, Long> routed = new ConcurrentHashMap<>();

    private PromotionBench(KubernetesClient client, OperatorProcess operator, Output output, int count) {
        this.client = client;
        this.operator = operator;
        this.output = output;
        this.count = count;
    }

    /**
     * Where to say what.
     *
     * @param table the result
     * @param progress a line for each step, since many releases take minutes
     */
    public record Output(PrintStream table, PrintStream progress) {}

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
     * @param weir the command line of this build's operator, without arguments
     * @return 0; 1 if the releases do not get where they should in two minutes and three seconds for each, or the
     *     operator cannot be asked, and the last line of the progress says why
     * @throws IOException if local mode or the operator cannot start
     */
    public static int run(Output output, List<String> weir, Path folder, Plan plan)
            throws IOException, InterruptedException {
        if (plan.kubeconfig().isPresent()) {
            return on(output, weir, folder, plan, plan.kubeconfig().get());
        }
        try (LocalMode local =
                LocalMode.start(LocalOptions.in(folder.resolve("local")).withOperatorInside(false))) {
            return on(output, weir, folder, plan, local.kubeconfig());
        }
    }

    private static int on(Output output, List<String> weir, Path folder, Plan plan, Path kubeconfig)
            throws IOException, InterruptedException {
        PrintStream out = output.table();
        Config config = Config.fromKubeconfig(Files.readString(kubeconfig));
        config.setRequestTimeout(PATIENCE_MILLIS);
        try (KubernetesClient client =
                new KubernetesClientBuilder().withConfig(config).build()) {
            install(client);
            out.printf("Kubernetes %s%n", client.getKubernetesVersion().getGitVersion());
            out.printf(
                    "%-9s %-22s %-34s %-30s %s%n",
                    "releases", "requests per promotion", "of them", "ready to route ms, p50 max", "operator, MiB");
            try {
                for (int count : plan.releases()) {
                    // anew for each line, so that it does not remember the one before
                    try (OperatorProcess operator =
                            OperatorProcess.start(weir, kubeconfig, NAMESPACE, folder.resolve("operator.log"))) {
                        new PromotionBench(client, operator, output, count).measure(plan.rounds());
                    }
                }
            } catch (TimeoutException late) {
                output.progress().println("gave up: " + late.getMessage());
                return 1;
            } catch (KubernetesClientException failure) {
                // of requests that are made at once, what failed is the cause
                Throwable told = failure.getCause() == null ? failure : failure.getCause();
                output.progress().println("gave up: " + told);
                return 1;
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
        // of a run before this one, which may still be on its way out
        client.namespaces()
                .withName(NAMESPACE)
                .waitUntilCondition(
                        old -> old == null || old.getMetadata().getDeletionTimestamp() == null,
                        WAIT_SECONDS,
                        TimeUnit.SECONDS);
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .endMetadata()
                        .build())
                .patch(APPLY);
    }

    /** Of another line of the table no release has the name, however late its objects go. */
    private String name(int release) {
        return "p" + count + "x" + release;
    }

    private static String versions(String release, int primary, boolean candidate) {
        return "[{name: " + release + "-" + primary + ", image: kennethreitz/httpbin}"
                + (candidate
                        ? ", {name: " + release + "-" + (primary + 1) + ", image: kennethreitz/httpbin, share: 50}"
                        : "")
                + "]";
    }

    /** Some at a time, on threads of their own: the HTTP client needs those of the common pool. */
    private void apply(int primary, boolean candidate) throws InterruptedException {
        try (ExecutorService threads =
                Executors.newFixedThreadPool(AT_A_TIME, Thread.ofVirtual().factory())) {
            List<Callable<Object>> requests = IntStream.range(0, count)
                    .mapToObj(this::name)
                    .map(name -> Executors.callable(() -> apply(name, primary, candidate)))
                    .toList();
            for (Future<Object> request : threads.invokeAll(requests)) {
                request.get();
            }
        } catch (ExecutionException failed) {
            throw new IllegalStateException("a release was not applied: " + failed.getCause(), failed);
        }
    }

    private void apply(String name, int primary, boolean candidate) {
        client.resource(Serialization.unmarshal(
                        "apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: " + name + ", namespace: "
                                + NAMESPACE + "}\nspec: {strategy: BlueGreen, service: {name: " + name
                                + ", port: 80}, versions: " + versions(name, primary, candidate) + "}\n",
                        GenericKubernetesResource.class))
                .patch(APPLY);
    }

    private void measure(int rounds) throws IOException, InterruptedException, TimeoutException {
        apply(0, false);
        settle("first versions", 0, false);
        double[] requests = new double[rounds];
        List<Double> millis = new ArrayList<>();
        Map<String, Long> verbs = new TreeMap<>();
        try (var _ = follow(EndpointSlice.class, this::seeReady);
                var _ = followRoutes()) {
            for (int round = 0; round < rounds; round++) {
                String title = "round " + (round + 1) + " of " + rounds + ", ";
                Map<String, Long> before = quiet();
                apply(round, true);
                settle(title + "candidates", round, true);
                apply(round + 1, false);
                settle(title + "promotions", round + 1, false);
                Map<String, Long> after = quiet();
                after.forEach((verb, number) -> verbs.merge(verb, number - before.getOrDefault(verb, 0L), Long::sum));
                requests[round] = (sum(after) - sum(before)) / (double) count;
                millis.addAll(lags(round + 1));
            }
        }
        OptionalLong memory = operator.memory();
        double[] lags =
                millis.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        output.table()
                .printf(
                        "%-9d %-22.1f %-34s %-30s %s%n",
                        count,
                        median(requests),
                        shares(verbs, count * rounds),
                        String.format(Locale.ROOT, "%.0f %.0f", median(lags), lags[lags.length - 1]),
                        memory.isPresent() ? Long.toString(memory.getAsLong() / MEGA) : "-");
        remove();
    }

    /** Removes this line's releases, and waits until their pods are gone, so that the next line is measured alone. */
    private void remove() throws InterruptedException, TimeoutException {
        client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace(NAMESPACE)
                .delete();
        long begin = System.nanoTime();
        for (int left = pods(); left > 0; left = pods()) {
            if (seconds(begin) > limit()) {
                throw new TimeoutException(left + " pods are left " + limit() + " s after their releases were deleted");
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        output.progress().printf("%d: removed after %d s%n", count, seconds(begin));
    }

    private int pods() {
        return client.pods().inNamespace(NAMESPACE).list().getItems().size();
    }

    private long limit() {
        return WAIT_SECONDS + SECONDS_PER_RELEASE * count;
    }

    private static long seconds(long since) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - since);
    }

    private static long sum(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String shares(Map<String, Long> verbs, int promotions) {
        StringBuilder text = new StringBuilder();
        verbs.forEach((verb, count) -> {
            if (count > 0) {
                text.append(text.isEmpty() ? "" : ", ").append(verb).append(' ');
                text.append(String.format(Locale.ROOT, "%.1f", count / (double) promotions));
            }
        });
        return text.toString();
    }

    /**
     * From the candidate's first ready endpoint to the route that sends requests there, as a client sees both.
     *
     * @throws TimeoutException if one of them was never seen: a median of the others would be of the quick ones
     */
    private List<Double> lags(int version) throws TimeoutException {
        List<Double> lags = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String candidate = name(i) + "-" + version;
            Long served = ready.get(candidate);
            Long sent = routed.get(candidate);
            if (served == null || sent == null) {
                throw new TimeoutException("no watch told when " + candidate + " was ready and routed to; try again");
            }
            lags.add((sent - served) / NANOS_PER_MILLI);
        }
        return lags;
    }

    private void seeReady(EndpointSlice slice, long now) {
        String service = slice.getMetadata().getLabels().get("kubernetes.io/service-name");
        // a slice without endpoints comes without the field
        if (service != null
                && slice.getEndpoints() != null
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

    /** Lists first: a server whose etcd does not tell its progress refuses a watch that names no revision. */
    private <T extends HasMetadata> SharedIndexInformer<T> follow(Class<T> kind, BiConsumer<T, Long> see) {
        return client.resources(kind).inNamespace(NAMESPACE).inform(handler(see));
    }

    private SharedIndexInformer<GenericKubernetesResource> followRoutes() {
        return client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(NAMESPACE)
                .inform(handler(this::seeRoute));
    }

    private static <T> ResourceEventHandler<T> handler(BiConsumer<T, Long> see) {
        return new ResourceEventHandler<>() {
            @Override
            public void onAdd(T object) {
                see.accept(object, System.nanoTime());
            }

            @Override
            public void onUpdate(T old, T object) {
                see.accept(object, System.nanoTime());
            }

            @Override
            public void onDelete(T object, boolean unknownFinalState) {
                // when it came is what counts
            }
        };
    }

    /** Waits until every release is ready with these versions. */
    private void settle(String step, int primary, boolean candidate)
            throws IOException, InterruptedException, TimeoutException {
        long begin = System.nanoTime();
        long told = 0;
        for (List<GenericKubernetesResource> open = open(primary, candidate);
                !open.isEmpty();
                open = open(primary, candidate)) {
            operator.check();
            long passed = seconds(begin);
            if (passed > limit()) {
                throw new TimeoutException(open.size() + " of " + count + " releases are not ready after " + passed
                        + " s, one of them " + open.getFirst().getMetadata().getName() + ": "
                        + open.getFirst().getAdditionalProperties().get("status"));
            }
            if (passed >= told + TELL_SECONDS) {
                told = passed;
                output.progress().printf("%d: %s: %d to go after %d s%n", count, step, open.size(), passed);
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        output.progress().printf("%d: %s: ready after %d s%n", count, step, seconds(begin));
    }

    private List<GenericKubernetesResource> open(int primary, boolean candidate) {
        return client
                .genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace(NAMESPACE)
                .list()
                .getItems()
                .stream()
                .filter(release -> !isReady(release, primary, candidate))
                .toList();
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
    private Map<String, Long> quiet() throws IOException, InterruptedException, TimeoutException {
        long begin = System.nanoTime();
        Map<String, Long> last = operator.requests();
        long since = System.nanoTime();
        while (System.nanoTime() - since < TimeUnit.MILLISECONDS.toNanos(QUIET_MILLIS)) {
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            Map<String, Long> now = operator.requests();
            if (!now.equals(last)) {
                last = now;
                since = System.nanoTime();
            }
            if (seconds(begin) > limit()) {
                throw new TimeoutException("the operator still asks for something after " + limit() + " s: " + now);
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
