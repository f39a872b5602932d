package dev.weir.local;

import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentCondition;
import io.fabric8.kubernetes.api.model.apps.DeploymentConditionBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentStatus;
import io.fabric8.kubernetes.api.model.apps.DeploymentStatusBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Keeps a ReplicaSet per template of a Deployment and rolls from the old ones to the new one. */
final class DeploymentController {
    private static final String HASH = "pod-template-hash";
    private static final String REVISION = "deployment.kubernetes.io/revision";

    private final KubernetesClient client;
    private final Indexer<Deployment> deployments;
    private final Indexer<ReplicaSet> replicaSets;

    DeploymentController(KubernetesClient client, Indexer<Deployment> deployments, Indexer<ReplicaSet> replicaSets) {
        this.client = client;
        this.deployments = deployments;
        this.replicaSets = replicaSets;
    }

    void reconcile(String key) {
        Deployment deployment = deployments.getByKey(key);
        if (deployment == null || deployment.getMetadata().getDeletionTimestamp() != null) {
            return;
        }
        List<ReplicaSet> owned = replicaSets.list().stream()
                .filter(set -> set.getMetadata().getOwnerReferences().stream()
                        .anyMatch(owner ->
                                owner.getUid().equals(deployment.getMetadata().getUid())))
                .toList();
        String hash = hash(deployment.getSpec().getTemplate());
        ReplicaSet current = owned.stream()
                .filter(set -> hash.equals(set.getMetadata().getLabels().get(HASH)))
                .findFirst()
                .orElse(null);
        if (current == null) {
            create(deployment, hash, owned);
            return;
        }
        List<ReplicaSet> old = owned.stream()
                .filter(set -> !hash.equals(set.getMetadata().getLabels().get(HASH)))
                .toList();
        scale(deployment, current, old);
        status(deployment, current, owned);
    }

    /** A stable hash of the template as the API server has defaulted it. */
    private static String hash(PodTemplateSpec template) {
        CRC32 crc = new CRC32();
        crc.update(Serialization.asJson(template).getBytes(java.nio.charset.StandardCharsets.UTF_8));
        String letters = "bcdfghjklmnpqrstvwxz2456789";
        StringBuilder text = new StringBuilder();
        for (long rest = crc.getValue(); text.length() < 8; rest /= letters.length()) {
            text.append(letters.charAt((int) (rest % letters.length())));
        }
        return text.toString();
    }

    private void create(Deployment deployment, String hash, List<ReplicaSet> owned) {
        long revision =
                owned.stream().mapToLong(DeploymentController::revision).max().orElse(0) + 1;
        boolean first = owned.stream().allMatch(set -> set.getSpec().getReplicas() == 0);
        int wanted = deployment.getSpec().getReplicas();
        int surge = resolve(rolling(deployment, true), wanted, true);
        int existing =
                owned.stream().mapToInt(set -> set.getSpec().getReplicas()).sum();
        int replicas =
                first ? wanted : recreate(deployment) ? 0 : Math.max(0, Math.min(wanted, wanted + surge - existing));
        ReplicaSet set = new ReplicaSetBuilder()
                .withNewMetadata()
                .withName(deployment.getMetadata().getName() + "-" + hash)
                .withNamespace(deployment.getMetadata().getNamespace())
                .withLabels(deployment.getSpec().getTemplate().getMetadata().getLabels())
                .addToLabels(HASH, hash)
                .withAnnotations(Map.of(
                        REVISION,
                        Long.toString(revision),
                        "deployment.kubernetes.io/desired-replicas",
                        Integer.toString(wanted),
                        "deployment.kubernetes.io/max-replicas",
                        Integer.toString(wanted + surge)))
                .addNewOwnerReference()
                .withApiVersion("apps/v1")
                .withKind("Deployment")
                .withName(deployment.getMetadata().getName())
                .withUid(deployment.getMetadata().getUid())
                .withController(true)
                .withBlockOwnerDeletion(true)
                .endOwnerReference()
                .endMetadata()
                .withNewSpec()
                .withReplicas(replicas)
                .withSelector(deployment.getSpec().getSelector())
                .withTemplate(deployment.getSpec().getTemplate())
                .endSpec()
                .build();
        set.getSpec().getTemplate().getMetadata().getLabels().put(HASH, hash);
        set.getSpec().getSelector().getMatchLabels().put(HASH, hash);
        client.resource(set).create();
        client.apps()
                .deployments()
                .inNamespace(deployment.getMetadata().getNamespace())
                .withName(deployment.getMetadata().getName())
                .edit(d -> new DeploymentBuilder(d)
                        .editMetadata()
                        .addToAnnotations(REVISION, Long.toString(revision))
                        .endMetadata()
                        .build());
    }

    private static long revision(ReplicaSet set) {
        Map<String, String> annotations = set.getMetadata().getAnnotations();
        return annotations == null ? 0 : Long.parseLong(annotations.getOrDefault(REVISION, "0"));
    }

    private static boolean recreate(Deployment deployment) {
        return "Recreate".equals(deployment.getSpec().getStrategy().getType());
    }

    private static @Nullable IntOrString rolling(Deployment deployment, boolean surge) {
        var rolling = deployment.getSpec().getStrategy().getRollingUpdate();
        return rolling == null ? null : surge ? rolling.getMaxSurge() : rolling.getMaxUnavailable();
    }

