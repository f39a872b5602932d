package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.ControllerRevision;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSetStatus;
import io.fabric8.kubernetes.api.model.apps.DaemonSetStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Keeps one pod of each DaemonSet whose node selector the only node has. */
final class DaemonSetController {
    static final String COMPONENT = "daemonset-controller";

    private final KubernetesClient client;
    private final SharedIndexInformer<DaemonSet> sets;
    private final OwnedPods pods;
    private final Revisions revisions;

    DaemonSetController(KubernetesClient client, SharedIndexInformer<DaemonSet> sets, OwnedPods pods) {
        this.client = client;
        this.sets = sets;
        this.pods = pods;
        this.revisions = new Revisions(client);
    }

    /** @return when a pod will have been ready for long enough, if one waits for that */
    Optional<Duration> reconcile(String key) {
        DaemonSet set = sets.getIndexer().getByKey(key);
        if (set == null || set.getMetadata().getDeletionTimestamp() != null) {
            pods.forget(key);
            return Optional.empty();
        }
        if (!pods.caughtUp(key)) {
            return Optional.empty();
        }
        Instant now = Instant.now();
        ControllerRevision revision = revisions.current(set, set.getSpec().getTemplate());
        String current = revision.getMetadata().getName();
        replace(set, current);
        List<Pod> there = running(set);
        if (there.isEmpty() && scheduled(set) && none(set)) {
            Optional<String> problem = pods.create(key, set, pod(set, current));
            if (problem.isPresent()) {
                throw new IllegalStateException(problem.get());
            }
        }
        status(set, current, now);
        revisions.trim(
                set, Set.of(current), Objects.requireNonNullElse(set.getSpec().getRevisionHistoryLimit(), 10));
        return minReady(set).isZero()
                ? Optional.empty()
                : there.stream()
                        .flatMap(pod -> OwnedPods.untilAvailable(pod, minReady(set), now).stream())
                        .filter(left -> left.isPositive())
                        .min(Comparator.naturalOrder());
    }

    private static Duration minReady(DaemonSet set) {
        return Duration.ofSeconds(Objects.requireNonNullElse(set.getSpec().getMinReadySeconds(), 0));
    }

    private List<Pod> running(DaemonSet set) {
        return pods.of(set, set.getSpec().getSelector()).stream()
                .filter(pod -> !pods.leaving(pod) && !OwnedPods.ended(pod))
                .toList();
    }

    /** Whether the pod before has gone altogether: the next one takes its place, not a place beside it. */
    private boolean none(DaemonSet set) {
        return pods.of(set, set.getSpec().getSelector()).isEmpty();
    }

    private static boolean scheduled(DaemonSet set) {
        Map<String, String> selector = set.getSpec().getTemplate().getSpec().getNodeSelector();
        return selector == null || NodeIdentity.LOCAL.labels().entrySet().containsAll(selector.entrySet());
    }

    /** Deletes what has ended, is not wanted here, is one too many, or has an old template. */
    private void replace(DaemonSet set, String current) {
        pods.of(set, set.getSpec().getSelector()).stream()
                .filter(pod -> OwnedPods.ended(pod) && !pods.leaving(pod))
                .forEach(pod -> pods.delete(set, pod));
        List<Pod> running = running(set);
        int wanted = scheduled(set) ? 1 : 0;
        running.stream().skip(wanted).forEach(pod -> pods.delete(set, pod));
        var strategy = set.getSpec().getUpdateStrategy();
        boolean rolling = strategy == null || !"OnDelete".equals(strategy.getType());
        running.stream()
                .limit(wanted)
                .filter(pod -> rolling && !revision(pod).equals(current))
                .forEach(pod -> pods.delete(set, pod));
    }

    private static String revision(Pod pod) {
        Map<String, String> labels = pod.getMetadata().getLabels();
        return labels == null ? "" : labels.getOrDefault(Revisions.HASH, "");
    }

    private static Pod pod(DaemonSet set, String revision) {
        var template = set.getSpec().getTemplate();
        return new PodBuilder()
                .withNewMetadata()
                .withGenerateName(set.getMetadata().getName() + "-")
                .withNamespace(set.getMetadata().getNamespace())
                .withLabels(template.getMetadata().getLabels())
                .addToLabels(Revisions.HASH, revision)
                .withAnnotations(template.getMetadata().getAnnotations())
                .withOwnerReferences(Owners.reference(set))
                .endMetadata()
                .withSpec(template.getSpec())
                .build();
    }

    private void status(DaemonSet set, String current, Instant now) {
        List<Pod> running = running(set);
        int wanted = scheduled(set) ? 1 : 0;
        int available = (int) running.stream()
                .filter(pod -> OwnedPods.available(pod, minReady(set), now))
                .count();
        int updated = (int)
                running.stream().filter(pod -> revision(pod).equals(current)).count();
        DaemonSetStatus status = new DaemonSetStatusBuilder()
                .withObservedGeneration(set.getMetadata().getGeneration())
                .withDesiredNumberScheduled(wanted)
                .withCurrentNumberScheduled(Math.min(wanted, running.size()))
                .withNumberMisscheduled(0)
                .withNumberReady(
                        (int) running.stream().filter(OwnedPods::isReady).count())
                .withNumberAvailable(available == 0 ? null : available)
                .withNumberUnavailable(wanted > available ? wanted - available : null)
                .withUpdatedNumberScheduled(updated == 0 ? null : updated)
                .build();
        if (!status.equals(set.getStatus())) {
            client.resource(new DaemonSetBuilder(set).withStatus(status).build())
                    .updateStatus();
        }
    }
}
