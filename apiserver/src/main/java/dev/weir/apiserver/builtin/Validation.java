package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.rest.ObjectMeta;
import dev.weir.apiserver.rest.ResourceType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules of built-in kinds, with the words of Kubernetes' validation package. Pure. */
final class Validation {
    private static final Pattern CONFIG_KEY = Pattern.compile("[-._a-zA-Z0-9]+");
    private static final List<String> SERVICE_TYPES = List.of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort");

    private final List<FieldError> errors = new ArrayList<>();

    private Validation() {}

    static List<FieldError> validate(ResourceType type, ObjectNode object, @Nullable ObjectNode old) {
        Validation validation = new Validation();
        switch (type.plural()) {
            case "configmaps" -> validation.configMap(object, old, "data", "binaryData");
            case "secrets" -> {
                validation.configMap(object, old, "data");
                validation.errors.addAll(KindValidation.validate(type.plural(), object, old));
            }
            case "services" -> validation.service(object.path("spec"), object.path("status"), old);
            case "deployments", "replicasets", "statefulsets", "daemonsets" ->
                validation.workload(type.plural(), object.path("spec"), old == null ? null : old.path("spec"));
            case "pods" -> {
                validation.errors.addAll(PodValidation.validate(object.path("spec"), "spec"));
                validation.errors.addAll(PodRules.ofPod(object, old));
                if (old != null) {
                    validation.errors.addAll(PodValidation.validateUpdate(object, old));
                }
            }
            default -> validation.errors.addAll(KindValidation.validate(type.plural(), object, old));
        }
        validation.errors.addAll(KindRules.problems(type.plural(), object, old));
        validation.errors.addAll(WorkloadRules.problems(type.plural(), object, old));
        validation.errors.addAll(ObjectRules.problems(type.plural(), object, old));
        return validation.errors;
    }

    private void add(Kind kind, String field, @Nullable String value, String detail) {
        errors.add(new FieldError(kind, field, value, detail));
    }

    private void configMap(ObjectNode object, @Nullable ObjectNode old, String... dataFields) {
        for (String field : dataFields) {
            object.path(field).properties().forEach(entry -> {
                if (!CONFIG_KEY.matcher(entry.getKey()).matches()) {
                    add(
                            Kind.INVALID,
                            field + "[" + entry.getKey() + "]",
                            "\"" + entry.getKey() + "\"",
                            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g."
                                    + " 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is"
                                    + " '[-._a-zA-Z0-9]+')");
                }
            });
        }
        if (old == null || !old.path("immutable").asBoolean()) {
            return;
        }
        if (!object.path("immutable").asBoolean()) {
            add(Kind.FORBIDDEN, "immutable", null, "field is immutable when `immutable` is set");
        }
        for (String field : dataFields) {
            if (!Json.same(orEmpty(object.path(field)), orEmpty(old.path(field)))) {
                add(Kind.FORBIDDEN, field, null, "field is immutable when `immutable` is set");
            }
        }
    }

    private static JsonNode orEmpty(JsonNode node) {
        return node.isMissingNode() ? Json.MAPPER.createObjectNode() : node;
    }

    private void service(JsonNode spec, JsonNode status, @Nullable ObjectNode old) {
        String type = spec.path("type").asText();
        boolean external = type.equals("ExternalName");
        JsonNode ports = spec.path("ports");
        boolean headless = spec.path("clusterIP").asText().equals("None");
        if (ports.isEmpty() && !external && !headless) {
            add(Kind.REQUIRED, "spec.ports", null, "");
        }
        if (external) {
            if (spec.path("externalName").asText("").isEmpty()) {
                add(Kind.REQUIRED, "spec.externalName", null, "");
            }
        }
        Set<String> names = new HashSet<>();
        for (int i = 0; i < ports.size(); i++) {
            servicePort(ports.get(i), "spec.ports[" + i + "]", ports.size() > 1, names);
        }
        if (!SERVICE_TYPES.contains(type)) {
            add(
                    Kind.NOT_SUPPORTED,
                    "spec.type",
                    "\"" + type + "\"",
                    "supported values: \"" + String.join("\", \"", SERVICE_TYPES) + "\"");
        }
        errors.addAll(ObjectMeta.validateLabels(spec.path("selector"), "spec.selector"));
        if (external && spec.has("clusterIPs") && !spec.path("clusterIPs").isEmpty()) {
            add(Kind.FORBIDDEN, "spec.clusterIPs", null, "may not be set for ExternalName services");
        }
        serviceType(spec, type, external);
        JsonNode balanced = status.path("loadBalancer").path("ingress");
        if (!balanced.isEmpty() && !type.equals("LoadBalancer")) {
            add(
                    Kind.FORBIDDEN,
                    "status.loadBalancer.ingress",
                    null,
                    "may only be used when `spec.type` is 'LoadBalancer'");
        }
        if (old != null && !external && !old.path("spec").path("type").asText().equals("ExternalName")) {
            String before = old.path("spec").path("clusterIP").asText("");
            String now = spec.path("clusterIP").asText("");
            if (!before.isEmpty() && !before.equals(now)) {
                add(Kind.INVALID, "spec.clusterIPs[0]", spec.path("clusterIPs").toString(), "may not change once set");
            }
        }
    }