    /** A number or a percentage of the replicas; percentages of surge round up, of unavailable down. */
    private static int resolve(@Nullable IntOrString value, int replicas, boolean up) {
        if (value == null) {
            return 0;
        }
        if (value.getIntVal() != null) {
            return value.getIntVal();
        }
        double share = Double.parseDouble(value.getStrVal().replace("%", "")) / 100 * replicas;
        return (int) (up ? Math.ceil(share) : Math.floor(share));
    }

    private void scale(Deployment deployment, ReplicaSet current, List<ReplicaSet> old) {
        if (Boolean.TRUE.equals(deployment.getSpec().getPaused())) {
            return;
        }
        int wanted = deployment.getSpec().getReplicas();
        int surge = resolve(rolling(deployment, true), wanted, true);
        int unavailable = resolve(rolling(deployment, false), wanted, false);
        if (surge == 0 && unavailable == 0) {
            unavailable = 1;
        }
        int oldReplicas =
                old.stream().mapToInt(set -> set.getSpec().getReplicas()).sum();
        int now = current.getSpec().getReplicas();
        int next = old.isEmpty() || oldReplicas == 0
                ? wanted
                : recreate(deployment) ? 0 : Math.max(now, Math.min(wanted, wanted + surge - oldReplicas));
        if (next != now) {
            setReplicas(current, next);
        }
        int available = ready(current)
                + old.stream().mapToInt(DeploymentController::ready).sum();
        int removable = recreate(deployment) ? oldReplicas : available - (wanted - unavailable);
        List<ReplicaSet> oldestFirst = new ArrayList<>(old);
        oldestFirst.sort(Comparator.comparingLong(DeploymentController::revision));
        for (ReplicaSet set : oldestFirst) {
            int has = set.getSpec().getReplicas();
            int broken = Math.max(0, has - ready(set));
            int take = Math.min(has, broken + Math.max(0, Math.min(removable, has - broken)));
            removable -= Math.max(0, take - broken);
            if (take > 0) {
                setReplicas(set, has - take);
            }
        }
    }

    private static int ready(ReplicaSet set) {
        return set.getStatus() == null
                ? 0
                : Objects.requireNonNullElse(set.getStatus().getAvailableReplicas(), 0);
    }

    private void setReplicas(ReplicaSet set, int replicas) {
        client.apps()
                .replicaSets()
                .inNamespace(set.getMetadata().getNamespace())
                .withName(set.getMetadata().getName())
                .edit(s -> new ReplicaSetBuilder(s)
                        .editSpec()
                        .withReplicas(replicas)
                        .endSpec()
                        .build());
    }

    private void status(Deployment deployment, ReplicaSet current, List<ReplicaSet> owned) {
        int wanted = deployment.getSpec().getReplicas();
        int replicas = owned.stream().mapToInt(set -> count(set, true)).sum();
        int ready = owned.stream().mapToInt(set -> count(set, false)).sum();
        int updated = count(current, true);
        int unavailable = resolve(rolling(deployment, false), wanted, false);
        boolean available = ready >= wanted - unavailable;
        boolean complete = updated == wanted && replicas == wanted && ready == wanted;
        String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        List<DeploymentCondition> before = deployment.getStatus() == null
                ? List.of()
                : deployment.getStatus().getConditions();
        List<DeploymentCondition> conditions = List.of(
                condition(
                        before,
                        "Available",
                        available,
                        available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                        available
                                ? "Deployment has minimum availability."
                                : "Deployment does not have minimum availability.",
                        now),
                condition(
                        before,
                        "Progressing",
                        true,
                        complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                        "ReplicaSet \"" + current.getMetadata().getName() + "\" "
                                + (complete ? "has successfully progressed." : "is progressing."),
                        now));
        DeploymentStatus status = new DeploymentStatusBuilder()
                .withObservedGeneration(deployment.getMetadata().getGeneration())
                .withReplicas(replicas == 0 ? null : replicas)
                .withUpdatedReplicas(updated == 0 ? null : updated)
                .withReadyReplicas(ready == 0 ? null : ready)
                .withAvailableReplicas(ready == 0 ? null : ready)
                .withUnavailableReplicas(
                        Math.max(wanted, replicas) == ready ? null : Math.max(wanted, replicas) - ready)
                .withConditions(conditions)
                .build();
        if (!Serialization.asJson(status).equals(Serialization.asJson(deployment.getStatus()))) {
            Deployment next =
                    new DeploymentBuilder(deployment).withStatus(status).build();
            client.resource(next).updateStatus();
        }
    }

    private static int count(ReplicaSet set, boolean all) {
        if (set.getStatus() == null) {
            return 0;
        }
        Integer count = all ? set.getStatus().getReplicas() : set.getStatus().getAvailableReplicas();
        return count == null ? 0 : count;
    }

    private static DeploymentCondition condition(
            List<DeploymentCondition> before, String type, boolean value, String reason, String message, String now) {
        String status = value ? "True" : "False";
        for (DeploymentCondition old : before) {
            if (old.getType().equals(type)
                    && old.getStatus().equals(status)
                    && old.getReason().equals(reason)
                    && old.getMessage().equals(message)) {
                return old;
            }
        }
        return new DeploymentConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .withLastTransitionTime(now)
                .withLastUpdateTime(now)
                .build();
    }
}
