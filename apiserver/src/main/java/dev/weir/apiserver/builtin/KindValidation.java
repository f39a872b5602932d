package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rules of batch, scaling, ingress, policy, storage and access kinds, in Kubernetes' words. */
final class KindValidation {
    private final List<FieldError> errors = new ArrayList<>();
    private final JsonNode spec;

    private KindValidation(ObjectNode object) {
        this.spec = object.path("spec");
    }

    static List<FieldError> validate(String plural, ObjectNode object, @Nullable ObjectNode old) {
        KindValidation validation = new KindValidation(object);
        switch (plural) {
            case "jobs" -> validation.job(old);
            case "cronjobs" -> validation.cronJob();
            case "horizontalpodautoscalers" -> validation.autoscaler();
            case "poddisruptionbudgets" -> validation.budget();
            case "ingresses" -> validation.ingress();
            case "persistentvolumeclaims" -> validation.claim();
            case "roles", "clusterroles" -> validation.rules(object);
            case "rolebindings", "clusterrolebindings" -> validation.binding(object, old);
            case "secrets" -> validation.secret(object, old);
            default -> {}
        }
        return validation.errors;
    }

    private void add(Kind kind, String field, @Nullable String value, String detail) {
        errors.add(new FieldError(kind, field, value, detail));
    }

    private void atLeast(JsonNode value, String field, long least) {
        if (value.isNumber() && value.asLong() < least) {
            add(Kind.INVALID, field, value.asText(), "must be greater than or equal to " + least);
        }
    }

    private void restart(JsonNode template, String path) {
        if (template.path("spec").path("restartPolicy").asText("").equals("Always")) {
            add(Kind.REQUIRED, path + ".spec.restartPolicy", null, "valid values: \"OnFailure\", \"Never\"");
        }
    }

    private void job(@Nullable ObjectNode old) {
        for (String field : List.of("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds")) {
            atLeast(spec.path(field), "spec." + field, 0);
        }
        errors.addAll(PodValidation.validate(spec.path("template").path("spec"), "spec.template.spec"));
        restart(spec.path("template"), "spec.template");
        if (old != null) {
            JsonNode before = old.path("spec");
            for (String field : List.of("selector", "template", "completionMode")) {
                boolean suspended =
                        field.equals("template") && before.path("suspend").asBoolean();
                if (!suspended && !Json.same(spec.get(field), before.get(field))) {
                    add(
                            Kind.INVALID,
                            "spec." + field,
                            spec.has(field) ? Json.write(spec.path(field)) : "null",
                            "field is immutable");
                }
            }
        }
    }

    private void cronJob() {
        if (spec.path("schedule").asText("").isEmpty()) {
            add(Kind.REQUIRED, "spec.schedule", null, "");
        }
        String policy = spec.path("concurrencyPolicy").asText("");
        if (!List.of("Allow", "Forbid", "Replace").contains(policy)) {
            add(
                    Kind.NOT_SUPPORTED,
                    "spec.concurrencyPolicy",
                    "\"" + policy + "\"",
                    "supported values: \"Allow\", \"Forbid\", \"Replace\"");
        }
        JsonNode template = spec.path("jobTemplate").path("spec").path("template");
        errors.addAll(PodValidation.validate(template.path("spec"), "spec.jobTemplate.spec.template.spec"));
        restart(template, "spec.jobTemplate.spec.template");
    }

    private void autoscaler() {
        atLeast(spec.path("minReplicas"), "spec.minReplicas", 1);
        long most = spec.path("maxReplicas").asLong();
        if (most < 1) {
            add(Kind.INVALID, "spec.maxReplicas", Long.toString(most), "must be greater than 0");
        }
        if (most < spec.path("minReplicas").asLong()) {
            add(
                    Kind.INVALID,
                    "spec.maxReplicas",
                    Long.toString(most),
                    "must be greater than or equal to `minReplicas`");
        }
        for (String field : List.of("kind", "name")) {
            if (spec.path("scaleTargetRef").path(field).asText("").isEmpty()) {
                add(Kind.REQUIRED, "spec.scaleTargetRef." + field, null, "");
            }
        }
    }

    private void budget() {
        if (spec.has("minAvailable") && spec.has("maxUnavailable")) {
            add(Kind.INVALID, "spec", Json.write(spec), "minAvailable and maxUnavailable cannot be both set");
        }
        for (String field : List.of("minAvailable", "maxUnavailable")) {
            atLeast(spec.path(field), "spec." + field, 0);
        }
    }

