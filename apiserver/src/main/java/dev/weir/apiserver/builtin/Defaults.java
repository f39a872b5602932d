package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ResourceType;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;

/** The defaults of built-in kinds that clients compare, after the defaults.go files of Kubernetes 1.34. Pure. */
final class Defaults {
    /** Counts the changes of a DaemonSet's template. */
    static final String TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

    private Defaults() {}

    /** The older field and the first of the newer one say the same. */
    private static void node(ObjectNode spec) {
        if (spec.has("podCIDR") && !spec.has("podCIDRs")) {
            spec.putArray("podCIDRs").add(spec.path("podCIDR").asText());
        }
    }

    static void apply(ResourceType type, ObjectNode object) {
        switch (type.plural()) {
            case "services", "endpoints", "endpointslices", "networkpolicies", "ingressclasses" ->
                network(type.plural(), object);
            case "persistentvolumes", "persistentvolumeclaims", "storageclasses" -> storage(type.plural(), object);
            case "secrets" -> secret(object);
            case "nodes" -> node(object.withObject("/spec"));
            case "namespaces" -> {
                String name = object.path("metadata").path("name").asText("");
                if (!name.isEmpty()) {
                    object.withObject("/metadata").withObject("/labels").put("kubernetes.io/metadata.name", name);
                }
            }
            case "customresourcedefinitions" -> definition(object);
            case "validatingwebhookconfigurations", "mutatingwebhookconfigurations" ->
                object.path("webhooks").forEach(webhook -> webhook(type.plural(), (ObjectNode) webhook));
            case "priorityclasses" -> policies(type.plural(), object);
            case "roles", "clusterroles" -> {
                if (object.path("rules").isEmpty()) {
                    object.putNull("rules");
                }
            }
            case "rolebindings", "clusterrolebindings" -> binding(object);
            default -> workload(type, object);
        }
    }

    private static void network(String plural, ObjectNode object) {
        switch (plural) {
            case "services" -> {
                service(object.withObject("/spec"));
                object.path("status").path("loadBalancer").path("ingress").forEach(ingress -> {
                    if (ingress.has("ip")) {
                        text((ObjectNode) ingress, "ipMode", "VIP");
                    }
                });
            }
            case "endpointslices" -> {
                object.path("ports").forEach(port -> {
                    text((ObjectNode) port, "name", "");
                    text((ObjectNode) port, "protocol", "TCP");
                });
            }
            case "endpoints" ->
                object.path("subsets")
                        .forEach(subset ->
                                subset.path("ports").forEach(port -> text((ObjectNode) port, "protocol", "TCP")));
            case "networkpolicies" -> networkPolicy(object.withObject("/spec"));
            default -> {
                if (object.path("spec").get("parameters") instanceof ObjectNode parameters) {
                    text(parameters, "scope", "Cluster");
                }
            }
        }
    }

    private static void storage(String plural, ObjectNode object) {
        switch (plural) {
            case "persistentvolumes" -> {
                text(object.withObject("/spec"), "persistentVolumeReclaimPolicy", "Retain");
                if (object.path("spec").get("hostPath") instanceof ObjectNode path) {
                    text(path, "type", "");
                }
                text(object.withObject("/status"), "phase", "Pending");
                text(object.withObject("/spec"), "volumeMode", "Filesystem");
            }
            case "persistentvolumeclaims" -> {
                text(object.withObject("/spec"), "volumeMode", "Filesystem");
                text(object.withObject("/status"), "phase", "Pending");
            }
            default -> policies(plural, object);
        }
    }

    private static void workload(ResourceType type, ObjectNode object) {
        switch (type.plural()) {
            case "deployments" -> deployment(object.withObject("/spec"));
            case "replicasets" -> {
                number(object.withObject("/spec"), "replicas", 1);
                template(object.withObject("/spec"));
            }
            case "statefulsets" -> {
                statefulSet(object.withObject("/spec"));
                if (object.get("status") instanceof ObjectNode status && !status.isEmpty()) {
                    number(status, "availableReplicas", 0);
                }
            }
            case "daemonsets" -> {
                daemonSet(object.withObject("/spec"));
                text(object.withObject("/metadata").withObject("/annotations"), TEMPLATE_GENERATION, "0");
            }
            case "jobs" -> job(object.withObject("/spec"));
            case "cronjobs" -> cronJob(object.withObject("/spec"));
            case "replicationcontrollers" -> replicationController(object.withObject("/spec"));
            case "pods" -> {
                PodDefaults.apply(object.withObject("/spec"), true);
                flag(object.withObject("/spec"), "enableServiceLinks", true);
            }
            case "podtemplates" -> podSpec(object.withObject("/template").withObject("/spec"));
            case "horizontalpodautoscalers" -> autoscaler(object.withObject("/spec"), type.version());
            default -> {
                if (object.get("spec") instanceof ObjectNode spec
                        && spec.path("template").path("spec").has("containers")) {
                    template(spec);
                }
            }
        }
    }

