package dev.weir.apiserver.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ResourceType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The rows of batch, scaling, ingress, storage and policy kinds, after Kubernetes' internal printers. */
final class ClusterCells {
    private static final String NONE = "<none>";
    private static final String UNSET = "<unset>";
    private static final Map<String, String> ACCESS_MODES =
            Map.of("ReadWriteOnce", "RWO", "ReadOnlyMany", "ROX", "ReadWriteMany", "RWX", "ReadWriteOncePod", "RWOP");

    private final ObjectNode object;
    private final JsonNode spec;
    private final JsonNode status;
    private final ArrayNode cells;
    private final String age;
    private final Instant now;

    private ClusterCells(ObjectNode object, ArrayNode cells, String age, Instant now) {
        this.object = object;
        this.spec = object.path("spec");
        this.status = object.path("status");
        this.cells = cells;
        this.age = age;
        this.now = now;
    }

    /** Adds the cells that follow the name; none if the kind is not of those known here. */
    static void add(ResourceType type, ObjectNode object, ArrayNode cells, String age, Instant now) {
        ClusterCells row = new ClusterCells(object, cells, age, now);
        switch (type.plural()) {
            case "daemonsets" -> row.daemonSet();
            case "statefulsets" -> row.statefulSet();
            case "jobs" -> row.job();
            case "cronjobs" -> row.cronJob();
            case "horizontalpodautoscalers" -> row.autoscaler();
            case "poddisruptionbudgets" -> row.disruptionBudget();
            case "ingresses" -> row.ingress();
            case "ingressclasses" -> row.ingressClass();
            case "networkpolicies" ->
                cells.add(labels(row.spec.path("podSelector").path("matchLabels")))
                        .add(age);
            case "persistentvolumes" -> row.volume();
            case "persistentvolumeclaims" -> row.claim();
            case "storageclasses" -> row.storageClass();
            case "resourcequotas" -> row.quota();
            default -> row.simple(type.plural());
        }
    }

    private void simple(String plural) {
        switch (plural) {
            case "limitranges", "csistoragecapacities" ->
                cells.add(object.path("metadata").path("creationTimestamp").asText());
            case "priorityclasses" ->
                cells.add(object.path("value").asLong())
                        .add(object.path("globalDefault").asBoolean())
                        .add(age)
                        .add(object.path("preemptionPolicy").asText("PreemptLowerPriority"));
            case "runtimeclasses" -> cells.add(object.path("handler").asText()).add(age);
            case "mutatingwebhookconfigurations", "validatingwebhookconfigurations" ->
                cells.add(object.path("webhooks").size()).add(age);
            case "apiservices" -> {
                JsonNode service = spec.path("service");
                cells.add(
                        service.isObject()
                                ? service.path("namespace").asText() + "/"
                                        + service.path("name").asText()
                                : "Local");
                cells.add(hasCondition("Available") ? "True" : "False").add(age);
            }
            case "podtemplates" -> {
                JsonNode containers = object.path("template").path("spec").path("containers");
                cells.add(join(containers, "name")).add(join(containers, "image"));
                cells.add(labels(object.path("template").path("metadata").path("labels")));
            }
            default -> {}
        }
    }

    private boolean hasCondition(String type) {
        for (JsonNode condition : status.path("conditions")) {
            if (condition.path("type").asText().equals(type)) {
                return condition.path("status").asText().equals("True");
            }
        }
        return false;
    }

    private void containers(JsonNode template) {
        JsonNode containers = template.path("spec").path("containers");
        cells.add(join(containers, "name")).add(join(containers, "image"));
    }

    private static String join(JsonNode list, String field) {
        List<String> texts = new ArrayList<>();
        list.forEach(item -> texts.add(item.path(field).asText()));
        return String.join(",", texts);
    }

