package dev.weir.local;

import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.ControllerRevision;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSetBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSetStatus;
import io.fabric8.kubernetes.api.model.apps.StatefulSetStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Keeps the numbered pods of StatefulSets: one after the other, or all at once where the set allows it. */
final class StatefulSetController {
    static final String COMPONENT = "statefulset-controller";
    static final OwnedPods.Wording WORDING = new OwnedPods.Wording(
            "create Pod %1$s in StatefulSet %2$s successful", "delete Pod %1$s in StatefulSet %2$s successful");

    private final KubernetesClient client;
    private final SharedIndexInformer<StatefulSet> sets;
    private final OwnedPods pods;
    private final Revisions revisions;
    private final EventRecorder events;

    StatefulSetController(
            KubernetesClient client, SharedIndexInformer<StatefulSet> sets, OwnedPods pods, EventRecorder events) {
        this.client = client;
        this.sets = sets;
        this.pods = pods;
        this.revisions = new Revisions(client);
        this.events = events;
    }

    /** What a set asks for and what there is. */
    private record Round(
            String key,
            StatefulSet set,
            ControllerRevision current,
            ControllerRevision update,
            NavigableMap<Integer, Pod> pods) {
        int first() {
            var ordinals = set.getSpec().getOrdinals();
            return ordinals == null ? 0 : Objects.requireNonNullElse(ordinals.getStart(), 0);
        }

        /** After the last pod that is wanted. */
        int end() {
            return first() + Objects.requireNonNullElse(set.getSpec().getReplicas(), 1);
        }

        boolean parallel() {
            return "Parallel".equals(set.getSpec().getPodManagementPolicy());
        }

        Duration minReady() {
            return Duration.ofSeconds(Objects.requireNonNullElse(set.getSpec().getMinReadySeconds(), 0));
        }

        boolean rolling() {
            var strategy = set.getSpec().getUpdateStrategy();
            return strategy == null || !"OnDelete".equals(strategy.getType());
        }

        /** The first pod that an update replaces. */
        int partition() {
            var strategy = set.getSpec().getUpdateStrategy();
            var rolling = strategy == null ? null : strategy.getRollingUpdate();
            return rolling == null ? 0 : Objects.requireNonNullElse(rolling.getPartition(), 0);
        }

        static String revision(Pod pod) {
            Map<String, String> labels = pod.getMetadata().getLabels();
            return labels == null ? "" : labels.getOrDefault(Revisions.HASH, "");
        }

        boolean updated(Pod pod) {
            return revision(pod).equals(update.getMetadata().getName());
        }
    }

    /** @return when a pod will have been ready for long enough, if one waits for that */
    Optional<Duration> reconcile(String key) {
        StatefulSet set = sets.getIndexer().getByKey(key);
        if (set == null || set.getMetadata().getDeletionTimestamp() != null) {
            pods.forget(key);
            return Optional.empty();
        }
        if (!pods.caughtUp(key)) {
            return Optional.empty();
        }
        Instant now = Instant.now();
        ControllerRevision update = revisions.current(set, set.getSpec().getTemplate());
        Round round = new Round(key, set, current(set, update), update, numbered(set));
        if (scale(round, now)) {
            roll(round, now);
        }
        Round after = new Round(key, set, round.current(), update, numbered(set));
        status(after, now);
        return round.minReady().isZero()
                ? Optional.empty()
                : after.pods().values().stream()
                        .flatMap(pod -> OwnedPods.untilAvailable(pod, round.minReady(), now).stream())
                        .filter(left -> left.isPositive())
                        .min(Comparator.naturalOrder());
    }

    /** The revision that pods below the partition have; the update's once all pods have that. */
    private ControllerRevision current(StatefulSet set, ControllerRevision update) {
        String name = set.getStatus() == null ? null : set.getStatus().getCurrentRevision();
        return revisions.of(set).stream()
                .filter(revision -> revision.getMetadata().getName().equals(name))
                .findFirst()
                .orElse(update);
    }

    private NavigableMap<Integer, Pod> numbered(StatefulSet set) {
        NavigableMap<Integer, Pod> numbered = new TreeMap<>();
        String prefix = set.getMetadata().getName() + "-";
        for (Pod pod : pods.of(set, set.getSpec().getSelector())) {
            String name = pod.getMetadata().getName();
            String number = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
            if (number.matches("\\d{1,9}")) {
                numbered.put(Integer.parseInt(number), pod);
            }
        }
        return numbered;
    }

