package dev.weir.operator;

import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.TrafficRouters;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.api.reconciler.RetryInfo;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the loop for every release that it sees, on watch events only: nothing is asked while nothing changes.
 *
 * <p>It keeps no state of its own; it may be killed at any moment and started again.
 */
public final class Operator implements AutoCloseable {
    private static final int FIRST_RETRY_MILLIS = 100;
    private static final int LONGEST_RETRY_MILLIS = 10_000;
    private static final Duration LAST_PASSES = Duration.ofSeconds(5);
    /** Doubled up to five times: with the client's own second a watch might come back half a minute late. */
    private static final int RECONNECT_MILLIS = 100;

    private static final Logger LOGGER = LoggerFactory.getLogger(Operator.class);

    /** Of which releases own objects, besides those of the routers. */
    static final List<ObjectKind> KINDS = List.of(
            ObjectKind.DEPLOYMENT,
            ObjectKind.SERVICE,
            ObjectKind.CONFIG_MAP,
            ObjectKind.CONTROLLER_REVISION,
            ObjectKind.ENDPOINT_SLICE);

    /** A pass that takes longer hangs: every call that it makes has a timeout of seconds. */
    private static final Duration HANGS = Duration.ofMinutes(5);

    private final io.javaoperatorsdk.operator.Operator framework;
    private final OperatorMetrics metrics;
    private final Optional<Lease> lease;
    /** For the caches, which wait for an API server that is away. */
    private final KubernetesClient patient;
    /** For the loop, which tries again by itself: a pass must not wait while the client does. */
    private final KubernetesClient impatient;

    private volatile boolean started;
    private volatile boolean closing;

    /**
     * How to run it.
     *
     * @param namespace the only one to serve; null for all
     * @param election null for a process that is alone
     * @param metrics where it counts
     */
    public record Options(
            @Nullable String namespace, @Nullable Election election, OperatorMetrics metrics) {
        /** Alone, and for one namespace, or for all if it is null. */
        public Options(@Nullable String namespace) {
            this(namespace, null, new OperatorMetrics());
        }

        public static Options allNamespaces() {
            return new Options(null);
        }

        public Options withElection(Election elected) {
            return new Options(namespace, elected, metrics);
        }

        public Options withMetrics(OperatorMetrics counted) {
            return new Options(namespace, election, counted);
        }
    }

    /**
     * How several processes agree on the one that acts: it holds a Lease and renews it, the others keep their caches
     * full and wait.
     *
     * @param identity of this process; no two may have the same
     * @param term how long a lease holds that nobody renews; a process that was killed is followed after it
     * @param lost what to do when the lease went to another process, or could not be renewed in time
     */
    public record Election(String namespace, String lease, String identity, Duration term, Runnable lost) {
        /** As long as the control plane's own. */
        public static final Duration TERM = Duration.ofSeconds(15);

        // its builder has no way to keep the framework from ending the whole process, also when it is asked to stop
        @SuppressWarnings("deprecation")
        private LeaderElectionConfiguration configuration(LeaderCallbacks callbacks) {
            // two thirds of the term to renew, and several tries within
            return new LeaderElectionConfiguration(
                    lease,
                    namespace,
                    term,
                    term.multipliedBy(2).dividedBy(3),
                    term.dividedBy(7),
                    identity,
                    callbacks,
                    false);
        }
    }

    private Operator(KubernetesClient client, Options options) {
        Clock clock = Clock.systemUTC();
        metrics = options.metrics();
        TrafficRouters routers = TrafficRouters.load();
        patient = like(client, metrics, config -> config);
        List<ObjectSource> sources = Stream.concat(KINDS.stream(), routers.kinds().stream())
                .map(kind -> new ObjectSource(patient, kind, options.namespace()))
                .toList();
        impatient = like(client, metrics, config -> config.withRequestRetryBackoffLimit(0));
        World world = new RecordedWorld(new KubernetesWorld(impatient, sources, clock), metrics);
        ReleaseReconciler reconciler = new ReleaseReconciler(new ReleaseLoop(world, routers, clock), sources, clock);
        metrics.registry().register(new ReleaseSeries(reconciler::releases, world::owned, routers));
        Election election = options.election();
        metrics.leads(() -> election == null);
        lease = Optional.ofNullable(election).map(elected -> Lease.of(client, elected, metrics));
        framework = new io.javaoperatorsdk.operator.Operator(overrider -> {
            overrider
                    .withKubernetesClient(lease.map(Lease::client).orElse(patient))
                    .withCloseClientOnStop(false)
                    // a server that just starts, or just got the kind, refuses for a moment: the cache asks again
                    .withStopOnInformerErrorDuringStartup(false)
                    .withExecutorService(Executors.newVirtualThreadPerTaskExecutor())
                    .withMetrics(new Passes(metrics, clock))
                    .withReconciliationTerminationTimeout(LAST_PASSES);
            if (election != null) {
                overrider.withLeaderElectionConfiguration(election.configuration(callbacks(election)));
            }
        });
        register(reconciler, options);
    }

