package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetStatus;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Keeps as many pods as a ReplicaSet asks for. */
final class ReplicaSetController {
    private final KubernetesClient client;
    private final Indexer<ReplicaSet> replicaSets;
    private final Indexer<Pod> pods;
    /** Created pods that the watch has not shown yet, so that none is created twice. */
    private final Map<String, List<String>> expected = new ConcurrentHashMap<>();

    ReplicaSetController(KubernetesClient client, Indexer<ReplicaSet> replicaSets, Indexer<Pod> pods) {
        this.client = client;
        this.replicaSets = replicaSets;
        this.pods = pods;
    }

    void reconcile(String key) {
        ReplicaSet set = replicaSets.getByKey(key);
        if (set == null || set.getMetadata().getDeletionTimestamp() != null) {
            expected.remove(key);
            return;
        }
        List<Pod> active = pods.list().stream()
                .filter(pod -> pod.getMetadata().getOwnerReferences().stream()
                        .anyMatch(
                                owner -> owner.getUid().equals(set.getMetadata().getUid())))
                .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
                .filter(pod -> pod.getStatus() == null
                        || !List.of("Succeeded", "Failed")
                                .contains(String.valueOf(pod.getStatus().getPhase())))
                .toList();
        List<String> unseen = expected.computeIfAbsent(key, _ -> new ArrayList<>());
        unseen.removeIf(uid ->
                pods.list().stream().anyMatch(pod -> pod.getMetadata().getUid().equals(uid)));
        int wanted = set.getSpec().getReplicas();
        for (int have = active.size() + unseen.size(); have < wanted; have++) {
            unseen.add(client.resource(pod(set)).create().getMetadata().getUid());
        }
        if (active.size() > wanted && unseen.isEmpty()) {
            active.stream()
                    .sorted(Comparator.comparing(ReplicaSetController::isReady)
                            .thenComparing(pod -> pod.getMetadata().getCreationTimestamp(), Comparator.reverseOrder()))
                    .limit(active.size() - wanted)
                    .forEach(pod -> client.resource(pod).delete());
        }
        status(set, active);
    }

    static boolean isReady(Pod pod) {
        return pod.getStatus() != null
                && pod.getStatus().getConditions().stream()
                        .anyMatch(c ->
                                c.getType().equals("Ready") && c.getStatus().equals("True"));
    }

    private static Pod pod(ReplicaSet set) {
        var template = set.getSpec().getTemplate();
        return new PodBuilder()
                .withNewMetadata()
                .withGenerateName(set.getMetadata().getName() + "-")
                .withNamespace(set.getMetadata().getNamespace())
                .withLabels(template.getMetadata().getLabels())
                .withAnnotations(template.getMetadata().getAnnotations())
                .addNewOwnerReference()
                .withApiVersion("apps/v1")
                .withKind("ReplicaSet")
                .withName(set.getMetadata().getName())
                .withUid(set.getMetadata().getUid())
                .withController(true)
                .withBlockOwnerDeletion(true)
                .endOwnerReference()
                .endMetadata()
                .withSpec(template.getSpec())
                .build();
    }

    private void status(ReplicaSet set, List<Pod> active) {
        int ready = (int) active.stream().filter(ReplicaSetController::isReady).count();
        ReplicaSetStatus status = new ReplicaSetStatusBuilder()
                .withReplicas(active.size())
                .withFullyLabeledReplicas(active.isEmpty() ? null : active.size())
                .withReadyReplicas(ready == 0 ? null : ready)
                .withAvailableReplicas(ready == 0 ? null : ready)
                .withObservedGeneration(set.getMetadata().getGeneration())
                .build();
        if (!Serialization.asJson(status).equals(Serialization.asJson(set.getStatus()))) {
            client.resource(new ReplicaSetBuilder(set).withStatus(status).build())
                    .updateStatus();
        }
    }
}
