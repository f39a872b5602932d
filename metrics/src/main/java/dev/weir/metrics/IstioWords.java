package dev.weir.metrics;

import dev.weir.metrics.Statistics.Kind;
import dev.weir.metrics.Statistics.Meaning;
import dev.weir.metrics.Subject.Version;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Reads the standard metrics of Istio's proxies, which Weir's data plane has too. */
final class IstioWords {
    static final String PREFIX = "istio_request";

    private static final String REQUESTS = "istio_requests_total";
    private static final String MILLIS = "istio_request_duration_milliseconds";
    private static final int SERVER_ERROR = 500;

    /**
     * Envoy's response flags that say that no upstream answered: none healthy, no connection, overflow, no such cluster, timed
     * out, connection ended, reset by either end, protocol error.
     */
    private static final Set<String> NO_ANSWER = Set.of("UH", "UF", "UO", "NC", "UT", "UC", "UR", "LR", "UPE");

    /** Unknown, deadline exceeded, unimplemented, internal, unavailable, data loss: what OpenTelemetry takes for a server's. */
    private static final Set<String> GRPC_ERRORS = Set.of("2", "4", "12", "13", "14", "15");

    private IstioWords() {}

    static Optional<Meaning> meaning(Counter counter, Subject subject) {
        if (!counter.name().startsWith(PREFIX)) {
            return Optional.empty();
        }
        Optional<Side> side = switch (counter.label("reporter")) {
            case "source" -> Optional.of(Side.CALLERS);
            case "destination" -> Optional.of(Side.SERVERS);
            default -> Optional.empty();
        };
        return side.flatMap(seen -> version(counter, subject).flatMap(one -> meaning(counter, one, seen)));
    }

    /** A request that reached no pod knows the Service only; one that came by another Service knows the workload. */
    private static Optional<Version> version(Counter counter, Subject subject) {
        boolean service = counter.label("destination_service_namespace").equals(subject.namespace());
        boolean workload = counter.label("destination_workload_namespace").equals(subject.namespace());
        Optional<Version> byWorkload = subject.versions().stream()
                .filter(one -> workload && one.workload().equals(counter.label("destination_workload")))
                .findFirst();
        return byWorkload.or(() -> subject.versions().stream()
                .filter(one -> service && one.name().equals(counter.label("destination_service_name")))
                .findFirst());
    }

    private static Optional<Meaning> meaning(Counter counter, Version version, Side side) {
        return switch (counter.name()) {
            case REQUESTS -> Optional.of(new Meaning(version, side, kinds(counter), 0));
            case MILLIS + "_sum" -> Optional.of(new Meaning(version, side, Kind.MILLIS_SUM));
            case MILLIS + "_count" -> Optional.of(new Meaning(version, side, Kind.MILLIS_COUNT));
            case MILLIS + "_bucket" ->
                PageParser.number(counter.label("le"))
                        .map(bound -> new Meaning(version, side, EnumSet.of(Kind.MILLIS_BUCKET), bound));
            default -> Optional.empty();
        };
    }

    private static Set<Kind> kinds(Counter counter) {
        EnumSet<Kind> kinds = EnumSet.of(Kind.REQUESTS);
        String code = counter.label("response_code");
        boolean failed = code.matches("\\d{3}") && Integer.parseInt(code) >= SERVER_ERROR
                || GRPC_ERRORS.contains(counter.label("grpc_response_status"));
        boolean unanswered =
                Arrays.stream(counter.label("response_flags").split(",")).anyMatch(NO_ANSWER::contains);
        if (failed || unanswered) {
            kinds.add(Kind.ERRORS);
        }
        if (unanswered) {
            kinds.add(Kind.UNANSWERED);
        }
        return kinds;
    }

    static List<String> selectors(Subject subject) {
        String names =
                "__name__=~\"" + REQUESTS + "|" + MILLIS + "_(bucket|sum|count)\",reporter=~\"source|destination\"";
        String services = subject.versions().stream().map(Version::name).collect(Collectors.joining("|"));
        String workloads = subject.versions().stream().map(Version::workload).collect(Collectors.joining("|"));
        return List.of(
                "{" + names + ",destination_workload_namespace=\"" + subject.namespace() + "\",destination_workload=~\""
                        + escaped(workloads) + "\"}",
                "{" + names + ",destination_service_namespace=\"" + subject.namespace()
                        + "\",destination_service_name=~\"" + escaped(services) + "\",destination_workload!~\""
                        + escaped(workloads) + "\"}");
    }

    /** Dots of names within a regular expression within PromQL's quotes. */
    static String escaped(String names) {
        return names.replace(".", "\\\\.");
    }
}
