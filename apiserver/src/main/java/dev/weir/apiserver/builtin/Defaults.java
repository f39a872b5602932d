package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ResourceType;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** The defaults of built-in kinds that clients compare, after the defaults.go files of Kubernetes 1.34. Pure. */
final class Defaults {
    private Defaults() {}

    static void apply(ResourceType type, ObjectNode object) {
        ObjectNode spec = object.get("spec") instanceof ObjectNode found ? found : null;
        switch (type.plural()) {
            case "deployments" -> deployment(object.withObject("/spec"));
            case "replicasets" -> {
                number(object.withObject("/spec"), "replicas", 1);
                template(object.withObject("/spec"));
            }
            case "statefulsets" -> statefulSet(object.withObject("/spec"));
            case "daemonsets" -> daemonSet(object.withObject("/spec"));
            case "jobs" -> job(object.withObject("/spec"));
            case "pods" -> {
                podSpec(object.withObject("/spec"));
                flag(object.withObject("/spec"), "enableServiceLinks", true);
            }
            case "services" -> service(object.withObject("/spec"));
            case "secrets" -> secret(object);
            case "namespaces" -> {
                String name = object.path("metadata").path("name").asText("");
                if (!name.isEmpty()) {
                    object.withObject("/metadata").withObject("/labels").put("kubernetes.io/metadata.name", name);
                }
            }
            case "endpointslices" ->
                object.path("ports").forEach(port -> {
                    text((ObjectNode) port, "name", "");
                    text((ObjectNode) port, "protocol", "TCP");
                });
            case "endpoints" ->
                object.path("subsets")
                        .forEach(subset ->
                                subset.path("ports").forEach(port -> text((ObjectNode) port, "protocol", "TCP")));
            case "horizontalpodautoscalers" -> number(object.withObject("/spec"), "minReplicas", 1);
            case "persistentvolumeclaims" -> text(object.withObject("/spec"), "volumeMode", "Filesystem");
            case "cronjobs" -> cronJob(object.withObject("/spec"));
            case "networkpolicies" -> networkPolicy(object.withObject("/spec"));
            case "storageclasses", "priorityclasses" -> policies(type.plural(), object);
            case "replicationcontrollers" -> replicationController(object.withObject("/spec"));
            case "persistentvolumes" -> {
                text(object.withObject("/spec"), "persistentVolumeReclaimPolicy", "Retain");
                text(object.withObject("/spec"), "volumeMode", "Filesystem");
            }
            case "roles", "clusterroles" -> {
                if (!object.has("rules")) {
                    object.putNull("rules");
                }
            }
            case "rolebindings", "clusterrolebindings" -> binding(object);
            default -> {
                if (spec != null
                        && spec.has("template")
                        && spec.path("template").path("spec").has("containers")) {
                    template(spec);
                }
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
        text(spec, "podReplacementPolicy", "TerminatingOrFailed");
        template(spec);
    }

    private static void template(ObjectNode spec) {
        podSpec(spec.withObject("/template").withObject("/spec"));
    }

    private static void podSpec(ObjectNode spec) {
        PodDefaults.apply(spec);
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
