package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.store.VersionedStore;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Deleting pods only as far as disruption budgets allow, after the eviction subresource of Kubernetes.
 *
 * <p>A budget's status is the work of a disruption controller. Where none has ever written it, the healthy pods are
 * counted here.
 */
final class Evictions {
    private static final String DISRUPTED = "DisruptionTarget";
    private static final String BUDGETS = "poddisruptionbudgets.policy";

    private final Resources resources;
    private final Deletes deletes;
    private final Clock clock;

    Evictions(Resources resources, Deletes deletes, Clock clock) {
        this.resources = resources;
        this.deletes = deletes;
        this.clock = clock;
    }

    /** @throws ApiException 429 if a budget does not allow it now */
    ApiResponse evict(Writes.Target target, ApiRequest request) {
        ObjectNode eviction = Bodies.object(request);
        if (!eviction.path("metadata").path("name").asText("").equals(target.name())) {
            throw ApiException.badRequest("name in URL does not match name in Eviction object");
        }
        ObjectNode options = eviction.path("deleteOptions") instanceof ObjectNode found ? found : eviction.objectNode();
        boolean dryRun = WriteOptions.of(request, "CreateOptions").dryRunWith(options);
        ObjectNode pod = resources.get(target.type(), target.namespace(), target.name());
        if (!harmless(pod)) {
            List<VersionedStore.Entry> budgets = budgets(target.namespace(), pod);
            if (budgets.size() > 1) {
                throw ApiException.internal("This pod has more than one PodDisruptionBudget, which the eviction"
                        + " subresource does not support.");
            }
            if (!budgets.isEmpty() && !(unhealthy(pod) && alwaysAllowed(budgets.getFirst()))) {
                spend(budgets.getFirst(), target, dryRun);
            }
        }
        if (!dryRun) {
            disrupt(target, options);
        }
        deletes.delete(new Writes.Target(target.type(), target.namespace(), target.name(), ""), options, dryRun);
        return new ApiResponse.Json(201, ApiException.status("Success", null, null, null, 201));
    }

    /** Says of a pod why it goes. What the caller wants to delete is then the pod that says so. */
    private void disrupt(Writes.Target target, ObjectNode options) {
        VersionedStore.Key key = Resources.key(target.type(), target.namespace(), target.name());
        while (true) {
            Optional<VersionedStore.Entry> pod = resources.store().get(key);
            if (pod.isEmpty()) {
                return;
            }
            ObjectNode live = resources.read(target.type(), pod.get().object());
            Deletes.checkPreconditions(target.type(), live, options.path("preconditions"));
            ObjectNode next = pod.get().object().deepCopy();
            if (!conditioned(next.withObject("/status").withArray("conditions"))) {
                return;
            }
            Optional<VersionedStore.Entry> written =
                    resources.store().replace(key, pod.get().revision(), next);
            if (written.isPresent()) {
                if (options.path("preconditions").has("resourceVersion")) {
                    String version = Long.toString(written.get().revision());
                    options.withObject("/preconditions").put("resourceVersion", version);
                }
                return;
            }
        }
    }

    /** False if the condition was there. */
    private boolean conditioned(ArrayNode conditions) {
        ObjectNode condition = conditions
                .objectNode()
                .put("type", DISRUPTED)
                .put("status", "True")
                .putNull("lastProbeTime")
                .put(
                        "lastTransitionTime",
                        clock.instant().truncatedTo(ChronoUnit.SECONDS).toString())
                .put("reason", "EvictionByEvictionAPI")
                .put("message", "Eviction API: evicting");
        for (int i = 0; i < conditions.size(); i++) {
            JsonNode present = conditions.get(i);
            if (present.path("type").asText().equals(DISRUPTED)) {
                if (present.path("status").asText().equals("True")) {
                    condition.set("lastTransitionTime", present.path("lastTransitionTime"));
                }
                conditions.set(i, condition);
                return !condition.equals(present);
            }
        }
        conditions.add(condition);
        return true;
    }

