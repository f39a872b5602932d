package dev.weir.cli;

import dev.weir.cli.cluster.Problem;
import dev.weir.cli.cluster.Target;
import dev.weir.operator.Operator;
import dev.weir.operator.OperatorEndpoint;
import dev.weir.operator.OperatorMetrics;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "operator",
        description = "Runs the operator as a process, as the controller chart does.",
        mixinStandardHelpOptions = true)
final class OperatorCommand implements Callable<Integer> {
    private static final Logger LOGGER = LoggerFactory.getLogger(OperatorCommand.class);
    private static final int STOP_SECONDS = 20;
    private static final int LOST_LEASE = 1;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--all-namespaces", description = "Serve Releases in every namespace.")
    private boolean allNamespaces;

    @Option(
            names = {"-n", "--namespace"},
            description = "The only namespace to serve; POD_NAMESPACE by default.")
    private @Nullable String namespace;

    @Option(names = "--context", paramLabel = "NAME", description = "The context of the kubeconfig to use.")
    private @Nullable String context;

    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description =
                    "The kubeconfig; what KUBECONFIG names by default, else ~/.kube/config, else what a pod is given.")
    private @Nullable Path kubeconfig;

    @Option(
            names = "--lease",
            paramLabel = "NAME",
            description = "Act only while holding this Lease of the operator's namespace, so that several replicas may"
                    + " run. Without it the process takes itself to be alone.")
    private @Nullable String lease;

    @Option(
            names = "--metrics-address",
            paramLabel = "HOST:PORT",
            description = "Serve /metrics for Prometheus there. Off by default.")
    private @Nullable String metricsAddress;

    @Option(
            names = "--health-address",
            paramLabel = "HOST:PORT",
            description = "Serve /healthz and /readyz there. Off by default.")
    private @Nullable String healthAddress;

    @Option(
            names = "--log-format",
            defaultValue = "auto",
            description = "One of: ${COMPLETION-CANDIDATES}. auto is text on a terminal, else json.")
    private LogFormat logFormat = LogFormat.auto;

    @Mixin
    private Consent consent = new Consent();

    @Override
    public Integer call() throws IOException, InterruptedException {
        logFormat.use();
        AtomicInteger exitCode = new AtomicInteger();
        OperatorMetrics metrics = new OperatorMetrics();
        Config config = Target.config(kubeconfig, context);
        // the process may end only once the passes under way have ended and the lease is given back
        try (StopSignal stop = new StopSignal(STOP_SECONDS);
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(config)
                        .withHttpClientBuilderConsumer(metrics::countRequests)
                        .build()) {
            if (System.getenv("POD_NAMESPACE") == null) {
                consent.require(client, "run an operator that changes the objects of releases");
            }
            run(client, metrics, stop, exitCode);
        } catch (RuntimeException failure) {
            throw explained(failure, Target.name(config));
        }
        return exitCode.get();
    }

    /** What the cluster said, if it was the cluster: the framework wraps that in words that say nothing. */
    private static RuntimeException explained(RuntimeException failure, String name) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof KubernetesClientException refused) {
                return new Problem(Problem.CLUSTER, "the operator does not run: " + Target.refusal(refused, name));
            }
        }
        return failure;
    }

    private void run(KubernetesClient client, OperatorMetrics metrics, StopSignal stop, AtomicInteger exitCode)
            throws IOException, InterruptedException {
        String home = System.getenv().getOrDefault("POD_NAMESPACE", "default");
        metrics.build(Build.version());
        Operator.Options options = new Operator.Options(
                        allNamespaces ? null : Optional.ofNullable(namespace).orElse(home))
                .withMetrics(metrics);
        if (lease != null) {
            options =
                    options.withElection(new Operator.Election(home, lease, identity(), Operator.Election.TERM, () -> {
                        exitCode.set(LOST_LEASE);
                        stop.ask();
                    }));
        }
        AtomicReference<@Nullable Operator> running = new AtomicReference<>();
        List<OperatorEndpoint> endpoints = endpoints(metrics, running);
        try (Operator operator = Operator.start(client, options)) {
            running.set(operator);
            LOGGER.atInfo()
                    .addKeyValue("version", Build.version())
                    .log(
                            "the operator runs for {}",
                            allNamespaces ? "all namespaces" : "namespace " + options.namespace());
            stop.await();
            LOGGER.atInfo().log("the operator stops");
        } finally {
            endpoints.forEach(OperatorEndpoint::close);
        }
    }

    /** Both may be at one address. */
    private List<OperatorEndpoint> endpoints(OperatorMetrics metrics, AtomicReference<@Nullable Operator> running)
            throws IOException {
        List<OperatorEndpoint> endpoints = new ArrayList<>();
        OperatorEndpoint shared = null;
        if (metricsAddress != null) {
            shared = OperatorEndpoint.start(address("--metrics-address", metricsAddress))
                    .metrics(metrics);
            endpoints.add(shared);
        }
        if (healthAddress != null) {
            if (shared == null || !healthAddress.equals(metricsAddress)) {
                shared = OperatorEndpoint.start(address("--health-address", healthAddress));
                endpoints.add(shared);
            }
            shared.probe("/healthz", () -> Optional.ofNullable(running.get()).flatMap(Operator::stuck))
                    .probe(
                            "/readyz",
                            () -> Optional.ofNullable(running.get())
                                    .map(Operator::unready)
                                    .orElse(Optional.of("the operator has not started")));
        }
        return endpoints;
    }

    private InetSocketAddress address(String option, String value) {
        int colon = value.lastIndexOf(':');
        String host = colon < 0 ? "" : value.substring(0, colon).replaceAll("^\\[|]$", "");
        String port = value.substring(colon + 1);
        if (host.isEmpty() || !port.matches("\\d{1,5}") || Integer.parseInt(port) > 65_535) {
            throw new CommandLine.ParameterException(
                    java.util.Objects.requireNonNull(spec).commandLine(),
                    option + ": \"" + value + "\" is not HOST:PORT");
        }
        return new InetSocketAddress(host, Integer.parseInt(port));
    }

    /** The pod's name is a good one; a process that was started by hand makes one up. */
    private static String identity() {
        String host = System.getenv().getOrDefault("HOSTNAME", "operator");
        return System.getenv("POD_NAMESPACE") == null ? host + "-" + UUID.randomUUID() : host;
    }
}
