package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** The defaults of pods and pod templates, after the core API's defaults. Pure. */
final class PodDefaults {
    private PodDefaults() {}

    /** @param pod false for the template of a workload, whose ports on the host are decided when pods are made */
    static void apply(ObjectNode spec, boolean pod) {
        text(spec, "restartPolicy", "Always");
        number(spec, "terminationGracePeriodSeconds", 30);
        text(spec, "dnsPolicy", "ClusterFirst");
        spec.withObject("/securityContext");
        text(spec, "schedulerName", "default-scheduler");
        if (spec.has("serviceAccountName") && !spec.has("serviceAccount")) {
            spec.put("serviceAccount", spec.path("serviceAccountName").asText());
        } else if (spec.has("serviceAccount") && !spec.has("serviceAccountName")) {
            spec.put("serviceAccountName", spec.path("serviceAccount").asText());
        }
        boolean hostNetwork = pod && spec.path("hostNetwork").asBoolean();
        for (String list : List.of("initContainers", "containers", "ephemeralContainers")) {
            spec.path(list).forEach(container -> container((ObjectNode) container, hostNetwork));
        }
        spec.path("volumes").forEach(volume -> volume((ObjectNode) volume));
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

    private static void volume(ObjectNode volume) {
        if (volume.size() == 1 && volume.has("name")) {
            volume.putObject("emptyDir");
        }
        for (String kind : List.of("configMap", "secret", "projected", "downwardAPI")) {
            if (volume.get(kind) instanceof ObjectNode source) {
                number(source, "defaultMode", 420);
            }
        }
        if (volume.get("hostPath") instanceof ObjectNode path) {
            text(path, "type", "");
        }
        volume.path("downwardAPI").path("items").forEach(PodDefaults::fieldRef);
        for (JsonNode source : volume.path("projected").path("sources")) {
            if (source.get("serviceAccountToken") instanceof ObjectNode token) {
                number(token, "expirationSeconds", 3600);
            }
            source.path("downwardAPI").path("items").forEach(PodDefaults::fieldRef);
        }
        if (volume.path("ephemeral").path("volumeClaimTemplate").get("spec") instanceof ObjectNode claim) {
            text(claim, "volumeMode", "Filesystem");
        }
    }

    private static void fieldRef(JsonNode holder) {
        if (holder.get("fieldRef") instanceof ObjectNode reference) {
            text(reference, "apiVersion", "v1");
        }
    }

    private static void container(ObjectNode container, boolean hostNetwork) {
        String image = container.path("image").asText("");
        if (!container.has("imagePullPolicy")) {
            String tail = image.substring(image.lastIndexOf('/') + 1);
            boolean latest = !tail.contains(":") && !tail.contains("@") || tail.endsWith(":latest");
            container.put("imagePullPolicy", latest ? "Always" : "IfNotPresent");
        }
        for (JsonNode node : container.path("ports")) {
            ObjectNode port = (ObjectNode) node;
            text(port, "protocol", "TCP");
            if (hostNetwork && !port.has("hostPort") && port.has("containerPort")) {
                port.set("hostPort", port.get("containerPort"));
            }
        }
        text(container, "terminationMessagePath", "/dev/termination-log");
        text(container, "terminationMessagePolicy", "File");
        container.path("env").forEach(env -> fieldRef(env.path("valueFrom")));
        if (container.path("resources").get("limits") instanceof ObjectNode limits && !limits.isEmpty()) {
            ObjectNode requests = container.withObject("/resources").withObject("/requests");
            limits.properties().forEach(limit -> {
                if (!requests.has(limit.getKey())) {
                    requests.set(limit.getKey(), limit.getValue());
                }
            });
        }
        for (String name : List.of("livenessProbe", "readinessProbe", "startupProbe")) {
            if (container.get(name) instanceof ObjectNode probe) {
                probe(probe);
            }
        }
        for (String hook : List.of("postStart", "preStop")) {
            httpGet(container.path("lifecycle").path(hook));
        }
    }

    private static void probe(ObjectNode probe) {
        number(probe, "timeoutSeconds", 1);
        number(probe, "periodSeconds", 10);
        number(probe, "successThreshold", 1);
        number(probe, "failureThreshold", 3);
        httpGet(probe);
        if (probe.get("grpc") instanceof ObjectNode grpc) {
            text(grpc, "service", "");
        }
    }

    private static void httpGet(JsonNode holder) {
        if (holder.get("httpGet") instanceof ObjectNode get) {
            text(get, "path", "/");
            text(get, "scheme", "HTTP");
        }
    }

    /** How the pod is treated when its node is short of something. */
    static String qualityOfService(JsonNode spec) {
        boolean any = false;
        boolean all = true;
        for (String list : List.of("initContainers", "containers")) {
            for (JsonNode container : spec.path(list)) {
                JsonNode requests = container.path("resources").path("requests");
                JsonNode limits = container.path("resources").path("limits");
                for (String resource : List.of("cpu", "memory")) {
                    any |= requests.has(resource) || limits.has(resource);
                    all &= limits.has(resource) && limits.path(resource).equals(requests.path(resource));
                }
            }
        }
        return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
    }
}
