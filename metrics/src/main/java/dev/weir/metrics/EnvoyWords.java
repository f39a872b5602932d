package dev.weir.metrics;

import dev.weir.metrics.Statistics.Kind;
import dev.weir.metrics.Statistics.Meaning;
import dev.weir.metrics.Subject.Version;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads Envoy's statistics of clusters that istiod names: {@code outbound|PORT|SUBSET|HOST}.
 *
 * <p>Depending on how an Envoy is told to find labels in names of statistics, the cluster's label has the whole name, or ends
 * at the first dot and the rest is part of the metric's name.
 *
 * <p>{@code upstream_rq_completed} and {@code upstream_rq_xx} count a request once, the latter by its last try's code or by
 * what Envoy said itself; {@code upstream_rq_time} only has those that an upstream answered. Envoy adds up its histograms every five seconds, so they
 * lag behind its counters by so much.
 */
final class EnvoyWords {
    static final String PREFIX = "envoy_cluster_";

    private static final Pattern NAME = Pattern.compile("envoy_cluster_(?:(.+)_)?(upstream_(?:rq|cx)_"
            + "(?:completed|xx|time_bucket|time_sum|time_count|timeout|pending_failure_eject|pending_overflow|rx_reset"
            + "|none_healthy|destroy_remote_with_active_rq))");
    private static final Pattern CLUSTER = Pattern.compile("outbound\\|\\d+\\|[^|]*\\|([^|.;]+)(?:\\.([^|;]+))?;?");

    /** What Envoy also counts of the same requests, apart. */
    private static final Set<String> PARTS = Set.of("external", "internal", "retry", "canary");

    private EnvoyWords() {}

    static Optional<Meaning> meaning(Counter counter, Subject subject) {
        if (!counter.name().startsWith(PREFIX)) {
            return Optional.empty();
        }
        Matcher name = NAME.matcher(counter.name());
        Matcher cluster = CLUSTER.matcher(counter.label("envoy_cluster_name"));
        if (!name.matches() || !cluster.matches()) {
            return Optional.empty();
        }
        String rest = cluster.group(2) != null ? cluster.group(2).replaceAll("[-.]", "_") : name.group(1);
        String home = subject.namespace().replaceAll("[-.]", "_") + "_svc";
        boolean whole = cluster.group(2) == null || name.group(1) == null;
        if (!whole || rest == null || !(rest.equals(home) || rest.startsWith(home + "_")) || isPart(rest)) {
            return Optional.empty();
        }
        return subject.versions().stream()
                .filter(one -> one.name().equals(cluster.group(1)))
                .findFirst()
                .flatMap(version -> meaning(counter, version, name.group(2)));
    }

    private static boolean isPart(String rest) {
        return PARTS.contains(rest.substring(rest.lastIndexOf('_') + 1));
    }

    private static Optional<Meaning> meaning(Counter counter, Version version, String what) {
        return switch (what) {
            case "upstream_rq_completed" -> Optional.of(new Meaning(version, Side.CLUSTERS, Kind.REQUESTS));
            case "upstream_rq_xx" ->
                counter.label("envoy_response_code_class").equals("5")
                        ? Optional.of(new Meaning(version, Side.CLUSTERS, Kind.ERRORS))
                        : Optional.empty();
            case "upstream_rq_time_sum" -> Optional.of(new Meaning(version, Side.CLUSTERS, Kind.MILLIS_SUM));
            case "upstream_rq_time_count" -> Optional.of(new Meaning(version, Side.CLUSTERS, Kind.MILLIS_COUNT));
            case "upstream_rq_time_bucket" ->
                PageParser.number(counter.label("le"))
                        .map(bound -> new Meaning(version, Side.CLUSTERS, EnumSet.of(Kind.MILLIS_BUCKET), bound));
            default -> Optional.of(new Meaning(version, Side.CLUSTERS, Kind.TROUBLE));
        };
    }

    /** Envoy has no counter of it: the least of what bounds it from above. */
    static double unanswered(Tally tally) {
        double withoutTime = tally.of(Kind.REQUESTS) - tally.of(Kind.MILLIS_COUNT);
        return Math.max(0, Math.min(withoutTime, Math.min(tally.of(Kind.ERRORS), tally.of(Kind.TROUBLE))));
    }

    static List<String> selectors(Subject subject) {
        String home = subject.namespace().replaceAll("[-.]", "_");
        String versions = subject.versions().stream().map(Version::name).collect(Collectors.joining("|"));
        return List.of("{__name__=~\"envoy_cluster_(" + home + "_svc_([a-z0-9_]+_)?)?upstream_(rq|cx)_"
                + "(completed|xx|time_bucket|time_sum|time_count|timeout|pending_failure_eject|pending_overflow|rx_reset"
                + "|none_healthy|destroy_remote_with_active_rq)\",envoy_cluster_name=~\"outbound\\\\|[0-9]+\\\\|[^|]*\\\\|("
                + IstioWords.escaped(versions) + ")(\\\\." + IstioWords.escaped(subject.namespace())
                + "\\\\.svc.*)?;?\"}");
    }
}
