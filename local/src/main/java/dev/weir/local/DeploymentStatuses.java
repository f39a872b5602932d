package dev.weir.local;

import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentCondition;
import io.fabric8.kubernetes.api.model.apps.DeploymentConditionBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentStatus;
import io.fabric8.kubernetes.api.model.apps.DeploymentStatusBuilder;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a Deployment's status says of its ReplicaSets, after the rules of Kubernetes' deployment controller. Pure. */
final class DeploymentStatuses {
    private static final String PROGRESSING = "Progressing";
    private static final String NEW_AVAILABLE = "NewReplicaSetAvailable";
    private static final String EXCEEDED = "ProgressDeadlineExceeded";
    /** As Kubernetes writes it: no deadline. */
    private static final int NEVER = Integer.MAX_VALUE;

    private final Deployment deployment;
    private final @Nullable ReplicaSet current;
    private final Instant now;
    private final int replicas;
    private final int ready;
    private final int available;
    private final int updated;

    /**
     * @param current the ReplicaSet of the present template, if there is one
     * @param all the ReplicaSets, this one included
     */
    DeploymentStatuses(Deployment deployment, @Nullable ReplicaSet current, List<ReplicaSet> all, Instant now) {
        this.deployment = deployment;
        this.current = current;
        this.now = now.truncatedTo(ChronoUnit.SECONDS);
        this.replicas =
                all.stream().mapToInt(set -> count(set, s -> s.getReplicas())).sum();
        this.ready = all.stream()
                .mapToInt(set -> count(set, s -> s.getReadyReplicas()))
                .sum();
        this.available = all.stream().mapToInt(DeploymentStatuses::available).sum();
        this.updated = current == null ? 0 : count(current, s -> s.getReplicas());
    }

    private static int count(
            ReplicaSet set, Function<io.fabric8.kubernetes.api.model.apps.ReplicaSetStatus, @Nullable Integer> which) {
        return set.getStatus() == null ? 0 : Objects.requireNonNullElse(which.apply(set.getStatus()), 0);
    }

    static int available(ReplicaSet set) {
        return count(set, s -> s.getAvailableReplicas());
    }

    /** Whether the new ReplicaSet has all replicas, sized for the present number and available. */
    static boolean saturated(Deployment deployment, ReplicaSet current) {
        int wanted = deployment.getSpec().getReplicas();
        return current.getSpec().getReplicas() == wanted && available(current) == wanted;
    }

    /** Whether every replica is of the present template and available, and nothing else is left. */
    boolean complete() {
        int wanted = deployment.getSpec().getReplicas();
        return current != null && updated == wanted && replicas == wanted && available == wanted;
    }

    /** The Deployment with its new status; empty if that is the status that it has. */
    Optional<Deployment> changed() {
        int wanted = deployment.getSpec().getReplicas();
        int missing = Math.max(0, Math.max(wanted, replicas) - available);
        DeploymentStatus before = deployment.getStatus();
        DeploymentStatus status = new DeploymentStatusBuilder()
                .withObservedGeneration(deployment.getMetadata().getGeneration())
                .withReplicas(orNull(replicas))
                .withUpdatedReplicas(orNull(updated))
                .withReadyReplicas(orNull(ready))
                .withAvailableReplicas(orNull(available))
                .withUnavailableReplicas(orNull(missing))
                .withCollisionCount(before == null ? null : before.getCollisionCount())
                .withConditions(conditions())
                .build();
        return status.equals(before)
                ? Optional.empty()
                : Optional.of(
                        new DeploymentBuilder(deployment).withStatus(status).build());
    }

    private static @Nullable Integer orNull(int count) {
        return count == 0 ? null : count;
    }

    private List<DeploymentCondition> conditions() {
        List<DeploymentCondition> conditions = new ArrayList<>();
        boolean enough = available >= RollingUpdate.limits(deployment).least();
        conditions.add(condition(
                "Available",
                enough,
                enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
                false));
        progressing().ifPresent(conditions::add);
        return conditions;
    }

    private Optional<DeploymentCondition> before(String type) {
        return deployment.getStatus() == null
                ? Optional.empty()
                : deployment.getStatus().getConditions().stream()
                        .filter(condition -> condition.getType().equals(type))
                        .findFirst();
    }

