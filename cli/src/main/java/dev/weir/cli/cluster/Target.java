package dev.weir.cli.cluster;

import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Which cluster and namespace a command is about, by the options that kubectl has for it. As with kubectl they may stand
 * before the command, too; what stands after it prevails.
 */
public final class Target {
    private static final int LONGEST_CONNECT_SECONDS = 5;
    /** What the client can count. */
    private static final Duration LONGEST_TIMEOUT = Duration.ofMillis(Integer.MAX_VALUE);

    private static final String STANDARD_TIMEOUT = "10s";
    private static final Pattern GO_DURATION = Pattern.compile("(\\d+(?:\\.\\d+)?)(ms|s|m|h)");

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
            paramLabel = "TIME",
            description =
                    "How long the server may take to answer, as 5s, 1m30s, or a number of seconds; 0 for as long as"
                            + " it likes. Default: " + STANDARD_TIMEOUT + ".")
    private @Nullable String timeout;

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

    /** At least a millisecond. */
    private Duration timeout() {
        String words = Objects.requireNonNullElse(said(target -> target.timeout), STANDARD_TIMEOUT);
        Duration time = duration(words)
                .orElseThrow(() -> new Problem(
                        Problem.USAGE,
                        "--request-timeout: \"" + words + "\" is not a time like 5s, 1m30s or 5 (seconds)"));
        return time.isZero() || time.compareTo(LONGEST_TIMEOUT) > 0 ? LONGEST_TIMEOUT : time;
    }

    /** A time as kubectl takes it: as Go writes it, or whole seconds; empty if it is neither. */
    static Optional<Duration> duration(String words) {
        if (words.matches("\\d{1,9}")) {
            return Optional.of(Duration.ofSeconds(Integer.parseInt(words)));
        }
        Matcher parts = GO_DURATION.matcher(words);
        BigDecimal millis = BigDecimal.ZERO;
        int end = 0;
        while (end < words.length()
                && parts.find(end)
                && parts.start() == end
                && parts.group(1).length() < 10) {
            int unit = switch (parts.group(2)) {
                case "ms" -> 1;
                case "s" -> 1000;
                case "m" -> 60_000;
                default -> 3_600_000;
            };
            millis = millis.add(new BigDecimal(parts.group(1)).multiply(BigDecimal.valueOf(unit)));
            end = parts.end();
        }
        return words.isEmpty() || end < words.length()
                ? Optional.empty()
                : Optional.of(Duration.ofMillis(
                        millis.setScale(0, RoundingMode.CEILING).longValue()));
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
        Config config = config(file, context);
        int millis = (int) timeout().toMillis();
        config.setRequestTimeout(millis);
        config.setConnectionTimeout(Math.min(millis, (int) TimeUnit.SECONDS.toMillis(LONGEST_CONNECT_SECONDS)));
        config.setRequestRetryBackoffLimit(0);
        return config;
    }

    /**
     * The kubeconfig's settings for a context.
     *
     * @param file null for what KUBECONFIG names, or what a pod is given
     * @param context null for the current one
     * @throws Problem if the file cannot be read, or there is no such context, or none is chosen
     */
    public static Config config(@Nullable Path file, @Nullable String context) {
        if (file != null && !Files.isReadable(file)) {
            throw new Problem(
                    Problem.USAGE,
                    "--kubeconfig: " + file + (Files.notExists(file) ? ": there is no such file" : " cannot be read"));
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
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException || cause instanceof HttpTimeoutException) {
                long millis = timeout().toMillis();
                String limit = millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
                return "cannot reach the cluster (" + name + "): no answer within " + limit;
            }
        }
        return refusal(failure, name);
    }

    /**
     * Why a cluster did not do what it was asked to.
     *
     * @param name the context and the server
     */
    public static String refusal(KubernetesClientException failure, String name) {
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

    private static String reason(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "its name is not known";
            }
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            // what else may go wrong while connecting has a message
            if (cause instanceof ConnectException && cause.getMessage() == null) {
                return "connection refused";
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
