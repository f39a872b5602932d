package dev.weir.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The pods of all owners of one kind, as their controller sees, creates and deletes them. */
final class OwnedPods {
    private final KubernetesClient client;
    private final SharedIndexInformer<Pod> pods;
    private final EventRecorder events;
    private final String component;
    private final Wording wording;
    /** The newest pod that was created for each owner, as a resource version: nothing is decided on less. */
    private final Map<String, Long> created = new ConcurrentHashMap<>();
    /** Pods whose deletion the cache may not show yet. */
    private final Set<String> deleted = ConcurrentHashMap.newKeySet();

    /**
     * What events say.
     *
     * @param created with the pod's name and the owner's
     * @param deleted with the same
     */
    record Wording(String created, String deleted) {
        static final Wording USUAL = new Wording("Created pod: %1$s", "Deleted pod: %1$s");
    }

    /** @param component who the events come from */
    OwnedPods(
            KubernetesClient client,
            SharedIndexInformer<Pod> pods,
            EventRecorder events,
            String component,
            Wording wording) {
        this.wording = wording;
        this.client = client;
        this.pods = pods;
        this.events = events;
        this.component = component;
    }

    /** A pod is gone: it need not be remembered. */
    void gone(Pod pod) {
        deleted.remove(pod.getMetadata().getUid());
    }

    /** An owner is gone. */
    void forget(String key) {
        created.remove(key);
    }

    /** Whether the cache shows what was created for an owner; if not, the event of that pod calls again. */
    boolean caughtUp(String key) {
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

    /** All pods that an owner controls; those that match, run and belong to nobody are adopted. */
    List<Pod> of(HasMetadata owner, LabelSelector selector) {
        List<Pod> own = new ArrayList<>();
        for (Pod pod : pods.getIndexer().list()) {
            if (!pod.getMetadata().getNamespace().equals(owner.getMetadata().getNamespace())) {
                continue;
            }
            if (Owners.controls(owner, pod)) {
                own.add(pod);
            } else if (!leaving(pod)
                    && !ended(pod)
                    && Owners.controller(pod).isEmpty()
                    && LabelSelectors.matches(selector, pod.getMetadata().getLabels())) {
                Owners.adopt(client, owner, pod);
                own.add(pod);
            }
        }
        return own;
    }

    /** Whether it is being deleted. */
    boolean leaving(Pod pod) {
        return pod.getMetadata().getDeletionTimestamp() != null
                || deleted.contains(pod.getMetadata().getUid());
    }

    /** Whether its containers have run to their end. */
    static boolean ended(Pod pod) {
        return pod.getStatus() != null
                && List.of("Succeeded", "Failed")
                        .contains(String.valueOf(pod.getStatus().getPhase()));
    }

    static boolean phase(Pod pod, String phase) {
        return pod.getStatus() != null && phase.equals(pod.getStatus().getPhase());
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

    /** How long a pod has still to stay ready until it counts as available; empty if it is not ready. */
    static Optional<Duration> untilAvailable(Pod pod, Duration minReady, Instant now) {
        return ready(pod.getStatus())
                .map(condition -> Duration.between(
                        now, Instant.parse(condition.getLastTransitionTime()).plus(minReady)));
    }

    static boolean available(Pod pod, Duration minReady, Instant now) {
        return minReady.isZero()
                ? isReady(pod)
                : untilAvailable(pod, minReady, now)
                        .filter(left -> !left.isPositive())
                        .isPresent();
    }

    /** What went wrong, or empty; a pod that is there already is no problem. */
    Optional<String> create(String key, HasMetadata owner, Pod wanted) {
        try {
            Pod pod = client.resource(wanted).create();
            created.merge(key, Long.parseLong(pod.getMetadata().getResourceVersion()), Math::max);
            events.record(
                    owner,
                    EventRecorder.Note.normal(component, "SuccessfulCreate", text(wording.created(), owner, pod)));
            return Optional.empty();
        } catch (KubernetesClientException refused) {
            String why = refused.getStatus() != null && refused.getStatus().getMessage() != null
                    ? refused.getStatus().getMessage()
                    : String.valueOf(refused.getMessage());
            events.record(owner, EventRecorder.Note.warning(component, "FailedCreate", "Error creating: " + why));
            return Optional.of(why);
        }
    }

    void delete(HasMetadata owner, Pod pod) {
        client.resource(pod).delete();
        deleted.add(pod.getMetadata().getUid());
        events.record(
                owner, EventRecorder.Note.normal(component, "SuccessfulDelete", text(wording.deleted(), owner, pod)));
    }

    private static String text(String format, HasMetadata owner, Pod pod) {
        return format.formatted(pod.getMetadata().getName(), owner.getMetadata().getName());
    }
}