    private Optional<DeploymentCondition> progressing() {
        if (deadlineSeconds() == NEVER) {
            return Optional.empty();
        }
        Optional<DeploymentCondition> before = before(PROGRESSING);
        if (Boolean.TRUE.equals(deployment.getSpec().getPaused())) {
            boolean kept = before.isPresent() && before.get().getReason().equals(EXCEEDED);
            return kept
                    ? before
                    : Optional.of(condition(PROGRESSING, null, "DeploymentPaused", "Deployment is paused", false));
        }
        if (before.isPresent() && before.get().getReason().equals("DeploymentPaused")) {
            return Optional.of(condition(PROGRESSING, null, "DeploymentResumed", "Deployment is resumed", true));
        }
        String set = current == null
                ? "Deployment \"" + deployment.getMetadata().getName() + "\""
                : "ReplicaSet \"" + current.getMetadata().getName() + "\"";
        if (complete()) {
            return Optional.of(
                    condition(PROGRESSING, true, NEW_AVAILABLE, set + " has successfully progressed.", false));
        }
        if (before.isEmpty() || advanced() || startedAnew(before.get())) {
            return Optional.of(condition(PROGRESSING, true, "ReplicaSetUpdated", set + " is progressing.", true));
        }
        if (overdue(before.get())) {
            return Optional.of(condition(PROGRESSING, false, EXCEEDED, set + " has timed out progressing.", false));
        }
        return before;
    }

    private int deadlineSeconds() {
        return Objects.requireNonNullElse(deployment.getSpec().getProgressDeadlineSeconds(), NEVER);
    }

    /** Whether there is more of the new or less of the old than the status says. */
    private boolean advanced() {
        DeploymentStatus before = deployment.getStatus();
        if (before == null) {
            return true;
        }
        int updatedBefore = Objects.requireNonNullElse(before.getUpdatedReplicas(), 0);
        int oldBefore = Objects.requireNonNullElse(before.getReplicas(), 0) - updatedBefore;
        return updated > updatedBefore
                || replicas - updated < oldBefore
                || ready > Objects.requireNonNullElse(before.getReadyReplicas(), 0)
                || available > Objects.requireNonNullElse(before.getAvailableReplicas(), 0);
    }

    /** Whether the template has changed since: a roll-out that was done or stuck begins again. */
    private boolean startedAnew(DeploymentCondition before) {
        boolean ended =
                before.getReason().equals(NEW_AVAILABLE) || before.getReason().equals(EXCEEDED);
        return ended
                && (current == null
                        || !before.getMessage()
                                .contains("\"" + current.getMetadata().getName() + "\""));
    }

    private boolean overdue(DeploymentCondition before) {
        return !before.getReason().equals(NEW_AVAILABLE)
                && !Instant.parse(before.getLastUpdateTime())
                        .plusSeconds(deadlineSeconds())
                        .isAfter(now);
    }

    /** After how long the deadline for progress will be over; empty if nothing waits for it. */
    Optional<Duration> deadline() {
        if (deadlineSeconds() == NEVER
                || complete()
                || Boolean.TRUE.equals(deployment.getSpec().getPaused())) {
            return Optional.empty();
        }
        return progressing()
                .filter(condition -> !condition.getReason().equals(EXCEEDED)
                        && !condition.getReason().equals(NEW_AVAILABLE))
                .map(condition -> Duration.between(
                                now,
                                Instant.parse(condition.getLastUpdateTime()).plusSeconds(deadlineSeconds()))
                        .plusSeconds(1));
    }

    /**
     * A condition with the times of the one before where nothing changed.
     *
     * @param value null for unknown
     * @param touch whether it counts as updated though it reads the same
     */
    private DeploymentCondition condition(
            String type, @Nullable Boolean value, String reason, String message, boolean touch) {
        String status = value == null ? "Unknown" : value ? "True" : "False";
        Optional<DeploymentCondition> before = before(type);
        boolean sameStatus =
                before.filter(old -> old.getStatus().equals(status)).isPresent();
        boolean same = sameStatus
                && before.get().getReason().equals(reason)
                && before.get().getMessage().equals(message);
        if (same && !touch) {
            return before.get();
        }
        return new DeploymentConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .withLastUpdateTime(now.toString())
                .withLastTransitionTime(sameStatus ? before.get().getLastTransitionTime() : now.toString())
                .build();
    }
}
