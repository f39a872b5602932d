package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.model.ReleaseStatus;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** The state of each release as gauges, read from the caches when it is asked for. */
final class ReleaseSeries implements MultiCollector {
    private static final double ALL = 10_000;
    private static final double PERCENT = 100;
    private static final int STANDARD_PORT = 80;

    private final Supplier<List<JsonNode>> releases;
    private final Function<JsonNode, List<JsonNode>> owned;
    private final TrafficRouters routers;

    /**
     * @param releases all that are known
     * @param owned the objects of one
     */
    ReleaseSeries(Supplier<List<JsonNode>> releases, Function<JsonNode, List<JsonNode>> owned, TrafficRouters routers) {
        this.releases = releases;
        this.owned = owned;
        this.routers = routers;
    }

    /** One metric while it is being filled. */
    private record Series(GaugeSnapshot.Builder snapshot) {
        static Series of(String name, String help) {
            return new Series(GaugeSnapshot.builder().name(name).help(help));
        }

        void add(double value, String... labels) {
            snapshot.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(Labels.of(labels))
                    .value(value)
                    .build());
        }
    }

    @Override
    public MetricSnapshots collect() {
        Series phase = Series.of("weir_release_phase", "1 for the phase that a release is in.");
        Series since = Series.of(
                "weir_release_phase_since_timestamp_seconds", "When a release came into its phase, Unix time.");
        Series behind = Series.of(
                "weir_release_generations_behind", "How many changes of the spec the status does not speak of yet.");
        Series ready = Series.of("weir_release_ready_pods", "Ready pods of a version.");
        Series share =
                Series.of("weir_release_traffic_share_ratio", "The share of a rule's requests that a version answers.");
        Series mirror =
                Series.of("weir_release_mirror_ratio", "The share of a rule's requests that is copied to a version.");
        for (JsonNode release : releases.get()) {
            state(release, phase, since, behind, ready);
            traffic(release, share, mirror);
        }
        return new MetricSnapshots(List.of(
                phase.snapshot().build(),
                since.snapshot().build(),
                behind.snapshot().build(),
                ready.snapshot().build(),
                share.snapshot().build(),
                mirror.snapshot().build()));
    }

    private static String namespace(JsonNode object) {
        return object.path("metadata").path("namespace").asText();
    }

    private static String name(JsonNode object) {
        return object.path("metadata").path("name").asText();
    }

    private static void state(JsonNode release, Series phase, Series since, Series behind, Series ready) {
        ReleaseStatus status = ReleaseStatus.of(release);
        for (ReleaseStatus.Condition condition : status.conditions()) {
            if (condition.type().equals(ReleaseStatus.ROUTE_ACCEPTED)) {
                continue;
            }
            boolean holds = condition.status().equals("True");
            phase.add(
                    holds ? 1 : 0,
                    "namespace",
                    namespace(release),
                    "release",
                    name(release),
                    "phase",
                    condition.type(),
                    "reason",
                    holds ? condition.reason() : "");
            if (holds) {
                since.add(
                        Instant.parse(condition.lastTransitionTime()).getEpochSecond(),
                        "namespace",
                        namespace(release),
                        "release",
                        name(release));
            }
        }
        behind.add(
                release.path("metadata").path("generation").asLong() - (double) status.observedGeneration(),
                "namespace",
                namespace(release),
                "release",
                name(release));
        for (ReleaseStatus.Version version : status.versions()) {
            ready.add(
                    version.readyReplicas(),
                    "namespace",
                    namespace(release),
                    "release",
                    name(release),
                    "version",
                    version.name(),
                    "role",
                    version.role());
        }
    }

    /** As the routing object says, read back; nothing while there is none or somebody else wrote it. */
    private void traffic(JsonNode release, Series share, Series mirror) {
        plan(release).ifPresent(plan -> {
            for (TrafficPlan.Rule rule : plan.rules()) {
                for (TrafficPlan.Backend backend : rule.backends()) {
                    share.add(backend.share().basisPoints() / ALL, labels(release, rule, backend.service()));
                }
                for (TrafficPlan.Mirror copies : rule.mirrors()) {
                    mirror.add(copies.percent().percent() / PERCENT, labels(release, rule, copies.service()));
                }
            }
        });
    }

    private static String[] labels(JsonNode release, TrafficPlan.Rule rule, String version) {
        return new String[] {
            "namespace", namespace(release), "release", name(release), "rule", rule.words(), "version", version
        };
    }

    private Optional<TrafficPlan> plan(JsonNode release) {
        JsonNode spec = release.path("spec");
        String wanted = spec.path("router").asText();
        if (!routers.names().contains(wanted)) {
            return Optional.empty();
        }
        TrafficRouter router = routers.require(wanted);
        String service = spec.path("service").path("name").asText(name(release));
        return owned.apply(release).stream()
                .filter(object ->
                        object.path("kind").asText().equals(router.kind().kind())
                                && name(object).equals(service))
                .findFirst()
                .flatMap(object ->
                        router.read(object, spec.path("service").path("port").asInt(STANDARD_PORT)));
    }
}