    /** Pods that do not run count for no budget. */
    private static boolean harmless(ObjectNode pod) {
        return List.of("Succeeded", "Failed", "Pending")
                        .contains(pod.path("status").path("phase").asText())
                || pod.path("metadata").has("deletionTimestamp");
    }

    private static boolean alwaysAllowed(VersionedStore.Entry budget) {
        return budget.object()
                .path("spec")
                .path("unhealthyPodEvictionPolicy")
                .asText("")
                .equals("AlwaysAllow");
    }

    private static boolean unhealthy(JsonNode pod) {
        for (JsonNode condition : pod.path("status").path("conditions")) {
            if (condition.path("type").asText().equals("Ready")) {
                return !condition.path("status").asText().equals("True");
            }
        }
        return true;
    }

    private List<VersionedStore.Entry> list(String resource, String namespace) {
        try {
            return resources.store().list(resource, namespace, 0).entries();
        } catch (VersionedStore.CompactedException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private List<VersionedStore.Entry> budgets(String namespace, ObjectNode pod) {
        return list(BUDGETS, namespace).stream()
                .filter(entry -> Selectors.selects(entry.object().path("spec").get("selector"), pod))
                .toList();
    }

    private void spend(VersionedStore.Entry found, Writes.Target target, boolean dryRun) {
        VersionedStore.Entry budget = found;
        while (true) {
            ObjectNode next = budget.object().deepCopy();
            ObjectNode status = next.withObject("/status");
            boolean controlled = status.path("observedGeneration").asLong() > 0;
            if (controlled
                    && status.path("observedGeneration").asLong()
                            < next.path("metadata").path("generation").asLong()) {
                throw ApiException.tooManyRequests(
                        "Cannot evict pod as it would violate the pod's disruption budget.",
                        "The disruption budget " + budget.key().name() + " is still being processed by the server.");
            }
            Count count = controlled
                    ? new Count(
                            status.path("disruptionsAllowed").asInt(),
                            status.path("desiredHealthy").asInt(),
                            status.path("currentHealthy").asInt())
                    : count(budget, target.namespace());
            if (count.allowed() <= 0) {
                throw ApiException.tooManyRequests(
                        "Cannot evict pod as it would violate the pod's disruption budget.",
                        "The disruption budget " + budget.key().name() + " needs " + count.desired()
                                + " healthy pods and has " + count.healthy() + " currently");
            }
            if (dryRun || !controlled) {
                return;
            }
            status.put("disruptionsAllowed", count.allowed() - 1);
            status.withObject("/disruptedPods")
                    .put(
                            target.name(),
                            clock.instant().truncatedTo(ChronoUnit.SECONDS).toString());
            if (resources.store().replace(budget.key(), budget.revision(), next).isPresent()) {
                return;
            }
            Optional<VersionedStore.Entry> again = resources.store().get(budget.key());
            if (again.isEmpty()) {
                return;
            }
            budget = again.get();
        }
    }

    /** How many pods may go, must be healthy, and are. */
    private record Count(int allowed, int desired, int healthy) {}

    private Count count(VersionedStore.Entry budget, String namespace) {
        JsonNode spec = budget.object().path("spec");
        List<ObjectNode> pods = new ArrayList<>();
        for (VersionedStore.Entry pod : list("pods", namespace)) {
            if (Selectors.selects(spec.get("selector"), pod.object())
                    && !pod.object().path("metadata").has("deletionTimestamp")) {
                pods.add(pod.object());
            }
        }
        int healthy = (int) pods.stream().filter(pod -> !unhealthy(pod)).count();
        int desired = spec.has("maxUnavailable")
                ? Math.max(0, pods.size() - scaled(spec.path("maxUnavailable"), pods.size()))
                : scaled(spec.path("minAvailable"), pods.size());
        return new Count(healthy - desired, desired, healthy);
    }

    /** Percentages are rounded up. */
    private static int scaled(JsonNode value, int of) {
        String text = value.asText("0");
        return text.matches("\\d{1,3}%")
                ? Math.ceilDiv(of * Integer.parseInt(text.substring(0, text.length() - 1)), 100)
                : value.asInt();
    }
}
