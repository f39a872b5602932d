package dev.weir.local;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Writes what the kubelet sees of a pod into its status. */
final class PodStatuses {
    private final KubernetesClient client;

    PodStatuses(KubernetesClient client) {
        this.client = client;
    }

    /** What there is to say: {@code waiting} is empty while the container runs. */
    record Seen(String address, boolean ready, int restarts, String waiting, String message) {}

    static String now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    }

    void write(Pod pod, Seen seen) {
        client.pods()
                .inNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .editStatus(live ->
                        new PodBuilder(live).withStatus(status(live, seen)).build());
    }

    private static PodStatus status(Pod pod, Seen seen) {
        List<PodCondition> before = pod.getStatus().getConditions();
        boolean waiting = !seen.waiting().isEmpty();
        String started = Objects.requireNonNullElse(pod.getStatus().getStartTime(), now());
        var statuses = pod.getSpec().getContainers().stream()
                .map(container -> new ContainerStatusBuilder()
                        .withName(container.getName())
                        .withImage(container.getImage())
                        .withImageID(waiting ? "" : "weir://" + container.getImage())
                        .withContainerID(
                                waiting ? null : "weir://" + pod.getMetadata().getUid())
                        .withReady(seen.ready())
                        .withStarted(!waiting)
                        .withRestartCount(seen.restarts())
                        .withState(state(seen, started))
                        .build())
                .toList();
        List<PodCondition> conditions = new ArrayList<>();
        conditions.add(condition(before, "PodScheduled", true));
        conditions.add(condition(before, "Initialized", true));
        conditions.add(condition(before, "ContainersReady", seen.ready()));
        conditions.add(condition(before, "Ready", seen.ready()));
        return new PodStatusBuilder()
                .withPhase(waiting && seen.restarts() == 0 ? "Pending" : "Running")
                .withQosClass("BestEffort")
                .withHostIP("127.0.0.1")
                .withPodIP(seen.address())
                .withPodIPs(new PodIP(seen.address()))
                .withStartTime(started)
                .withContainerStatuses(statuses)
                .withConditions(conditions)
                .build();
    }

    private static ContainerState state(Seen seen, String started) {
        return seen.waiting().isEmpty()
                ? new ContainerStateBuilder().withNewRunning(started).build()
                : new ContainerStateBuilder()
                        .withNewWaiting(seen.message().isEmpty() ? null : seen.message(), seen.waiting())
                        .build();
    }

    private static PodCondition condition(List<PodCondition> before, String type, boolean value) {
        String status = value ? "True" : "False";
        for (PodCondition old : before) {
            if (old.getType().equals(type) && old.getStatus().equals(status)) {
                return old;
            }
        }
        return new PodConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withLastTransitionTime(now())
                .build();
    }
}
