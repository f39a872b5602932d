package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetCondition;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetConditionBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetStatus;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Keeps as many pods as a ReplicaSet asks for. */
final class ReplicaSetController {
    static final String COMPONENT = "replicaset-controller";
    private static final String DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
    private static final String FAILURE = "ReplicaFailure";

    private final KubernetesClient client;
    private final SharedIndexInformer<ReplicaSet> replicaSets;
    private final OwnedPods pods;

    ReplicaSetController(KubernetesClient client, SharedIndexInformer<ReplicaSet> replicaSets, OwnedPods pods) {
        this.client = client;
        this.replicaSets = replicaSets;
        this.pods = pods;
    }

    /** @return when the next pod will have been ready for long enough, if one waits for that */
    Optional<Duration> reconcile(String key) {
        ReplicaSet set = replicaSets.getIndexer().getByKey(key);
        if (set == null || set.getMetadata().getDeletionTimestamp() != null) {
            pods.forget(key);
            return Optional.empty();
        }
        if (!pods.caughtUp(key)) {
            // the event of that pod calls again
            return Optional.empty();
        }
        List<Pod> active = active(set);
        int wanted = set.getSpec().getReplicas();
        String problem = null;
        for (int have = active.size(); have < wanted && problem == null; have++) {
            problem = pods.create(key, set, pod(set)).orElse(null);
        }
        if (active.size() > wanted) {
            active.stream().sorted(leastMissed()).limit(active.size() - wanted).forEach(pod -> pods.delete(set, pod));
        }
        // one look at the clock: a pod is either counted now or waited for
        Instant now = Instant.now();
        status(set, active, problem, now);
        if (problem != null) {
            throw new IllegalStateException(problem);
        }
        return notReadyLongEnough(set, active, now);
    }

    /** The pods that count. */
    private List<Pod> active(ReplicaSet set) {
        return pods.of(set, set.getSpec().getSelector()).stream()
                .filter(pod -> !pods.leaving(pod) && !OwnedPods.ended(pod))
                .toList();
    }

    /** The pods that go first: those without node, that do not run, that are not ready, that cost least, the newest. */
    private static Comparator<Pod> leastMissed() {
        return Comparator.comparing((Pod pod) -> pod.getSpec().getNodeName() != null)
                .thenComparing(pod -> pod.getStatus() != null
                        && "Running".equals(pod.getStatus().getPhase()))
                .thenComparing(OwnedPods::isReady)
                .thenComparing(ReplicaSetController::cost)
                .thenComparing(pod -> pod.getMetadata().getCreationTimestamp(), Comparator.reverseOrder());
    }

    private static int cost(Pod pod) {
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        String text = annotations == null ? null : annotations.get(DELETION_COST);
        return text != null && text.matches("-?\\d{1,9}") ? Integer.parseInt(text) : 0;
    }

    private static Duration minReady(ReplicaSet set) {
        return Duration.ofSeconds(Objects.requireNonNullElse(set.getSpec().getMinReadySeconds(), 0));
    }

    private static Optional<Duration> notReadyLongEnough(ReplicaSet set, List<Pod> active, Instant now) {
        return minReady(set).isZero()
                ? Optional.empty()
                : active.stream()
                        .flatMap(pod -> OwnedPods.untilAvailable(pod, minReady(set), now).stream())
                        .filter(left -> left.isPositive())
                        .min(Comparator.naturalOrder());
    }

    private static Pod pod(ReplicaSet set) {
        var template = set.getSpec().getTemplate();
        return new PodBuilder()
                .withNewMetadata()
                .withGenerateName(set.getMetadata().getName() + "-")
                .withNamespace(set.getMetadata().getNamespace())
                .withLabels(template.getMetadata().getLabels())
                .withAnnotations(template.getMetadata().getAnnotations())
                .withOwnerReferences(Owners.reference(set))
                .endMetadata()
                .withSpec(template.getSpec())
                .build();
    }

    private void status(ReplicaSet set, List<Pod> active, @Nullable String problem, Instant now) {
        int ready = (int) active.stream().filter(OwnedPods::isReady).count();
        int available = (int) active.stream()
                .filter(pod -> OwnedPods.available(pod, minReady(set), now))
                .count();
        ReplicaSetStatus status = new ReplicaSetStatusBuilder()
                .withReplicas(active.size())
                .withFullyLabeledReplicas(active.isEmpty() ? null : active.size())
                .withReadyReplicas(ready == 0 ? null : ready)
                .withAvailableReplicas(available == 0 ? null : available)
                .withObservedGeneration(set.getMetadata().getGeneration())
                .withConditions(conditions(set, problem))
                .build();
        if (!status.equals(set.getStatus())) {
            client.resource(new ReplicaSetBuilder(set).withStatus(status).build())
                    .updateStatus();
        }
    }

    private static List<ReplicaSetCondition> conditions(ReplicaSet set, @Nullable String problem) {
        if (problem == null) {
            return List.of();
        }
        List<ReplicaSetCondition> before =
                set.getStatus() == null ? List.of() : set.getStatus().getConditions();
        return before.stream()
                .filter(c -> c.getType().equals(FAILURE) && problem.equals(c.getMessage()))
                .findFirst()
                .map(List::of)
                .orElseGet(() -> List.of(new ReplicaSetConditionBuilder()
                        .withType(FAILURE)
                        .withStatus("True")
                        .withReason("FailedCreate")
                        .withMessage(problem)
                        .withLastTransitionTime(
                                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString())
                        .build()));
    }
}