    private static void definition(ObjectNode definition) {
        ObjectNode spec = definition.withObject("/spec");
        text(spec, "scope", "");
        text(spec.withObject("/conversion"), "strategy", "None");
        ObjectNode names = spec.withObject("/names");
        String kind = names.path("kind").asText("");
        if (!kind.isEmpty()) {
            text(names, "singular", kind.toLowerCase(Locale.ROOT));
            text(names, "listKind", kind + "List");
        }
    }

    private static void webhook(String plural, ObjectNode webhook) {
        text(webhook, "failurePolicy", "Fail");
        text(webhook, "matchPolicy", "Equivalent");
        webhook.withObject("/namespaceSelector");
        webhook.withObject("/objectSelector");
        number(webhook, "timeoutSeconds", 10);
        if (plural.startsWith("mutating")) {
            text(webhook, "reinvocationPolicy", "Never");
        }
        if (webhook.path("clientConfig").get("service") instanceof ObjectNode service) {
            number(service, "port", 443);
        }
        webhook.path("rules").forEach(rule -> text((ObjectNode) rule, "scope", "*"));
    }

    private static void autoscaler(ObjectNode spec, String version) {
        number(spec, "minReplicas", 1);
        if (!version.equals("v2")) {
            return;
        }
        if (spec.path("metrics").isEmpty()) {
            ObjectNode metric = spec.putArray("metrics").addObject().put("type", "Resource");
            metric.putObject("resource")
                    .put("name", "cpu")
                    .putObject("target")
                    .put("type", "Utilization")
                    .put("averageUtilization", 80);
        }
        if (spec.get("behavior") instanceof ObjectNode behavior) {
            ObjectNode up = behavior.withObject("/scaleUp");
            number(up, "stabilizationWindowSeconds", 0);
            scalingRules(up, List.of("Pods", "Percent"), List.of(4, 100));
            scalingRules(behavior.withObject("/scaleDown"), List.of("Percent"), List.of(100));
        }
    }

    private static void scalingRules(ObjectNode rules, List<String> types, List<Integer> values) {
        text(rules, "selectPolicy", "Max");
        if (rules.path("policies").isEmpty()) {
            var policies = rules.putArray("policies");
            for (int i = 0; i < types.size(); i++) {
                policies.addObject()
                        .put("type", types.get(i))
                        .put("value", values.get(i))
                        .put("periodSeconds", 15);
            }
        }
    }

    private static void text(ObjectNode object, String field, String value) {
        if (!object.has(field)) {
            object.put(field, value);
        }
    }

    private static void number(ObjectNode object, String field, int value) {
        if (!object.has(field)) {
            object.put(field, value);
        }
    }

    private static void flag(ObjectNode object, String field, boolean value) {
        if (!object.has(field)) {
            object.put(field, value);
        }
    }

    private static void binding(ObjectNode object) {
        text(object.withObject("/roleRef"), "apiGroup", "rbac.authorization.k8s.io");
        for (JsonNode subject : object.path("subjects")) {
            if (!subject.path("kind").asText().equals("ServiceAccount")) {
                text((ObjectNode) subject, "apiGroup", "rbac.authorization.k8s.io");
            }
        }
    }

    private static void secret(ObjectNode secret) {
        text(secret, "type", "Opaque");
        if (secret.remove("stringData") instanceof ObjectNode plain) {
            ObjectNode data = secret.withObject("/data");
            plain.properties()
                    .forEach(entry -> data.put(
                            entry.getKey(),
                            Base64.getEncoder()
                                    .encodeToString(entry.getValue().asText().getBytes(StandardCharsets.UTF_8))));
        }
    }

    private static void deployment(ObjectNode spec) {
        number(spec, "replicas", 1);
        ObjectNode strategy = spec.withObject("/strategy");
        text(strategy, "type", "RollingUpdate");
        if (strategy.path("type").asText().equals("RollingUpdate")) {
            ObjectNode rolling = strategy.withObject("/rollingUpdate");
            text(rolling, "maxUnavailable", "25%");
            text(rolling, "maxSurge", "25%");
        }
        number(spec, "revisionHistoryLimit", 10);
        number(spec, "progressDeadlineSeconds", 600);
        template(spec);
    }

