package dev.weir.cli.cluster;

import dev.weir.metrics.Access;
import dev.weir.metrics.MetricProvider;
import dev.weir.metrics.MetricProviders;
import dev.weir.metrics.Prometheus;
import dev.weir.metrics.StatisticsPages;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where requests are counted, by the options that name it. */
public final class MetricSource {
    @Option(
            names = "--prometheus",
            paramLabel = "URL",
            description = "A Prometheus that scrapes the proxies, without /api/v1.")
    private @Nullable String prometheus;

    @Option(
            names = "--stats",
            paramLabel = "URL",
            description = "A proxy's page in Prometheus' format, for example http://127.0.0.1:15000/stats/prometheus;"
                    + " may be repeated.")
    private List<String> pages = List.of();

    @Option(
            names = "--bearer-token-file",
            paramLabel = "FILE",
            description = "Holds the token that is sent to the Prometheus or the pages.")
    private @Nullable Path token;

    @Option(
            names = "--header",
            paramLabel = "NAME:VALUE",
            description = "Sent to the Prometheus or the pages, for example the name of a tenant; may be repeated."
                    + " Secrets are better kept in files.")
    private List<String> headers = List.of();

    @Option(
            names = "--metrics-timeout",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "How long each answer may take. Default: ${DEFAULT-VALUE}.")
    private int timeout = 10;

    /**
     * A provider and what to ask it.
     *
     * @param accesses one, or several pages
     */
    record Place(MetricProvider provider, List<Access> accesses) {}

    /** @throws Problem if no source is named and the cluster is not local mode */
    Place find(Target.Cluster cluster) throws IOException {
        if (prometheus != null && !pages.isEmpty()) {
            throw new Problem(Problem.USAGE, "--prometheus and --stats exclude each other");
        }
        MetricProviders providers = MetricProviders.load();
        if (prometheus != null) {
            return new Place(providers.require(Prometheus.NAME), List.of(access("--prometheus", prometheus)));
        }
        MetricProvider statistics = providers.require(StatisticsPages.NAME);
        if (!pages.isEmpty()) {
            List<Access> accesses = new java.util.ArrayList<>();
            for (String page : pages) {
                accesses.add(access("--stats", page));
            }
            return new Place(statistics, accesses);
        }
        URI found = LocalCluster.statistics(cluster.client())
                .orElseThrow(() -> new Problem(
                        Problem.USAGE,
                        "where are requests counted? Say --prometheus URL or --stats URL; only local mode tells by itself ("
                                + cluster.name() + ")"));
        return new Place(statistics, List.of(Access.to(found).withTimeout(timeout())));
    }

    private Duration timeout() {
        return Duration.ofSeconds(Math.max(1, timeout));
    }

    private Access access(String option, String url) throws IOException {
        try {
            Access access = Access.to(new URI(url)).withTimeout(timeout());
            for (String header : headers) {
                int colon = header.indexOf(':');
                if (colon < 0) {
                    throw new Problem(Problem.USAGE, "--header: a header is NAME:VALUE");
                }
                access = access.withHeader(
                        header.substring(0, colon).strip(),
                        header.substring(colon + 1).strip());
            }
            return token == null
                    ? access
                    : access.withBearer(Files.readString(token).strip());
        } catch (URISyntaxException | IllegalArgumentException wrong) {
            throw new Problem(
                    Problem.USAGE,
                    option + ": " + (wrong instanceof URISyntaxException ? "this is no URL" : wrong.getMessage()));
        } catch (java.nio.file.NoSuchFileException absent) {
            throw new Problem(Problem.USAGE, "--bearer-token-file: " + absent.getMessage() + ": there is no such file");
        } catch (java.nio.file.AccessDeniedException unreadable) {
            throw new Problem(Problem.USAGE, "--bearer-token-file: " + unreadable.getMessage() + " cannot be read");
        }
    }
}