    private static String labels(JsonNode labels) {
        String text = labels.properties().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue().asText())
                .sorted()
                .collect(Collectors.joining(","));
        return text.isEmpty() ? NONE : text;
    }

    private void daemonSet() {
        for (String count : List.of(
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable")) {
            cells.add(status.path(count).asInt());
        }
        cells.add(labels(spec.path("template").path("spec").path("nodeSelector")))
                .add(age);
        containers(spec.path("template"));
        cells.add(labels(spec.path("selector").path("matchLabels")));
    }

    private void statefulSet() {
        cells.add(status.path("readyReplicas").asInt() + "/"
                + spec.path("replicas").asInt());
        cells.add(age);
        containers(spec.path("template"));
    }

    private void job() {
        int succeeded = status.path("succeeded").asInt();
        int parallelism = spec.path("parallelism").asInt();
        cells.add(jobStatus());
        cells.add(
                spec.has("completions")
                        ? succeeded + "/" + spec.path("completions").asInt()
                        : succeeded + "/1" + (parallelism > 1 ? " of " + parallelism : ""));
        String start = status.path("startTime").asText("");
        String end = status.path("completionTime").asText("");
        cells.add(
                start.isEmpty()
                        ? ""
                        : Ages.human(Duration.between(Instant.parse(start), end.isEmpty() ? now : Instant.parse(end))));
        cells.add(age);
        containers(spec.path("template"));
        cells.add(labels(spec.path("selector").path("matchLabels")));
    }

    private String jobStatus() {
        if (hasCondition("Complete") || hasCondition("Failed")) {
            return hasCondition("Complete") ? "Complete" : "Failed";
        }
        if (object.path("metadata").has("deletionTimestamp")) {
            return "Terminating";
        }
        for (String condition : List.of("Suspended", "FailureTarget", "SuccessCriteriaMet")) {
            if (hasCondition(condition)) {
                return condition;
            }
        }
        return "Running";
    }

    private void cronJob() {
        cells.add(spec.path("schedule").asText());
        cells.add(spec.path("timeZone").asText(NONE));
        cells.add(spec.has("suspend") ? spec.path("suspend").asBoolean() ? "True" : "False" : UNSET);
        cells.add(status.path("active").size());
        String last = status.path("lastScheduleTime").asText("");
        cells.add(last.isEmpty() ? NONE : Ages.since(last, now)).add(age);
        containers(spec.path("jobTemplate").path("spec").path("template"));
        cells.add(labels(spec.path("jobTemplate").path("spec").path("selector").path("matchLabels")));
    }

    private void autoscaler() {
        JsonNode target = spec.path("scaleTargetRef");
        cells.add(target.path("kind").asText() + "/" + target.path("name").asText());
        cells.add(targets());
        cells.add(spec.has("minReplicas") ? spec.path("minReplicas").asText() : UNSET);
        cells.add(spec.path("maxReplicas").asInt());
        cells.add(status.path("currentReplicas").asInt()).add(age);
    }

    private String targets() {
        if (spec.has("targetCPUUtilizationPercentage")) {
            String current = status.has("currentCPUUtilizationPercentage")
                    ? status.path("currentCPUUtilizationPercentage").asText() + "%"
                    : "<unknown>";
            return "cpu: " + current + "/"
                    + spec.path("targetCPUUtilizationPercentage").asText() + "%";
        }
        List<String> targets = new ArrayList<>();
        JsonNode metrics = spec.path("metrics");
        for (int i = 0; i < metrics.size(); i++) {
            targets.add(target(metrics.get(i), status.path("currentMetrics").path(i)));
        }
        if (targets.isEmpty()) {
            return NONE;
        }
        String shown = String.join(", ", targets.subList(0, Math.min(2, targets.size())));
        return targets.size() > 2 ? shown + " + " + (targets.size() - 2) + " more..." : shown;
    }

    private static String target(JsonNode metric, JsonNode current) {
        String type = metric.path("type").asText();
        String source = type.isEmpty() ? "" : Character.toLowerCase(type.charAt(0)) + type.substring(1);
        JsonNode wanted = metric.path(source).path("target");
        JsonNode now = current.path(source).path("current");
        String name = metric.path(source).path("name").asText("");
        String prefix = source.equals("resource") || source.equals("containerResource") ? name + ": " : "";
        if (wanted.has("averageUtilization")) {
            String value = now.has("averageUtilization")
                    ? now.path("averageUtilization").asText() + "%"
                    : "<unknown>";
            return prefix + value + "/" + wanted.path("averageUtilization").asText() + "%";
        }
        String field = wanted.has("averageValue") ? "averageValue" : "value";
        return prefix + now.path(field).asText("<unknown>") + "/"
                + wanted.path(field).asText() + (field.equals("averageValue") && prefix.isEmpty() ? " (avg)" : "");
    }

    private void disruptionBudget() {
        cells.add(spec.path("minAvailable").asText("N/A"));
        cells.add(spec.path("maxUnavailable").asText("N/A"));
        cells.add(status.path("disruptionsAllowed").asInt()).add(age);
    }

    private void ingress() {
        String annotated = object.path("metadata")
                .path("annotations")
                .path("kubernetes.io/ingress.class")
                .asText(NONE);
        cells.add(spec.path("ingressClassName").asText(annotated));
        List<String> hosts = new ArrayList<>();
        spec.path("rules").forEach(rule -> {
            if (!rule.path("host").asText("").isEmpty()) {
                hosts.add(rule.path("host").asText());
            }
        });
        String shown = String.join(",", hosts.subList(0, Math.min(3, hosts.size())));
        cells.add(hosts.isEmpty() ? "*" : hosts.size() > 3 ? shown + " + " + (hosts.size() - 3) + " more..." : shown);
        List<String> addresses = new ArrayList<>();
        status.path("loadBalancer")
                .path("ingress")
                .forEach(one ->
                        addresses.add(one.path("ip").asText(one.path("hostname").asText())));
        cells.add(String.join(",", addresses));
        cells.add(spec.path("tls").isEmpty() ? "80" : "80, 443").add(age);
    }

    private void ingressClass() {
        cells.add(spec.path("controller").asText());
        JsonNode parameters = spec.path("parameters");
        String group = parameters.path("apiGroup").asText("");
        cells.add(
                parameters.isObject()
                        ? parameters.path("kind").asText() + (group.isEmpty() ? "" : "." + group) + "/"
                                + parameters.path("name").asText()
                        : NONE);
        cells.add(age);
    }

    private String accessModes(JsonNode modes) {
        List<String> texts = new ArrayList<>();
        modes.forEach(mode -> texts.add(ACCESS_MODES.getOrDefault(mode.asText(), mode.asText())));
        return String.join(",", texts);
    }

    private String phase() {
        return object.path("metadata").has("deletionTimestamp")
                ? "Terminating"
                : status.path("phase").asText("");
    }

    private void volume() {
        cells.add(spec.path("capacity").path("storage").asText(""));
        cells.add(accessModes(spec.path("accessModes")));
        cells.add(spec.path("persistentVolumeReclaimPolicy").asText(""));
        cells.add(phase());
        JsonNode claim = spec.path("claimRef");
        cells.add(
                claim.isObject()
                        ? claim.path("namespace").asText() + "/"
                                + claim.path("name").asText()
                        : "");
        cells.add(spec.path("storageClassName").asText(""));
        cells.add(spec.path("volumeAttributesClassName").asText(UNSET));
        cells.add(status.path("reason").asText("")).add(age);
        cells.add(spec.path("volumeMode").asText(UNSET));
    }

    private void claim() {
        boolean bound = !spec.path("volumeName").asText("").isEmpty();
        cells.add(phase()).add(spec.path("volumeName").asText(""));
        cells.add(bound ? status.path("capacity").path("storage").asText("") : "");
        cells.add(bound ? accessModes(status.path("accessModes")) : "");
        cells.add(spec.path("storageClassName").asText(""));
        cells.add(spec.path("volumeAttributesClassName").asText(UNSET)).add(age);
        cells.add(spec.path("volumeMode").asText(UNSET));
    }

    private void storageClass() {
        boolean standard = object.path("metadata")
                .path("annotations")
                .path("storageclass.kubernetes.io/is-default-class")
                .asText("")
                .equals("true");
        if (standard) {
            cells.set(0, cells.get(0).asText() + " (default)");
        }
        cells.add(object.path("provisioner").asText());
        cells.add(object.path("reclaimPolicy").asText("Delete"));
        cells.add(object.path("volumeBindingMode").asText(UNSET));
        cells.add(object.path("allowVolumeExpansion").asBoolean()).add(age);
    }

    private void quota() {
        List<String> requests = new ArrayList<>();
        List<String> limits = new ArrayList<>();
        Map<String, JsonNode> hard = new TreeMap<>();
        status.path("hard").properties().forEach(entry -> hard.put(entry.getKey(), entry.getValue()));
        hard.forEach((name, most) -> (name.startsWith("limits") ? limits : requests)
                .add(name + ": " + status.path("used").path(name).asText("0") + "/" + most.asText()));
        cells.add(String.join(", ", requests)).add(String.join(", ", limits)).add(age);
    }
}