    private static void statefulSet(ObjectNode spec) {
        text(spec, "podManagementPolicy", "OrderedReady");
        ObjectNode strategy = spec.withObject("/updateStrategy");
        text(strategy, "type", "RollingUpdate");
        if (strategy.path("type").asText().equals("RollingUpdate")) {
            number(strategy.withObject("/rollingUpdate"), "partition", 0);
        }
        number(spec, "replicas", 1);
        number(spec, "revisionHistoryLimit", 10);
        ObjectNode retention = spec.withObject("/persistentVolumeClaimRetentionPolicy");
        text(retention, "whenDeleted", "Retain");
        text(retention, "whenScaled", "Retain");
        for (JsonNode node : spec.path("volumeClaimTemplates")) {
            ObjectNode claim = (ObjectNode) node;
            claim.put("apiVersion", "v1").put("kind", "PersistentVolumeClaim");
            text(claim.withObject("/spec"), "volumeMode", "Filesystem");
            text(claim.withObject("/status"), "phase", "Pending");
        }
        template(spec);
    }

    private static void daemonSet(ObjectNode spec) {
        ObjectNode strategy = spec.withObject("/updateStrategy");
        text(strategy, "type", "RollingUpdate");
        if (strategy.path("type").asText().equals("RollingUpdate")) {
            number(strategy.withObject("/rollingUpdate"), "maxUnavailable", 1);
            number(strategy.withObject("/rollingUpdate"), "maxSurge", 0);
        }
        number(spec, "revisionHistoryLimit", 10);
        template(spec);
    }

    private static void job(ObjectNode spec) {
        if (!spec.has("completions") && !spec.has("parallelism")) {
            spec.put("completions", 1);
        }
        number(spec, "parallelism", 1);
        number(spec, "backoffLimit", 6);
        text(spec, "completionMode", "NonIndexed");
        flag(spec, "suspend", false);
        flag(spec, "manualSelector", false);
        // with a policy for failures a pod that ends is not yet a failed one
        text(spec, "podReplacementPolicy", spec.has("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
        template(spec);
    }

    private static void template(ObjectNode spec) {
        podSpec(spec.withObject("/template").withObject("/spec"));
    }

    private static void podSpec(ObjectNode spec) {
        PodDefaults.apply(spec, false);
    }

    private static void cronJob(ObjectNode spec) {
        text(spec, "concurrencyPolicy", "Allow");
        flag(spec, "suspend", false);
        number(spec, "successfulJobsHistoryLimit", 3);
        number(spec, "failedJobsHistoryLimit", 1);
        ObjectNode job = spec.withObject("/jobTemplate").withObject("/spec");
        template(job);
    }

    private static void networkPolicy(ObjectNode spec) {
        if (!spec.has("policyTypes")) {
            var types = spec.putArray("policyTypes").add("Ingress");
            if (spec.has("egress")) {
                types.add("Egress");
            }
        }
        for (String direction : new String[] {"ingress", "egress"}) {
            spec.path(direction)
                    .forEach(rule -> rule.path("ports").forEach(port -> text((ObjectNode) port, "protocol", "TCP")));
        }
    }

    /** What admission and defaults give to a class of volumes or priorities. */
    private static void policies(String plural, ObjectNode object) {
        if (plural.equals("storageclasses")) {
            text(object, "reclaimPolicy", "Delete");
            text(object, "volumeBindingMode", "Immediate");
        } else {
            text(object, "preemptionPolicy", "PreemptLowerPriority");
        }
    }

    private static void replicationController(ObjectNode spec) {
        number(spec, "replicas", 1);
        template(spec);
        JsonNode labels = spec.path("template").path("metadata").path("labels");
        if (!spec.has("selector") && labels.isObject()) {
            spec.set("selector", labels.deepCopy());
        }
    }

    private static void service(ObjectNode spec) {
        text(spec, "type", "ClusterIP");
        text(spec, "sessionAffinity", "None");
        String type = spec.path("type").asText();
        if (spec.path("sessionAffinity").asText().equals("ClientIP")) {
            number(spec.withObject("/sessionAffinityConfig").withObject("/clientIP"), "timeoutSeconds", 10_800);
        }
        for (JsonNode node : spec.path("ports")) {
            ObjectNode port = (ObjectNode) node;
            text(port, "protocol", "TCP");
            if (!port.has("targetPort") && port.has("port")) {
                port.set("targetPort", port.get("port"));
            }
        }
        boolean reachable = type.equals("NodePort") || type.equals("LoadBalancer");
        if (reachable) {
            text(spec, "externalTrafficPolicy", "Cluster");
        }
        if (type.equals("LoadBalancer")) {
            flag(spec, "allocateLoadBalancerNodePorts", true);
        }
        if (!type.equals("ExternalName")) {
            text(spec, "internalTrafficPolicy", "Cluster");
        }
    }
}