    private void ingress() {
        if (spec.path("rules").isEmpty() && !spec.has("defaultBackend")) {
            add(Kind.INVALID, "spec", "null", "either `defaultBackend` or `rules` must be specified");
        }
        for (int i = 0; i < spec.path("rules").size(); i++) {
            JsonNode paths = spec.path("rules").get(i).path("http").path("paths");
            for (int j = 0; j < paths.size(); j++) {
                String at = "spec.rules[" + i + "].http.paths[" + j + "]";
                JsonNode one = paths.get(j);
                String type = one.path("pathType").asText("");
                String path = one.path("path").asText("");
                if (type.isEmpty()) {
                    add(Kind.REQUIRED, at + ".pathType", null, "pathType must be specified");
                } else if (!type.equals("ImplementationSpecific") && !path.startsWith("/")) {
                    add(Kind.INVALID, at + ".path", "\"" + path + "\"", "must be an absolute path");
                }
                JsonNode service = one.path("backend").path("service");
                if (!service.isObject() && !one.path("backend").has("resource")) {
                    add(Kind.INVALID, at + ".backend", "\"\"", "resource or service backend is required");
                }
                if (service.isObject()
                        && service.path("port").path("name").asText("").isEmpty()
                        && service.path("port").path("number").asInt() == 0) {
                    add(Kind.REQUIRED, at + ".backend", null, "port name or number is required");
                }
            }
        }
    }

    private void claim() {
        if (spec.path("accessModes").isEmpty()) {
            add(Kind.REQUIRED, "spec.accessModes", null, "at least 1 access mode is required");
        }
        if (!spec.path("resources").path("requests").has("storage")) {
            add(Kind.REQUIRED, "spec.resources[storage]", null, "");
        }
    }

    private void rules(ObjectNode role) {
        for (int i = 0; i < role.path("rules").size(); i++) {
            JsonNode rule = role.path("rules").get(i);
            String at = "rules[" + i + "]";
            if (rule.path("verbs").isEmpty()) {
                add(Kind.REQUIRED, at + ".verbs", null, "verbs must contain at least one value");
            }
            boolean paths = !rule.path("nonResourceURLs").isEmpty();
            if (paths && role.path("kind").asText().equals("Role")) {
                add(
                        Kind.INVALID,
                        at + ".nonResourceURLs",
                        Json.write(rule.path("nonResourceURLs")),
                        "namespaced rules cannot apply to non-resource URLs");
            }
            if (!paths && rule.path("apiGroups").isEmpty()) {
                add(Kind.REQUIRED, at + ".apiGroups", null, "resource rules must supply at least one api group");
            }
            if (!paths && rule.path("resources").isEmpty()) {
                add(Kind.REQUIRED, at + ".resources", null, "resource rules must supply at least one resource");
            }
        }
    }

    private void binding(ObjectNode binding, @Nullable ObjectNode old) {
        JsonNode role = binding.path("roleRef");
        boolean cluster = binding.path("kind").asText().equals("ClusterRoleBinding");
        List<String> kinds = cluster ? List.of("ClusterRole") : List.of("Role", "ClusterRole");
        if (!kinds.contains(role.path("kind").asText(""))) {
            add(
                    Kind.NOT_SUPPORTED,
                    "roleRef.kind",
                    "\"" + role.path("kind").asText("") + "\"",
                    "supported values: \"" + String.join("\", \"", kinds) + "\"");
        }
        if (role.path("name").asText("").isEmpty()) {
            add(Kind.REQUIRED, "roleRef.name", null, "");
        }
        for (int i = 0; i < binding.path("subjects").size(); i++) {
            JsonNode subject = binding.path("subjects").get(i);
            if (subject.path("name").asText("").isEmpty()) {
                add(Kind.REQUIRED, "subjects[" + i + "].name", null, "");
            }
            if (cluster
                    && subject.path("kind").asText().equals("ServiceAccount")
                    && subject.path("namespace").asText("").isEmpty()) {
                add(Kind.REQUIRED, "subjects[" + i + "].namespace", null, "");
            }
        }
        if (old != null && !Json.same(role, old.path("roleRef"))) {
            add(Kind.INVALID, "roleRef", Json.write(role), "cannot change roleRef");
        }
    }

    private void secret(ObjectNode secret, @Nullable ObjectNode old) {
        if (old != null && !Json.same(secret.get("type"), old.get("type"))) {
            add(Kind.INVALID, "type", Json.write(secret.path("type")), "field is immutable");
        }
        List<String> keys = switch (secret.path("type").asText("")) {
            case "kubernetes.io/tls" -> List.of("tls.crt", "tls.key");
            case "kubernetes.io/dockercfg" -> List.of(".dockercfg");
            case "kubernetes.io/dockerconfigjson" -> List.of(".dockerconfigjson");
            case "kubernetes.io/ssh-auth" -> List.of("ssh-privatekey");
            default -> List.of();
        };
        for (String key : keys) {
            if (!secret.path("data").has(key)) {
                add(Kind.REQUIRED, "data[" + key + "]", null, "");
            }
        }
    }
}