    /** Makes missing pods and removes those beyond the end; true once all that are wanted are there and available. */
    private boolean scale(Round round, Instant now) {
        boolean settled = true;
        for (int number = round.first(); number < round.end(); number++) {
            Pod pod = round.pods().get(number);
            if (pod != null && OwnedPods.ended(pod) && !pods.leaving(pod)) {
                pods.delete(round.set(), pod);
            }
            if (pod == null) {
                create(round, number);
            }
            boolean good = pod != null && !pods.leaving(pod) && OwnedPods.available(pod, round.minReady(), now);
            settled &= good;
            if (!good && !round.parallel()) {
                return false;
            }
        }
        Collection<Pod> below = round.pods().headMap(round.first()).values();
        Collection<Pod> beyond =
                round.pods().tailMap(round.end(), true).descendingMap().values();
        for (Pod pod : Stream.concat(beyond.stream(), below.stream()).toList()) {
            settled = false;
            if (!pods.leaving(pod)) {
                pods.delete(round.set(), pod);
            }
            if (!round.parallel()) {
                return false;
            }
        }
        return settled;
    }

    /** Replaces the last pod that is not up to date; one at a time, as the pods after it must be available. */
    private void roll(Round round, Instant now) {
        if (!round.rolling()) {
            return;
        }
        for (Pod pod :
                round.pods().tailMap(round.partition(), true).descendingMap().values()) {
            if (!round.updated(pod)) {
                if (!pods.leaving(pod)) {
                    pods.delete(round.set(), pod);
                }
                return;
            }
            if (pods.leaving(pod) || !OwnedPods.available(pod, round.minReady(), now)) {
                return;
            }
        }
    }

    private void create(Round round, int number) {
        StatefulSet set = round.set();
        boolean old = round.rolling() && number < round.partition();
        ControllerRevision revision = old ? round.current() : round.update();
        PodTemplateSpec template = Revisions.template(revision);
        NumberedPod pod = new NumberedPod(set, number, revision.getMetadata().getName(), template);
        for (PersistentVolumeClaim claim : set.getSpec().getVolumeClaimTemplates()) {
            claim(set, pod, claim);
        }
        Optional<String> problem = pods.create(round.key(), set, pod.pod());
        if (problem.isPresent()) {
            throw new IllegalStateException(problem.get());
        }
    }

    /** Makes a pod's claim, unless an earlier pod of the number has left it. */
    private void claim(StatefulSet set, NumberedPod pod, PersistentVolumeClaim template) {
        String name = pod.claim(template.getMetadata().getName());
        PersistentVolumeClaim wanted = new PersistentVolumeClaimBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(set.getMetadata().getNamespace())
                .withLabels(set.getSpec().getSelector().getMatchLabels())
                .withAnnotations(template.getMetadata().getAnnotations())
                .endMetadata()
                .withSpec(template.getSpec())
                .build();
        try {
            client.resource(wanted).create();
            events.record(
                    set,
                    EventRecorder.Note.normal(
                            COMPONENT,
                            "SuccessfulCreate",
                            "create Claim " + name + " Pod " + pod.name() + " in StatefulSet "
                                    + set.getMetadata().getName() + " success"));
        } catch (KubernetesClientException kept) {
            if (kept.getCode() != 409) {
                throw kept;
            }
        }
    }

    private void status(Round round, Instant now) {
        StatefulSet set = round.set();
        var there = round.pods().values().stream()
                .filter(pod -> !OwnedPods.ended(pod))
                .toList();
        var running = there.stream().filter(pod -> !pods.leaving(pod)).toList();
        int updated = (int) running.stream().filter(round::updated).count();
        int ready = (int) running.stream().filter(OwnedPods::isReady).count();
        String current = round.current().getMetadata().getName();
        String update = round.update().getMetadata().getName();
        int wanted = round.end() - round.first();
        if (updated == wanted && there.size() == wanted && ready == wanted) {
            current = update;
        }
        String now2 = current;
        int old = (int)
                running.stream().filter(pod -> Round.revision(pod).equals(now2)).count();
        StatefulSetStatus status = new StatefulSetStatusBuilder()
                .withObservedGeneration(set.getMetadata().getGeneration())
                .withReplicas(there.size())
                .withReadyReplicas(ready == 0 ? null : ready)
                .withAvailableReplicas((int) running.stream()
                        .filter(pod -> OwnedPods.available(pod, round.minReady(), now))
                        .count())
                .withCurrentReplicas(old == 0 ? null : old)
                .withUpdatedReplicas(updated == 0 ? null : updated)
                .withCurrentRevision(current)
                .withUpdateRevision(update)
                .withCollisionCount(0)
                .build();
        if (!status.equals(set.getStatus())) {
            client.resource(new StatefulSetBuilder(set).withStatus(status).build())
                    .updateStatus();
        }
        Set<String> used = round.pods().values().stream().map(Round::revision).collect(Collectors.toSet());
        used.addAll(List.of(current, update));
        revisions.trim(set, used, Objects.requireNonNullElse(set.getSpec().getRevisionHistoryLimit(), 10));
    }
}
