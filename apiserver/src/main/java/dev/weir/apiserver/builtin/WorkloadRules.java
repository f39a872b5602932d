package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ObjectMeta;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How the fields of workloads go together, with the words of Kubernetes' validation packages. Pure. */
final class WorkloadRules {
    private static final String LABELS = "`selector` does not match template `labels`";
    private static final Set<String> STATEFUL_CHANGES = Set.of(
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds");

    private final Problems problems = new Problems();
    private final ObjectNode object;
    private final JsonNode spec;
    private final JsonNode status;
    private final @Nullable ObjectNode old;

    private WorkloadRules(ObjectNode object, @Nullable ObjectNode old) {
        this.object = object;
        this.spec = object.path("spec");
        this.status = object.path("status");
        this.old = old;
    }

    static List<FieldError> problems(String plural, ObjectNode object, @Nullable ObjectNode old) {
        WorkloadRules rules = new WorkloadRules(object, old);
        switch (plural) {
            case "deployments" -> rules.deployment();
            case "replicasets" -> rules.replicaSet();
            case "daemonsets" -> rules.daemonSet();
            case "statefulsets" -> rules.statefulSet();
            case "replicationcontrollers" -> rules.replicationController();
            case "cronjobs" -> rules.cronJob();
            case "jobs" -> rules.job();
            case "podtemplates" -> {
                JsonNode template = object.path("template");
                rules.templateLabels("template", template);
                rules.problems.all(PodValidation.validate(template.path("spec"), "template.spec"));
            }
            default -> {}
        }
        return rules.problems.found();
    }

    private void templateLabels(String path, JsonNode template) {
        problems.all(ObjectMeta.validateLabels(template.path("metadata").path("labels"), path + ".labels"));
    }

    private void deadline(String kind) {
        if (spec.path("template").path("spec").has("activeDeadlineSeconds")) {
            problems.forbidden(
                    "spec.template.spec.activeDeadlineSeconds",
                    "activeDeadlineSeconds in " + kind + " is not Supported");
        }
    }

    /** Whatever of a selector cannot be evaluated. */
    private void selector() {
        int before = problems.found().size();
        problems.selector("spec.selector", spec.path("selector"));
        problems.all(ObjectMeta.validateLabels(spec.path("selector").path("matchLabels"), "spec.selector.matchLabels"));
        boolean broken = spec.path("selector")
                .path("matchExpressions")
                .valueStream()
                .anyMatch(one -> !List.of("In", "NotIn", "Exists", "DoesNotExist")
                        .contains(one.path("operator").asText("")));
        if (problems.found().size() > before && broken) {
            problems.invalid("spec.selector", spec.path("selector"), "invalid label selector");
        }
    }

    private void deployment() {
        selector();
        templateLabels("spec.template", spec.path("template"));
        deadline("ReplicaSet");
        JsonNode strategy = spec.path("strategy");
        if (strategy.path("type").asText().equals("Recreate") && strategy.has("rollingUpdate")) {
            problems.forbidden(
                    "spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
        }
        for (String field : List.of("maxUnavailable", "maxSurge")) {
            problems.share(
                    "spec.strategy.rollingUpdate." + field,
                    strategy.path("rollingUpdate").path(field),
                    false);
        }
        JsonNode rolling = strategy.path("rollingUpdate");
        boolean stuck =
                rolling.isObject() && !isMore(rolling.path("maxUnavailable")) && !isMore(rolling.path("maxSurge"));
        if (stuck) {
            problems.invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    rolling.path("maxUnavailable"),
                    "may not be 0 when `maxSurge` is 0");
        }
        JsonNode deadline = spec.path("progressDeadlineSeconds");
        if (deadline.isNumber()
                && deadline.asLong() <= spec.path("minReadySeconds").asLong()) {
            problems.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
        }
        problems.atMost(status, "updatedReplicas", "replicas", "status.replicas");
        problems.atMost(status, "readyReplicas", "replicas", "status.replicas");
        problems.atMost(status, "availableReplicas", "replicas", "status.replicas");
        problems.atMost(status, "availableReplicas", "readyReplicas", "readyReplicas");
    }

    private void replicaSet() {
        selector();
        templateLabels("spec.template", spec.path("template"));
        deadline("ReplicaSet");
        problems.atMost(status, "fullyLabeledReplicas", "replicas", "status.replicas");
        problems.atMost(status, "readyReplicas", "replicas", "status.replicas");
        problems.atMost(status, "availableReplicas", "replicas", "status.replicas");
        problems.atMost(status, "availableReplicas", "readyReplicas", "readyReplicas");
    }

    private void daemonSet() {
        templateLabels("spec.template", spec.path("template"));
        deadline("DaemonSet");
        JsonNode strategy = spec.path("updateStrategy");
        if (!List.of("RollingUpdate", "OnDelete").contains(strategy.path("type").asText())) {
            problems.unsupported("spec.updateStrategy", strategy, List.of("RollingUpdate", "OnDelete"));
        }
        JsonNode rolling = strategy.path("rollingUpdate");
        for (String field : List.of("maxUnavailable", "maxSurge")) {
            problems.share("spec.updateStrategy.rollingUpdate." + field, rolling.path(field), true);
        }
        boolean both = isMore(rolling.path("maxUnavailable")) && isMore(rolling.path("maxSurge"));
        if (both) {
            problems.invalid(
                    "spec.updateStrategy.rollingUpdate.maxSurge",
                    rolling.path("maxSurge"),
                    "may not be set when maxUnavailable is non-zero");
        }
    }

    private static boolean isMore(JsonNode share) {
        return !share.isMissingNode() && !List.of("0", "0%").contains(share.asText());
    }

    private void statefulSet() {
        templateLabels("spec.template", spec.path("template"));
        deadline("StatefulSet");
        JsonNode policy = spec.path("podManagementPolicy");
        if (!List.of("OrderedReady", "Parallel").contains(policy.asText())) {
            problems.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
        }
        if (old == null || !(old.path("spec") instanceof ObjectNode before)) {
            return;
        }
        boolean same = Json.same(
                before.deepCopy().without(STATEFUL_CHANGES),
                spec.<ObjectNode>deepCopy().without(STATEFUL_CHANGES));
        if (!same) {
            problems.forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template',"
                            + " 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and"
                            + " 'minReadySeconds' are forbidden");
        }
    }