    /** Asks as this client does but for the change, with watches that come back soon, and counts. */
    private static KubernetesClient like(
            KubernetesClient client, OperatorMetrics metrics, UnaryOperator<ConfigBuilder> change) {
        ConfigBuilder config =
                new ConfigBuilder(client.getConfiguration()).withWatchReconnectInterval(RECONNECT_MILLIS);
        return new KubernetesClientBuilder()
                .withConfig(change.apply(config).build())
                .withHttpClientBuilderConsumer(metrics::countRequests)
                .build();
    }

    private void register(ReleaseReconciler reconciler, Options options) {
        framework.register(reconciler, overrider -> {
            // the loop must see every write, its own to the status too: a conflict ends a pass, and only an event
            // begins the next one
            overrider
                    .withGenerationAware(false)
                    // also of the end of a release, so that nothing of it is remembered
                    .withTriggerReconcilerOnAllEvents(true)
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

    private LeaderCallbacks callbacks(Election election) {
        return new LeaderCallbacks(
                () -> metrics.leads(() -> true),
                () -> {
                    metrics.leads(() -> false);
                    if (!closing) {
                        LOGGER.atError()
                                .addKeyValue("lease", election.lease())
                                .log("lost the lease {}; another process decides now", election.lease());
                        election.lost().run();
                    }
                },
                leader -> LOGGER.atInfo()
                        .addKeyValue("lease", election.lease())
                        .addKeyValue("leader", leader)
                        .log("{} holds the lease {}", leader, election.lease()));
    }

    /**
     * The client that the framework renews the lease with, and the lease's return. A client that goes on trying for a
     * while, as others do, would let this process act beyond its term.
     */
    private record Lease(KubernetesClient client, Election election) implements AutoCloseable {
        private static final int TRIES_IN_TERM = 3;

        static Lease of(KubernetesClient client, Election election, OperatorMetrics metrics) {
            return new Lease(
                    like(
                            client,
                            metrics,
                            config -> config.withRequestRetryBackoffLimit(0)
                                    .withRequestTimeout((int) election.term().toMillis() / TRIES_IN_TERM)),
                    election);
        }

        /** Gives it back if it is held, so that nobody waits for its end. */
        @Override
        public void close() {
            try (client) {
                var leases = client.leases().inNamespace(election.namespace());
                var held = leases.withName(election.lease()).get();
                if (held != null && election.identity().equals(held.getSpec().getHolderIdentity())) {
                    held.getSpec().setHolderIdentity("");
                    leases.resource(held).update();
                }
            } catch (KubernetesClientException unreachable) {
                LOGGER.atWarn().log("the lease was not given back: {}", unreachable.getMessage());
            }
        }
    }

    /** Tells the framework's passes to the metrics. */
    private record Passes(OperatorMetrics metrics, Clock clock) implements Metrics {
        @Override
        public void reconciliationSubmitted(
                HasMetadata release, @Nullable RetryInfo retry, Map<String, Object> metadata) {
            metrics.queued(ResourceID.fromResource(release).toString(), clock.instant());
        }

        @Override
        public <T> T timeControllerExecution(ControllerExecution<T> pass) throws Exception {
            String release = pass.resourceID().toString();
            metrics.started(release, clock.instant());
            long start = System.nanoTime();
            boolean succeeded = false;
            try {
                T result = pass.execute();
                succeeded = true;
                return result;
            } finally {
                metrics.finished(release);
                metrics.passed(succeeded, System.nanoTime() - start);
            }
        }
    }

    /**
     * Starts and returns when the caches are complete, so that nothing is decided on half a view.
     *
     * @param client says where the API server is; the operator asks with clients of its own
     * @throws KubernetesClientException if the server does not know releases, or does not let them be read
     */
    public static Operator start(KubernetesClient client, Options options) {
        Operator operator = new Operator(client, options);
        try {
            operator.mustReadReleases(options.namespace());
            operator.framework.start();
        } catch (RuntimeException failure) {
            operator.close();
            throw failure;
        }
        operator.keepTimerThread();
        operator.started = true;
        return operator;
    }

    /** Without the kind, or the right to read it, waiting would not help. */
    private void mustReadReleases(@Nullable String namespace) {
        var releases = patient.resources(ReleaseResource.class);
        ListOptions one = new ListOptionsBuilder().withLimit(1L).build();
        if (namespace == null) {
            releases.inAnyNamespace().list(one);
        } else {
            releases.inNamespace(namespace).list(one);
        }
    }

    /** The framework's timer has no thread of its own: while anything waits, it would wake a hundred times a second. */
    private void keepTimerThread() {
        if (framework.getConfigurationService().getExecutorServiceManager().scheduledExecutorService()
                instanceof ScheduledThreadPoolExecutor timer) {
            timer.setCorePoolSize(1);
        }
    }

    /** Why it cannot do its work now; empty while its caches are complete, also while another process leads. */
    public Optional<String> unready() {
        return started && !closing ? Optional.empty() : Optional.of("the caches are not complete");
    }

    /** Why it should be started anew; empty while its passes end. */
    public Optional<String> stuck() {
        Duration longest = metrics.longestPass(Instant.now());
        return longest.compareTo(HANGS) < 0
                ? Optional.empty()
                : Optional.of("a pass has been running for " + longest.toSeconds() + " s");
    }

    /** Finishes the passes under way, for some seconds at most, and then lets another process lead. */
    @Override
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        framework.stop();
        impatient.close();
        lease.ifPresent(Lease::close);
        patient.close();
    }
}