    private void serviceType(JsonNode spec, String type, boolean external) {
        JsonNode address = spec.path("clusterIPs").path(0);
        boolean none = address.asText().equals("None");
        if (none && List.of("NodePort", "LoadBalancer").contains(type)) {
            add(Kind.INVALID, "spec.clusterIPs[0]", "\"None\"", "may not be set to 'None' for " + type + " services");
        } else if (address.isTextual() && !none && !FieldRule.isAddress(address.asText()) && !external) {
            add(Kind.INVALID, "spec.clusterIPs[0]", Json.write(address), FieldRule.NO_ADDRESS);
        }
        for (int i = 0; i < spec.path("ports").size() && type.equals("ClusterIP"); i++) {
            if (spec.path("ports").get(i).path("nodePort").asInt() != 0) {
                add(
                        Kind.FORBIDDEN,
                        "spec.ports[" + i + "].nodePort",
                        null,
                        "may not be used when `type` is 'ClusterIP'");
            }
        }
        if (none && spec.path("selector").isEmpty()) {
            // its endpoints are somebody else's, of any family
            return;
        }
        if (spec.path("ipFamilyPolicy").asText("").equals("RequireDualStack")) {
            add(
                    Kind.INVALID,
                    "spec.ipFamilyPolicy",
                    "\"RequireDualStack\"",
                    "this cluster is not configured for dual-stack services");
        }
        for (int i = 0; i < spec.path("ipFamilies").size(); i++) {
            if (spec.path("ipFamilies").get(i).asText().equals("IPv6")) {
                add(Kind.INVALID, "spec.ipFamilies[" + i + "]", "\"IPv6\"", "not configured on this cluster");
            }
        }
    }

    private void servicePort(JsonNode port, String field, boolean named, Set<String> names) {
        String name = port.path("name").asText("");
        if (named && name.isEmpty()) {
            add(Kind.REQUIRED, field + ".name", null, "");
        } else if (!name.isEmpty() && !names.add(name)) {
            add(Kind.DUPLICATE, field + ".name", "\"" + name + "\"", "");
        }
        port(port.path("port"), field + ".port");
        if (port.path("targetPort").isIntegralNumber()) {
            port(port.path("targetPort"), field + ".targetPort");
        } else if (port.path("targetPort").isTextual()) {
            String problem =
                    PodValidation.portNameProblem(port.path("targetPort").asText());
            if (problem != null) {
                add(Kind.INVALID, field + ".targetPort", Json.write(port.path("targetPort")), problem);
            }
        }
    }

    private void port(JsonNode port, String field) {
        long number = port.asLong();
        if (number < 1 || number > 65_535) {
            add(Kind.INVALID, field, Long.toString(number), "must be between 1 and 65535, inclusive");
        }
    }

    private void workload(String plural, JsonNode spec, @Nullable JsonNode old) {
        long replicas = spec.path("replicas").asLong();
        if (replicas < 0) {
            add(Kind.INVALID, "spec.replicas", Long.toString(replicas), "must be greater than or equal to 0");
        }
        JsonNode selector = spec.path("selector");
        boolean daemons = plural.equals("daemonsets");
        if (selector.isMissingNode()) {
            if (!daemons) {
                add(Kind.REQUIRED, "spec.selector", null, "");
            }
        } else if (selector.path("matchLabels").isEmpty()
                && selector.path("matchExpressions").isEmpty()) {
            add(
                    Kind.INVALID,
                    "spec.selector",
                    selector.toString(),
                    "empty selector is invalid for " + plural.substring(0, plural.length() - 1));
        }
        JsonNode labels = spec.path("template").path("metadata").path("labels");
        boolean matches = selector.path("matchLabels").properties().stream()
                .allMatch(entry -> entry.getValue().equals(labels.get(entry.getKey())));
        if (selector.isMissingNode() || !matches) {
            add(
                    Kind.INVALID,
                    "spec.template.metadata.labels",
                    labels.isMissingNode() ? "null" : labels.toString(),
                    "`selector` does not match template `labels`");
        }
        Set<String> claims = new HashSet<>();
        spec.path("volumeClaimTemplates")
                .forEach(claim -> claims.add(claim.path("metadata").path("name").asText()));
        errors.addAll(PodValidation.validate(spec.path("template").path("spec"), "spec.template.spec", claims));
        String restart =
                spec.path("template").path("spec").path("restartPolicy").asText("");
        if (!restart.equals("Always")) {
            add(
                    Kind.NOT_SUPPORTED,
                    "spec.template.spec.restartPolicy",
                    "\"" + restart + "\"",
                    "supported values: \"Always\"");
        }
        if (old != null && !Json.same(old.get("selector"), spec.get("selector"))) {
            add(Kind.INVALID, "spec.selector", selector.toString(), "field is immutable");
        }
    }
}