    private void replicationController() {
        JsonNode template = spec.path("template");
        if (template.path("metadata").isEmpty()
                && template.path("spec").path("containers").isEmpty()) {
            problems.required("spec.template", "");
            return;
        }
        boolean matches = spec.path("selector").properties().stream()
                .allMatch(entry -> entry.getValue()
                        .equals(template.path("metadata").path("labels").get(entry.getKey())));
        if (template.isObject() && !matches) {
            problems.invalid(
                    "spec.template.metadata.labels",
                    template.path("metadata").path("labels"),
                    "`selector` does not match template `labels`");
        }
        if (template.isObject()) {
            templateLabels("spec.template", template);
            problems.all(PodValidation.validate(template.path("spec"), "spec.template.spec"));
        }
    }

    private void cronJob() {
        JsonNode schedule = spec.path("schedule");
        String text = schedule.asText("");
        int fields = text.strip().split("\\s+").length;
        if (text.contains("TZ")) {
            problems.invalid(
                    "spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        } else if (!text.isEmpty() && !text.startsWith("@") && fields != 5) {
            problems.invalid(
                    "spec.schedule",
                    schedule,
                    "expected exactly 5 fields, found " + fields + ": "
                            + Arrays.asList(text.strip().split("\\s+")));
        }
        JsonNode zone = spec.path("timeZone");
        if (zone.isTextual() && zone.asText().isEmpty()) {
            problems.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string");
        } else if (zone.isTextual() && !isZone(zone.asText())) {
            problems.invalid("spec.timeZone", zone, "unknown time zone " + zone.asText());
        }
    }

    private static boolean isZone(String name) {
        try {
            ZoneId.of(name);
            return true;
        } catch (DateTimeException unknown) {
            return false;
        }
    }

    private void job() {
        JsonNode template = spec.path("template");
        templateLabels("spec.template", template);
        boolean indexed = spec.path("completionMode").asText().equals("Indexed");
        if (indexed && !spec.has("completions")) {
            problems.required("spec.completions", "when completion mode is Indexed");
        }
        if (!indexed && spec.has("backoffLimitPerIndex")) {
            problems.invalid(
                    "spec.backoffLimitPerIndex", spec.path("backoffLimitPerIndex"), "requires indexed completion mode");
        }
        if (old != null) {
            JsonNode before = old.path("spec").path("completions");
            if (!indexed && !Json.same(before, spec.path("completions"))) {
                problems.invalid("spec.completions", spec.path("completions"), FieldRule.IMMUTABLE);
            }
        }
        jobSelector(template);
        jobStatus();
    }

    private void jobSelector(JsonNode template) {
        JsonNode selector = spec.path("selector");
        if (selector.isMissingNode()) {
            problems.required("spec.selector", "");
        } else if (!spec.path("manualSelector").asBoolean()) {
            generated(selector);
        }
        JsonNode labels = template.path("metadata").path("labels");
        JsonNode rules = spec.path("podFailurePolicy").path("rules");
        for (int i = 0; i < rules.size(); i++) {
            if (rules.get(i).has("onExitCodes") == rules.get(i).has("onPodConditions")) {
                problems.invalid(
                        "spec.podFailurePolicy.rules[" + i + "]",
                        "specifying one of OnExitCodes and OnPodConditions is required");
            }
        }
        if (spec.has("podFailurePolicy")
                && !template.path("spec").path("restartPolicy").asText().equals("Never")) {
            problems.invalid(
                    "spec.template.spec.restartPolicy",
                    template.path("spec").path("restartPolicy"),
                    "only \"Never\" is supported when podFailurePolicy is specified");
        }
        boolean matches = !selector.isMissingNode()
                && selector.path("matchLabels").properties().stream()
                        .allMatch(entry -> entry.getValue().equals(labels.get(entry.getKey())));
        if (!matches) {
            problems.invalid("spec.template.metadata.labels", labels, LABELS);
        }
    }

    /** A selector that the user does not set selects by what identifies the job. */
    private void generated(JsonNode selector) {
        JsonNode metadata = object.path("metadata");
        Map<String, String> own = new LinkedHashMap<>();
        for (String prefix : List.of("batch.kubernetes.io/", "")) {
            own.put(prefix + "controller-uid", metadata.path("uid").asText());
            own.put(prefix + "job-name", metadata.path("name").asText());
        }
        boolean matches = selector.path("matchLabels").properties().stream()
                .allMatch(entry -> entry.getValue().asText().equals(own.get(entry.getKey())));
        if (!matches) {
            problems.invalid("spec.selector", selector, "`selector` not auto-generated");
        }
    }

    private void jobStatus() {
        boolean complete = condition("Complete");
        boolean finished = complete || condition("Failed");
        if (complete && !condition("SuccessCriteriaMet")) {
            problems.invalid(
                    "status.conditions",
                    "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
        }
        if (finished && !status.has("startTime")) {
            problems.required("status.startTime", "startTime is required for finished job");
        }
        if (finished && status.path("active").asLong() > 0) {
            problems.invalid("status.active", status.path("active"), "active>0 is invalid for finished job");
        }
    }

    private boolean condition(String type) {
        return status.path("conditions")
                .valueStream()
                .anyMatch(condition -> condition.path("type").asText().equals(type)
                        && condition.path("status").asText().equals("True"));
    }
}
