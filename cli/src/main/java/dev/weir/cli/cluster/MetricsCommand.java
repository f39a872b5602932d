package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.metrics.MetricProvider;
import dev.weir.metrics.Outcome;
import dev.weir.metrics.Reading;
import dev.weir.metrics.Subject;
import dev.weir.metrics.Window;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "metrics",
        description = {
            "Shows what each version of a release does to requests: how many, errors, latency.",
            "Prometheus tells of the time that has passed; proxies' statistics pages are read twice, so the command takes"
                    + " as long as the window. In local mode the page is found by itself.",
            "What nobody counts is shown as -."
        },
        mixinStandardHelpOptions = true)
public final class MetricsCommand implements Callable<Integer> {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,6})(s|m|h)?");
    private static final Duration USUAL_PAST = Duration.ofMinutes(1);
    private static final Duration USUAL_WAIT = Duration.ofSeconds(10);

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Mixin
    private MetricSource source = new MetricSource();

    @Parameters(paramLabel = "NAME", description = "The release.")
    private String name = "";

    @Option(
            names = "--window",
            paramLabel = "TIME",
            description = "For example 30s, 5m or 1h. Default: 1m with Prometheus, 10s with pages.")
    private @Nullable String window;

    @Option(names = "--total", description = "All that was counted since the proxies began, at once.")
    private boolean total;

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "One of: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Format format = Format.table;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (total && window != null) {
            throw new Problem(Problem.USAGE, "--window and --total exclude each other");
        }
        Duration asked = window == null ? null : duration(window);
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        return target.ask(cluster -> {
            Snapshot seen = Snapshot.read(cluster, Releases.require(cluster, name));
            MetricSource.Place place = source.find(cluster);
            Window counted = read(place, subject(seen), asked);
            MetricsReport report = new MetricsReport(seen, place, counted);
            out.print(format.isData() ? format.of(report.data()) : report.text(format == Format.wide));
            out.flush();
            return 0;
        });
    }

    private Window read(MetricSource.Place place, Subject subject, @Nullable Duration asked)
            throws InterruptedException {
        MetricProvider provider = place.provider();
        if (total) {
            return Window.sinceBegin(ask(place, subject, Duration.ZERO).getLast(), subject);
        }
        if (provider.remembers()) {
            return Window.over(ask(place, subject, Objects.requireNonNullElse(asked, USUAL_PAST)), subject);
        }
        List<Reading> readings = new ArrayList<>(ask(place, subject, Duration.ZERO));
        TimeUnit.NANOSECONDS.sleep(Objects.requireNonNullElse(asked, USUAL_WAIT).toNanos());
        readings.addAll(ask(place, subject, Duration.ZERO));
        return Window.over(readings, subject);
    }

    private static List<Reading> ask(MetricSource.Place place, Subject subject, Duration past)
            throws InterruptedException {
        return switch (place.provider().read(place.accesses(), subject, past)) {
            case Outcome.Readings(List<Reading> list) -> list;
            case Outcome.Failed(String reason, boolean _) ->
                throw new Problem(Problem.FAILED, "the metrics cannot be read: " + reason);
        };
    }

    private static Subject subject(Snapshot seen) {
        return new Subject(
                Releases.namespace(seen.release()),
                seen.versions().stream()
                        .map(version -> new Subject.Version(
                                version.name(), workload(version), Traffic.getsOnlyCopies(seen.plan(), version.name())))
                        .toList());
    }

    private static String workload(Snapshot.Version version) {
        JsonNode deployment = version.deployment();
        return deployment.isMissingNode() ? version.name() : Releases.name(deployment);
    }

    private static Duration duration(String words) {
        Matcher matcher = DURATION.matcher(words);
        if (!matcher.matches() || Long.parseLong(matcher.group(1)) == 0) {
            throw new Problem(Problem.USAGE, "--window: \"" + words + "\" is not a time like 30s, 5m or 1h");
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (Objects.requireNonNullElse(matcher.group(2), "s")) {
            case "h" -> Duration.ofHours(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofSeconds(number);
        };
    }
}
