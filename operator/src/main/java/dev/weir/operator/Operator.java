package dev.weir.operator;

import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.TrafficRouters;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs the loop for every release that it sees, on watch events only: nothing is asked while nothing changes.
 *
 * <p>It keeps no state of its own; it may be killed at any moment and started again.
 */
public final class Operator implements AutoCloseable {
    private static final int FIRST_RETRY_MILLIS = 100;
    private static final int LONGEST_RETRY_MILLIS = 10_000;
    private static final Duration LAST_PASSES = Duration.ofSeconds(5);

    /** Of which releases own objects, besides those of the routers. */
    static final List<ObjectKind> KINDS = List.of(
            ObjectKind.DEPLOYMENT,
            ObjectKind.SERVICE,
            ObjectKind.CONFIG_MAP,
            ObjectKind.CONTROLLER_REVISION,
            ObjectKind.ENDPOINT_SLICE);

    private final io.javaoperatorsdk.operator.Operator framework;

    /** @param namespace the only one to serve; null for all */
    public record Options(@Nullable String namespace) {
        public static Options allNamespaces() {
            return new Options(null);
        }
    }

    private Operator(KubernetesClient client, Options options) {
        Clock clock = Clock.systemUTC();
        TrafficRouters routers = TrafficRouters.load();
        List<ObjectSource> sources = Stream.concat(KINDS.stream(), routers.kinds().stream())
                .map(kind -> new ObjectSource(client, kind, options.namespace()))
                .toList();
        World world = new KubernetesWorld(client, sources, clock);
        ReleaseReconciler reconciler = new ReleaseReconciler(new ReleaseLoop(world, routers, clock), sources, clock);
        framework = new io.javaoperatorsdk.operator.Operator(overrider -> overrider
                .withKubernetesClient(client)
                .withCloseClientOnStop(false)
                .withExecutorService(Executors.newVirtualThreadPerTaskExecutor())
                .withReconciliationTerminationTimeout(LAST_PASSES));
        framework.register(reconciler, overrider -> {
            // the loop must see every write, its own to the status too: a conflict ends a pass, and only an event
            // begins the next one
            overrider
                    .withGenerationAware(false)
                    .withRetry(new GenericRetry()
                            .setInitialInterval(FIRST_RETRY_MILLIS)
                            .setIntervalMultiplier(2)
                            .setMaxInterval(LONGEST_RETRY_MILLIS)
                            .setMaxAttempts(Integer.MAX_VALUE));
            if (options.namespace() == null) {
                overrider.watchingAllNamespaces();
            } else {
                overrider.settingNamespace(options.namespace());
            }
        });
    }

    /** Starts and returns when the caches are complete, so that nothing is decided on half a view. */
    public static Operator start(KubernetesClient client, Options options) {
        Operator operator = new Operator(client, options);
        operator.framework.start();
        operator.keepTimerThread();
        return operator;
    }

    /** The framework's timer has no thread of its own: while anything waits, it would wake a hundred times a second. */
    private void keepTimerThread() {
        if (framework.getConfigurationService().getExecutorServiceManager().scheduledExecutorService()
                instanceof ScheduledThreadPoolExecutor timer) {
            timer.setCorePoolSize(1);
        }
    }

    @Override
    public void close() {
        framework.stop();
    }
}
