package dev.weir.local;

import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.ReplicaSetBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Keeps a ReplicaSet per template of a Deployment and rolls from the old ones to the new one. */
final class DeploymentController {
    static final String COMPONENT = "deployment-controller";
    private static final String REVISION = "deployment.kubernetes.io/revision";
    private static final String HISTORY = "deployment.kubernetes.io/revision-history";
    private static final String DESIRED = "deployment.kubernetes.io/desired-replicas";
    private static final String MOST = "deployment.kubernetes.io/max-replicas";
    /** A Deployment's annotations that its ReplicaSets do not get. */
    private static final Set<String> OWN =
            Set.of("kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MOST);

    private final KubernetesClient client;
    private final Indexer<Deployment> deployments;
    private final Indexer<ReplicaSet> replicaSets;
    private final Indexer<Pod> pods;
    private final EventRecorder events;

    DeploymentController(
            KubernetesClient client,
            Indexer<Deployment> deployments,
            Indexer<ReplicaSet> replicaSets,
            Indexer<Pod> pods,
            EventRecorder events) {
        this.client = client;
        this.deployments = deployments;
        this.replicaSets = replicaSets;
        this.pods = pods;
        this.events = events;
    }

    /** @return when the deadline for progress will be over, if something waits for it */
    Optional<Duration> reconcile(String key) {
        Deployment deployment = deployments.getByKey(key);
        if (deployment == null || deployment.getMetadata().getDeletionTimestamp() != null) {
            return Optional.empty();
        }
        List<ReplicaSet> owned = owned(deployment);
        ReplicaSet current = owned.stream()
                .filter(set -> PodTemplates.same(
                        set.getSpec().getTemplate(), deployment.getSpec().getTemplate()))
                .min(Comparator.comparing(set -> set.getMetadata().getCreationTimestamp()))
                .orElse(null);
        List<ReplicaSet> old = owned.stream()
                .filter(set -> !set.equals(current))
                .sorted(Comparator.comparingLong(DeploymentController::revision))
                .toList();
        boolean paused = Boolean.TRUE.equals(deployment.getSpec().getPaused());
        ReplicaSet active = current;
        if (paused || scaled(deployment, owned)) {
            scale(deployment, current, old);
        } else if (RollingUpdate.recreates(deployment)) {
            active = recreate(deployment, current, old);
        } else {
            active = roll(deployment, current, old);
        }
        List<ReplicaSet> all = new ArrayList<>(old);
        Optional.ofNullable(active).ifPresent(all::add);
        DeploymentStatuses statuses = new DeploymentStatuses(deployment, active, all, Instant.now());
        statuses.changed().ifPresent(next -> client.resource(next).updateStatus());
        if (statuses.complete() || paused) {
            forget(deployment, old);
        }
        return statuses.deadline();
    }

    /** The ReplicaSets that it controls, orphans that match adopted. */
    private List<ReplicaSet> owned(Deployment deployment) {
        List<ReplicaSet> owned = new ArrayList<>();
        for (ReplicaSet set : replicaSets.list()) {
            if (!set.getMetadata()
                    .getNamespace()
                    .equals(deployment.getMetadata().getNamespace())) {
                continue;
            }
            Optional<OwnerReference> controller = Owners.controller(set);
            if (Owners.controls(deployment, set)) {
                if (set.getMetadata().getDeletionTimestamp() == null) {
                    owned.add(set);
                }
            } else if (controller.isEmpty()
                    && set.getMetadata().getDeletionTimestamp() == null
                    && LabelSelectors.matches(
                            deployment.getSpec().getSelector(),
                            set.getMetadata().getLabels())) {
                Owners.adopt(client, deployment, set);
            }
        }
        return owned;
    }

    static long revision(ReplicaSet set) {
        return number(set, REVISION);
    }

    private static long number(ReplicaSet set, String annotation) {
        Map<String, String> annotations = set.getMetadata().getAnnotations();
        String text = annotations == null ? null : annotations.get(annotation);
        return text != null && text.matches("\\d{1,18}") ? Long.parseLong(text) : 0;
    }

    private static RollingUpdate.Size size(ReplicaSet set) {
        return new RollingUpdate.Size(
                set.getMetadata().getName(), set.getSpec().getReplicas(), DeploymentStatuses.available(set), (int)
                        number(set, MOST));
    }

    /** Whether the number of replicas is another than the one that the ReplicaSets were sized for. */
    private static boolean scaled(Deployment deployment, List<ReplicaSet> owned) {
        return owned.stream()
                .filter(set -> set.getSpec().getReplicas() > 0)
                .anyMatch(set -> number(set, DESIRED) != deployment.getSpec().getReplicas());
    }

    private void scale(Deployment deployment, @Nullable ReplicaSet current, List<ReplicaSet> old) {
        RollingUpdate.Limits limits = RollingUpdate.limits(deployment);
        List<ReplicaSet> newestFirst = new ArrayList<>(old.reversed());
        Optional.ofNullable(current).ifPresent(newestFirst::addFirst);
        List<ReplicaSet> active = newestFirst.stream()
                .filter(set -> set.getSpec().getReplicas() > 0)
                .toList();
        ReplicaSet only = active.isEmpty() && !newestFirst.isEmpty()
                ? newestFirst.getFirst()
                : active.size() == 1 ? active.getFirst() : null;
        if (only != null) {
            resize(deployment, only, limits.replicas());
        } else if (current != null && DeploymentStatuses.saturated(deployment, current)) {
            old.forEach(set -> resize(deployment, set, 0));
        } else if (!RollingUpdate.recreates(deployment)) {
            Map<String, Integer> next = RollingUpdate.scale(
                    limits, active.stream().map(DeploymentController::size).toList());
            active.forEach(set ->
                    resize(deployment, set, next.getOrDefault(set.getMetadata().getName(), 0)));
        }
    }

    private ReplicaSet roll(Deployment deployment, @Nullable ReplicaSet found, List<ReplicaSet> old) {
        RollingUpdate.Limits limits = RollingUpdate.limits(deployment);
        List<RollingUpdate.Size> sizes =
                old.stream().map(DeploymentController::size).toList();
        if (found == null) {
            int first = RollingUpdate.grow(limits, new RollingUpdate.Size("", 0, 0, 0), sizes);
            return create(deployment, old, first);
        }
        ReplicaSet current = renew(deployment, found, old);
        int next = RollingUpdate.grow(limits, size(current), sizes);
        if (next != current.getSpec().getReplicas()) {
            return resize(deployment, current, next);
        }
        Map<String, Integer> shrunk = RollingUpdate.shrink(limits, size(current), sizes);
        old.forEach(set -> resize(
                deployment,
                set,
                shrunk.getOrDefault(set.getMetadata().getName(), set.getSpec().getReplicas())));
        return current;
    }

    private @Nullable ReplicaSet recreate(Deployment deployment, @Nullable ReplicaSet found, List<ReplicaSet> old) {
        old.forEach(set -> resize(deployment, set, 0));
        boolean running = pods.list().stream()
                .filter(pod -> old.stream().anyMatch(set -> Owners.controls(set, pod)))
                .anyMatch(pod -> !OwnedPods.ended(pod));
        int wanted = deployment.getSpec().getReplicas();
        if (running) {
            return found;
        }
        return found == null
                ? create(deployment, old, wanted)
                : resize(deployment, renew(deployment, found, old), wanted);
    }

    private Map<String, String> annotations(Deployment deployment, Map<String, String> before) {
        Map<String, String> annotations = new HashMap<>(before);
        Map<String, String> own =
                Objects.requireNonNullElse(deployment.getMetadata().getAnnotations(), Map.of());
        own.forEach((name, value) -> {
            if (!OWN.contains(name)) {
                annotations.put(name, value);
            }
        });
        RollingUpdate.Limits limits = RollingUpdate.limits(deployment);
        annotations.put(DESIRED, Integer.toString(limits.replicas()));
        annotations.put(MOST, Integer.toString(limits.replicas() + limits.surge()));
        return annotations;
    }

    private static long newest(List<ReplicaSet> old) {
        return old.stream().mapToLong(DeploymentController::revision).max().orElse(0);
    }

    private ReplicaSet create(Deployment deployment, List<ReplicaSet> old, int replicas) {
        String revision = Long.toString(newest(old) + 1);
        String hash = PodTemplates.hash(deployment.getSpec().getTemplate());
        Map<String, String> annotations = annotations(deployment, Map.of());
        annotations.put(REVISION, revision);
        ReplicaSet set = new ReplicaSetBuilder()
                .withNewMetadata()
                .withName(deployment.getMetadata().getName() + "-" + hash)
                .withNamespace(deployment.getMetadata().getNamespace())
                .withLabels(deployment.getSpec().getTemplate().getMetadata().getLabels())
                .addToLabels(PodTemplates.HASH, hash)
                .withAnnotations(annotations)
                .withOwnerReferences(Owners.reference(deployment))
                .endMetadata()
                .withNewSpec()
                .withReplicas(replicas)
                .withMinReadySeconds(deployment.getSpec().getMinReadySeconds())
                .withSelector(PodTemplates.withHash(deployment.getSpec().getSelector(), hash))
                .withTemplate(PodTemplates.withHash(deployment.getSpec().getTemplate(), hash))
                .endSpec()
                .build();
        ReplicaSet created = client.resource(set).create();
        said(deployment, created, 0, replicas);
        writeRevision(deployment, revision);
        return created;
    }

    /** Brings the annotations of the ReplicaSet in use up to date; it gets a new revision if it was in use before. */
    private ReplicaSet renew(Deployment deployment, ReplicaSet current, List<ReplicaSet> old) {
        Map<String, String> before =
                Objects.requireNonNullElse(current.getMetadata().getAnnotations(), Map.of());
        Map<String, String> annotations = annotations(deployment, before);
        if (revision(current) <= newest(old)) {
            String was = before.get(REVISION);
            if (was != null) {
                annotations.merge(HISTORY, was, (history, more) -> history + "," + more);
            }
            annotations.put(REVISION, Long.toString(newest(old) + 1));
        }
        String revision = annotations.getOrDefault(REVISION, "1");
        annotations.put(REVISION, revision);
        ReplicaSet next = current;
        Integer seconds = deployment.getSpec().getMinReadySeconds();
        if (!annotations.equals(before)
                || !Objects.equals(seconds, current.getSpec().getMinReadySeconds())) {
            next = client.resource(new ReplicaSetBuilder(current)
                            .editMetadata()
                            .withAnnotations(annotations)
                            .endMetadata()
                            .editSpec()
                            .withMinReadySeconds(seconds)
                            .endSpec()
                            .build())
                    .update();
        }
        writeRevision(deployment, revision);
        return next;
    }

    private void writeRevision(Deployment deployment, String revision) {
        Map<String, String> before =
                Objects.requireNonNullElse(deployment.getMetadata().getAnnotations(), Map.of());
        if (!revision.equals(before.get(REVISION))) {
            client.apps()
                    .deployments()
                    .inNamespace(deployment.getMetadata().getNamespace())
                    .withName(deployment.getMetadata().getName())
                    .edit(d -> new DeploymentBuilder(d)
                            .editMetadata()
                            .addToAnnotations(REVISION, revision)
                            .endMetadata()
                            .build());
        }
    }

    /** Gives a ReplicaSet a size, if it has another; fails if it has changed since it was seen. */
    private ReplicaSet resize(Deployment deployment, ReplicaSet set, int replicas) {
        Map<String, String> before =
                Objects.requireNonNullElse(set.getMetadata().getAnnotations(), Map.of());
        Map<String, String> annotations = new HashMap<>(before);
        RollingUpdate.Limits limits = RollingUpdate.limits(deployment);
        annotations.put(DESIRED, Integer.toString(limits.replicas()));
        annotations.put(MOST, Integer.toString(limits.replicas() + limits.surge()));
        int had = set.getSpec().getReplicas();
        if (had == replicas && (replicas == 0 || annotations.equals(before))) {
            return set;
        }
        ReplicaSet next = client.resource(new ReplicaSetBuilder(set)
                        .editMetadata()
                        .withAnnotations(annotations)
                        .endMetadata()
                        .editSpec()
                        .withReplicas(replicas)
                        .endSpec()
                        .build())
                .update();
        said(deployment, set, had, replicas);
        return next;
    }

    private void said(Deployment deployment, ReplicaSet set, int from, int to) {
        if (from != to) {
            String what = "Scaled " + (to > from ? "up" : "down") + " replica set "
                    + set.getMetadata().getName() + " from " + from + " to " + to;
            events.record(deployment, EventRecorder.Note.normal(COMPONENT, "ScalingReplicaSet", what));
        }
    }

    /** Deletes the oldest ReplicaSets beyond the history limit; those with pods stay. */
    private void forget(Deployment deployment, List<ReplicaSet> old) {
        int limit = Objects.requireNonNullElse(deployment.getSpec().getRevisionHistoryLimit(), Integer.MAX_VALUE);
        List<ReplicaSet> empty = old.stream()
                .filter(set -> set.getSpec().getReplicas() == 0
                        && set.getStatus() != null
                        && Objects.requireNonNullElse(set.getStatus().getReplicas(), 0) == 0)
                .toList();
        empty.stream()
                .limit(Math.max(0, (long) empty.size() - limit))
                .forEach(set -> client.resource(set).delete());
    }
}
