package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.HostIP;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the kubelet sees of a pod, as a pod's status says it. Pure. */
final class PodStatuses {
    private PodStatuses() {}

    /**
     * A pod as the kubelet sees it.
     *
     * @param hostAddress the node's
     * @param initialized whether the init containers are done
     */
    record View(
            String address,
            String hostAddress,
            Instant since,
            boolean initialized,
            List<ContainerView> init,
            List<ContainerView> main) {}

    static String now() {
        return seconds(Instant.now());
    }

    private static String seconds(Instant at) {
        return at.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** The status; conditions that have not changed since {@code before} keep their time. */
    static PodStatus of(Pod pod, @Nullable PodStatus before, View view) {
        String phase = phase(pod, view);
        List<PodCondition> old = before == null ? List.of() : before.getConditions();
        boolean done = phase.equals("Succeeded");
        List<String> unready = names(view.main().stream().filter(c -> !c.ready()));
        PodStatusBuilder status = new PodStatusBuilder()
                .withPhase(phase)
                .withQosClass(qualityOfService(pod))
                .withHostIP(view.hostAddress())
                .withHostIPs(new HostIP(view.hostAddress()))
                .withPodIP(view.address())
                .withPodIPs(new PodIP(view.address()))
                .withStartTime(seconds(view.since()))
                .withContainerStatuses(view.main().stream()
                        .map(c -> container(
                                c, false, view.initialized() || view.init().isEmpty()))
                        .toList())
                .withConditions(List.of(
                        condition(old, "PodReadyToStartContainers", true, "", ""),
                        initialized(old, view, done),
                        done ? completed(old, "Ready") : ready(old, pod, unready),
                        done
                                ? completed(old, "ContainersReady")
                                : condition(
                                        old,
                                        "ContainersReady",
                                        unready.isEmpty(),
                                        "ContainersNotReady",
                                        "containers with unready status: " + unready),
                        condition(old, "PodScheduled", true, "", "")));
        if (!view.init().isEmpty()) {
            status.withInitContainerStatuses(
                    view.init().stream().map(c -> container(c, true, true)).toList());
        }
        return status.build();
    }

    private static List<String> names(Stream<ContainerView> containers) {
        return containers.map(ContainerView::name).toList();
    }

    private static PodCondition initialized(List<PodCondition> old, View view, boolean done) {
        if (done) {
            return completed(old, "Initialized", true);
        }
        List<String> incomplete =
                names(view.init().stream().filter(c -> c.exitCode().orElse(1) != 0 && !(c.running() && c.started())));
        return condition(
                old,
                "Initialized",
                view.initialized() || view.init().isEmpty(),
                "ContainersNotInitialized",
                "containers with incomplete status: " + incomplete);
    }

    private static PodCondition completed(List<PodCondition> old, String type) {
        return completed(old, type, false);
    }

    private static PodCondition completed(List<PodCondition> old, String type, boolean value) {
        return keep(
                old,
                new PodConditionBuilder()
                        .withType(type)
                        .withStatus(value ? "True" : "False")
                        .withReason("PodCompleted")
                        .build());
    }

    private static PodCondition ready(List<PodCondition> old, Pod pod, List<String> unready) {
        boolean gates = pod.getSpec().getReadinessGates().stream()
                .allMatch(gate -> pod.getStatus() != null
                        && pod.getStatus().getConditions().stream()
                                .anyMatch(c -> c.getType().equals(gate.getConditionType())
                                        && c.getStatus().equals("True")));
        return unready.isEmpty() && !gates
                ? condition(old, "Ready", false, "ReadinessGatesNotReady", "a readiness gate is not true")
                : condition(
                        old,
                        "Ready",
                        unready.isEmpty(),
                        "ContainersNotReady",
                        "containers with unready status: " + unready);
    }

    /** The reason and message are those of False. */
    private static PodCondition condition(
            List<PodCondition> old, String type, boolean value, String reason, String message) {
        PodConditionBuilder next = new PodConditionBuilder().withType(type).withStatus(value ? "True" : "False");
        if (!value) {
            next.withReason(reason).withMessage(message);
        }
        return keep(old, next.build());
    }

    private static PodCondition keep(List<PodCondition> old, PodCondition next) {
        String time = old.stream()
                .filter(c -> c.getType().equals(next.getType()) && c.getStatus().equals(next.getStatus()))
                .map(PodCondition::getLastTransitionTime)
                .findFirst()
                .orElseGet(PodStatuses::now);
        return new PodConditionBuilder(next).withLastTransitionTime(time).build();
    }

    /** As the kubelet decides it: what has ended before and waits counts as ended. */
    private static String phase(Pod pod, View view) {
        String policy = pod.getSpec().getRestartPolicy();
        if (!view.initialized()) {
            boolean failed = "Never".equals(policy)
                    && view.init().stream().anyMatch(c -> c.exitCode().orElse(0) != 0);
            return failed ? "Failed" : "Pending";
        }
        List<ContainerView> main = view.main();
        if (main.stream()
                .anyMatch(c -> c.state() instanceof ContainerView.State.Waiting
                        && c.last().isEmpty())) {
            return "Pending";
        }
        if (main.stream().anyMatch(c -> c.exitCode().isEmpty()) || "Always".equals(policy)) {
            return "Running";
        }
        if (main.stream().allMatch(c -> c.exitCode().orElse(1) == 0)) {
            return "Succeeded";
        }
        return "Never".equals(policy) ? "Failed" : "Running";
    }

    private static ContainerStatus container(ContainerView view, boolean init, boolean initialized) {
        boolean waitsForInit = !init && !initialized;
        return new ContainerStatusBuilder()
                .withName(view.name())
                .withImage(view.image())
                .withImageID(view.id().isEmpty() ? "" : "weir://" + view.image())
                .withContainerID(view.id().isEmpty() ? null : view.id())
                .withReady(view.ready() || init && view.exitCode().orElse(1) == 0)
                .withStarted(view.started())
                .withRestartCount(view.restarts())
                .withState(
                        waitsForInit
                                ? state(new ContainerView.State.Waiting("PodInitializing", ""))
                                : state(view.state()))
                .withLastState(view.last().map(PodStatuses::state).orElseGet(() -> new ContainerStateBuilder().build()))
                .build();
    }

    private static ContainerState state(ContainerView.State state) {
        ContainerStateBuilder builder = new ContainerStateBuilder();
        return switch (state) {
            case ContainerView.State.Waiting(String reason, String message) ->
                builder.withNewWaiting(message.isEmpty() ? null : message, reason)
                        .build();
            case ContainerView.State.Running(Instant since) ->
                builder.withNewRunning(seconds(since)).build();
            case ContainerView.State.Terminated end ->
                builder.withNewTerminated()
                        .withExitCode(end.code())
                        .withReason(end.reason())
                        .withMessage(end.message().isEmpty() ? null : end.message())
                        .withStartedAt(seconds(end.started()))
                        .withFinishedAt(seconds(end.finished()))
                        .endTerminated()
                        .build();
        };
    }

    private static String qualityOfService(Pod pod) {
        List<ResourceRequirements> all = new ArrayList<>();
        for (Container container : pod.getSpec().getContainers()) {
            all.add(container.getResources() == null ? new ResourceRequirements() : container.getResources());
        }
        if (all.stream().allMatch(r -> empty(r.getRequests()) && empty(r.getLimits()))) {
            return "BestEffort";
        }
        boolean guaranteed = all.stream()
                .allMatch(r -> !empty(r.getLimits())
                        && r.getLimits().keySet().containsAll(List.of("cpu", "memory"))
                        && (empty(r.getRequests()) || r.getRequests().equals(r.getLimits())));
        return guaranteed ? "Guaranteed" : "Burstable";
    }

    private static boolean empty(@Nullable Map<String, Quantity> amounts) {
        return amounts == null || amounts.isEmpty();
    }
}
