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
        text(spec, "restartPolicy", "Always");
        number(spec, "terminationGracePeriodSeconds", 30);
        text(spec, "dnsPolicy", "ClusterFirst");
        spec.withObject("/securityContext");
        text(spec, "schedulerName", "default-scheduler");
        if (spec.has("serviceAccountName") && !spec.has("serviceAccount")) {
            spec.put("serviceAccount", spec.path("serviceAccountName").asText());
        }
        spec.path("containers").forEach(container -> container((ObjectNode) container));
        spec.path("initContainers").forEach(container -> container((ObjectNode) container));
        spec.path("volumes").forEach(volume -> volume((ObjectNode) volume));
    }

    private static void volume(ObjectNode volume) {
        for (String kind : new String[] {"configMap", "secret", "projected", "downwardAPI"}) {
            if (volume.get(kind) instanceof ObjectNode source) {
                number(source, "defaultMode", 420);
            }
        }
        if (volume.get("hostPath") instanceof ObjectNode path) {
            text(path, "type", "");
        }
        for (JsonNode source : volume.path("projected").path("sources")) {
            if (source.get("serviceAccountToken") instanceof ObjectNode token) {
                number(token, "expirationSeconds", 3600);
            }
        }
    }

    private static void container(ObjectNode container) {
        String image = container.path("image").asText("");
        if (!container.has("imagePullPolicy")) {
            String tail = image.substring(image.lastIndexOf('/') + 1);
            boolean latest = !tail.contains(":") && !tail.contains("@") || tail.endsWith(":latest");
            container.put("imagePullPolicy", latest ? "Always" : "IfNotPresent");
        }
        container.path("ports").forEach(port -> text((ObjectNode) port, "protocol", "TCP"));
        text(container, "terminationMessagePath", "/dev/termination-log");
        text(container, "terminationMessagePolicy", "File");
        for (JsonNode env : container.path("env")) {
            if (env.path("valueFrom").get("fieldRef") instanceof ObjectNode reference) {
                text(reference, "apiVersion", "v1");
            }
        }
        for (String name : new String[] {"livenessProbe", "readinessProbe", "startupProbe"}) {
            if (container.get(name) instanceof ObjectNode probe) {
                probe(probe);
            }
        }
    }

    private static void probe(ObjectNode probe) {
        number(probe, "timeoutSeconds", 1);
        number(probe, "periodSeconds", 10);
        number(probe, "successThreshold", 1);
        number(probe, "failureThreshold", 3);
        if (probe.get("httpGet") instanceof ObjectNode get) {
            text(get, "path", "/");
            text(get, "scheme", "HTTP");
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
