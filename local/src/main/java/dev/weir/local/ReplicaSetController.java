package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetCondition;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetConditionBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetStatus;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Keeps as many pods as a ReplicaSet asks for. */
final class ReplicaSetController {
    private static final String COMPONENT = "replicaset-controller";
    private static final String DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
    private static final String FAILURE = "ReplicaFailure";

    private final KubernetesClient client;
    private final SharedIndexInformer<ReplicaSet> replicaSets;
    private final SharedIndexInformer<Pod> pods;
    private final EventRecorder events;
    /** The newest pod that was created for each ReplicaSet, as a resource version: nothing is decided on less. */
    private final Map<String, Long> created = new ConcurrentHashMap<>();
    /** Pods whose deletion the cache may not show yet. */
    private final Set<String> deleted = ConcurrentHashMap.newKeySet();

    ReplicaSetController(
            KubernetesClient client,
            SharedIndexInformer<ReplicaSet> replicaSets,
            SharedIndexInformer<Pod> pods,
            EventRecorder events) {
        this.client = client;
        this.replicaSets = replicaSets;
        this.pods = pods;
        this.events = events;
    }

    /** A pod is gone: it need not be remembered. */
    void gone(Pod pod) {
        deleted.remove(pod.getMetadata().getUid());
    }

    /** @return when the next pod will have been ready for long enough, if one waits for that */
    Optional<Duration> reconcile(String key) {
        ReplicaSet set = replicaSets.getIndexer().getByKey(key);
        if (set == null || set.getMetadata().getDeletionTimestamp() != null) {
            created.remove(key);
            return Optional.empty();
        }
        if (!caughtUp(key)) {
            // the event of that pod calls again
            return Optional.empty();
        }
        List<Pod> active = active(set);
        int wanted = set.getSpec().getReplicas();
        String problem = null;
        for (int have = active.size(); have < wanted && problem == null; have++) {
            problem = create(key, set);
        }
        if (active.size() > wanted) {
            active.stream().sorted(leastMissed()).limit(active.size() - wanted).forEach(pod -> delete(set, pod));
        }
        // one look at the clock: a pod is either counted now or waited for
        Instant now = Instant.now();
        status(set, active, problem, now);
        if (problem != null) {
            throw new IllegalStateException(problem);
        }
        return notReadyLongEnough(set, active, now);
    }

    private boolean caughtUp(String key) {
        Long newest = created.get(key);
        String seen = pods.lastSyncResourceVersion();
        if (newest == null) {
            return true;
        }
        boolean caughtUp = seen != null && seen.matches("\\d{1,18}") && Long.parseLong(seen) >= newest;
        if (caughtUp) {
            created.remove(key, newest);
        }
        return caughtUp;
    }

    /** The pods that count, orphans that match adopted. */
    private List<Pod> active(ReplicaSet set) {
        List<Pod> active = new ArrayList<>();
        for (Pod pod : pods.getIndexer().list()) {
            boolean counts = pod.getMetadata().getDeletionTimestamp() == null
                    && pod.getMetadata().getNamespace().equals(set.getMetadata().getNamespace())
                    && !deleted.contains(pod.getMetadata().getUid())
                    && !ended(pod);
            if (counts && Owners.controls(set, pod)) {
                active.add(pod);
            } else if (counts
                    && Owners.controller(pod).isEmpty()
                    && LabelSelectors.matches(
                            set.getSpec().getSelector(), pod.getMetadata().getLabels())) {
                Owners.adopt(client, set, pod);
                active.add(pod);
            }
        }
        return active;
    }

    /** Whether its containers have run to their end. */
    static boolean ended(Pod pod) {
        return pod.getStatus() != null
                && List.of("Succeeded", "Failed")
                        .contains(String.valueOf(pod.getStatus().getPhase()));
    }

    /** What went wrong, or null. */
    private @Nullable String create(String key, ReplicaSet set) {
        try {
            Pod pod = client.resource(pod(set)).create();
            created.merge(key, Long.parseLong(pod.getMetadata().getResourceVersion()), Math::max);
            events.record(
                    set,
                    EventRecorder.Note.normal(
                            COMPONENT,
                            "SuccessfulCreate",
                            "Created pod: " + pod.getMetadata().getName()));
            return null;
        } catch (KubernetesClientException refused) {
            String why = refused.getStatus() != null && refused.getStatus().getMessage() != null
                    ? refused.getStatus().getMessage()
                    : String.valueOf(refused.getMessage());
            events.record(set, EventRecorder.Note.warning(COMPONENT, "FailedCreate", "Error creating: " + why));
            return why;
        }
    }

    private void delete(ReplicaSet set, Pod pod) {
        client.resource(pod).delete();
        deleted.add(pod.getMetadata().getUid());
        events.record(
                set,
                EventRecorder.Note.normal(
                        COMPONENT,
                        "SuccessfulDelete",
                        "Deleted pod: " + pod.getMetadata().getName()));
    }

    /** The pods that go first: those without node, that do not run, that are not ready, that cost least, the newest. */
    private static Comparator<Pod> leastMissed() {
        return Comparator.comparing((Pod pod) -> pod.getSpec().getNodeName() != null)
                .thenComparing(pod -> pod.getStatus() != null
                        && "Running".equals(pod.getStatus().getPhase()))
                .thenComparing(ReplicaSetController::isReady)
                .thenComparing(ReplicaSetController::cost)
                .thenComparing(pod -> pod.getMetadata().getCreationTimestamp(), Comparator.reverseOrder());
    }

    private static int cost(Pod pod) {
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        String text = annotations == null ? null : annotations.get(DELETION_COST);
        return text != null && text.matches("-?\\d{1,9}") ? Integer.parseInt(text) : 0;
    }

    static boolean isReady(@Nullable Pod pod) {
        return pod != null && ready(pod.getStatus()).isPresent();
    }

    private static Optional<PodCondition> ready(@Nullable PodStatus status) {
        return status == null
                ? Optional.empty()
                : status.getConditions().stream()
                        .filter(c ->
                                c.getType().equals("Ready") && c.getStatus().equals("True"))
                        .findFirst();
    }

    private static Duration minReady(ReplicaSet set) {
        return Duration.ofSeconds(Objects.requireNonNullElse(set.getSpec().getMinReadySeconds(), 0));
    }

    /** How long a pod has still to stay ready until it counts as available; empty if it is not ready. */
    private static Optional<Duration> untilAvailable(ReplicaSet set, Pod pod, Instant now) {
        return ready(pod.getStatus())
                .map(condition -> Duration.between(
                        now, Instant.parse(condition.getLastTransitionTime()).plus(minReady(set))));
    }

    private static Optional<Duration> notReadyLongEnough(ReplicaSet set, List<Pod> active, Instant now) {
        return minReady(set).isZero()
                ? Optional.empty()
                : active.stream()
                        .flatMap(pod -> untilAvailable(set, pod, now).stream())
                        .filter(left -> left.isPositive())
                        .min(Comparator.naturalOrder());
    }

    private static boolean available(ReplicaSet set, Pod pod, Instant now) {
        return minReady(set).isZero()
                ? isReady(pod)
                : untilAvailable(set, pod, now)
                        .filter(left -> !left.isPositive())
                        .isPresent();
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
        int ready = (int) active.stream().filter(ReplicaSetController::isReady).count();
        int available =
                (int) active.stream().filter(pod -> available(set, pod, now)).count();
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
