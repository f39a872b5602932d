package dev.weir.cli.cluster;

import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Which cluster and namespace a command is about, by the options that kubectl has for it. As with kubectl they may stand
 * before the command, too; what stands after it prevails.
 */
public final class Target {
    private static final int LONGEST_CONNECT_SECONDS = 5;
    private static final int STANDARD_TIMEOUT_SECONDS = 10;

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAME",
            description = "The namespace; the context's by default.")
    private @Nullable String namespace;

    @Option(names = "--context", paramLabel = "NAME", description = "The context of the kubeconfig to use.")
    private @Nullable String context;

    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description = "The kubeconfig; what KUBECONFIG names by default, else ~/.kube/config.")
    private @Nullable Path kubeconfig;

    @Option(
            names = "--request-timeout",
            paramLabel = "SECONDS",
            description = "How long the server may take to answer. Default: " + STANDARD_TIMEOUT_SECONDS + ".")
    private @Nullable Integer timeout;

    /** Those that stand before the command. */
    private @Nullable Target before;

    /** Takes what stands before the command for what is not said after it. */
    public void after(Target other) {
        before = other;
    }

    private <T> @Nullable T said(Function<Target, @Nullable T> option) {
        T own = option.apply(this);
        return own != null || before == null ? own : option.apply(before);
    }

    private int timeout() {
        return Objects.requireNonNullElse(said(target -> target.timeout), STANDARD_TIMEOUT_SECONDS);
    }

    /** What a command asks the cluster. */
    @FunctionalInterface
    public interface Question<T> {
        T ask(Cluster cluster) throws IOException, InterruptedException;
    }

    /**
     * The cluster that the options name.
     *
     * @param namespace what to look at
     * @param name the context and the server, for messages
     */
    public record Cluster(KubernetesClient client, String namespace, String name) {}

    /**
     * Connects, asks and disconnects.
     *
     * @throws Problem if there is no such context, or the server cannot be reached or refuses
     */
    public <T> T ask(Question<T> question) throws IOException, InterruptedException {
        Config config = config();
        String name = name(config);
        try (KubernetesClient client =
                new KubernetesClientBuilder().withConfig(config).build()) {
            return question.ask(new Cluster(client, namespace(config), name));
        } catch (KubernetesClientException failure) {
            throw new Problem(Problem.CLUSTER, explain(failure, name));
        }
    }

    /** The kubeconfig's settings for the context, with short timeouts and without retries: somebody waits. */
    public Config config() {
        Path file = said(target -> target.kubeconfig);
        String context = said(target -> target.context);
        if (file != null && !Files.isReadable(file)) {
            throw new Problem(Problem.USAGE, "--kubeconfig: " + file + " cannot be read");
        }
        Config config = read(file, context);
        List<String> known = config.getContexts().stream()
                .map(NamedContext::getName)
                .sorted()
                .toList();
        if (context != null && !known.contains(context)) {
            throw new Problem(
                    Problem.USAGE,
                    "--context: \"" + context + "\" is not one of "
                            + (known.isEmpty() ? "none: there is no kubeconfig" : String.join(", ", known)));
        }
        if (config.getCurrentContext() == null && System.getenv("KUBERNETES_SERVICE_HOST") == null) {
            throw new Problem(
                    Problem.USAGE,
                    "no cluster is chosen: set KUBECONFIG, or name a file with --kubeconfig or a context with --context;"
                            + " for local mode: eval \"$(weir local env)\"");
        }
        int millis = (int) TimeUnit.SECONDS.toMillis(Math.max(1, timeout()));
        config.setRequestTimeout(millis);
        config.setConnectionTimeout(Math.min(millis, (int) TimeUnit.SECONDS.toMillis(LONGEST_CONNECT_SECONDS)));
        config.setRequestRetryBackoffLimit(0);
        return config;
    }

    private static Config read(@Nullable Path file, @Nullable String context) {
        try {
            return file == null ? Config.autoConfigure(context) : Config.fromKubeconfig(context, file.toFile());
        } catch (RuntimeException malformed) {
            // whatever the client's reader of kubeconfigs throws at a file that is none
            String where = file == null ? "the kubeconfig" : "--kubeconfig: " + file;
            String what = Objects.requireNonNullElse(malformed.getMessage(), malformed.toString());
            throw new Problem(
                    Problem.USAGE, where + " is no kubeconfig: " + what.strip().replaceAll("\\s*\\R\\s*", " "));
        }
    }

    private String namespace(Config config) {
        return Optional.ofNullable(said(target -> target.namespace))
                .or(() -> Optional.ofNullable(config.getNamespace()))
                .orElse("default");
    }

    /** The context and the server. */
    public static String name(Config config) {
        String server = config.getMasterUrl().replaceAll("/$", "");
        return config.getCurrentContext() == null
                ? "the server " + server
                : "context \"" + config.getCurrentContext().getName() + "\", server " + server;
    }

    private String explain(KubernetesClientException failure, String name) {
        if (failure.getCode() < HttpURLConnection.HTTP_OK) {
            return "cannot reach the cluster (" + name + "): " + reason(failure);
        }
        return switch (failure.getCode()) {
            case HttpURLConnection.HTTP_UNAUTHORIZED -> "the cluster does not know who asks (" + name + "): 401";
            default ->
                "the cluster refused (" + name + "): "
                        + (failure.getStatus() == null || failure.getStatus().getMessage() == null
                                ? failure.getMessage()
                                : failure.getStatus().getMessage());
        };
    }

    private String reason(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException || cause instanceof HttpTimeoutException) {
                return "no answer within " + timeout() + " s";
            }
        }
        Throwable last = failure;
        while (last.getCause() != null) {
            last = last.getCause();
        }
        String words = Objects.requireNonNullElse(last.getMessage(), "");
        return words.isBlank() ? last.getClass().getSimpleName().replaceAll("Exception$", "") : words;
    }
}
