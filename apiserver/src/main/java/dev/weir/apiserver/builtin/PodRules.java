package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ObjectMeta;
import java.math.BigDecimal;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How the fields of a pod or of a template go together, with the words of Kubernetes' validation package. Pure. */
final class PodRules {
    private static final List<String> SYSTEMS = List.of("linux", "windows");
    private static final String NO_NAMES = "pod updates may not add or remove containers";
    /** What environment variables may take from the pod. */
    private static final Set<String> POD_FIELDS = Set.of(
            "metadata.name",
            "metadata.namespace",
            "metadata.uid",
            "metadata.labels",
            "metadata.annotations",
            "spec.nodeName",
            "spec.serviceAccountName",
            "spec.restartPolicy",
            "status.phase",
            "status.hostIP",
            "status.hostIPs",
            "status.podIP",
            "status.podIPs");

    private final Problems problems = new Problems();

    private PodRules() {}

    /** What is wrong with a pod's spec at a path, beyond what {@link PodValidation} finds. */
    static List<FieldError> ofSpec(JsonNode spec, String path) {
        PodRules rules = new PodRules();
        rules.spec(spec, path);
        return rules.problems.found();
    }

    /** What is wrong with a pod itself; {@code old} is null for a new one. */
    static List<FieldError> ofPod(ObjectNode pod, @Nullable ObjectNode old) {
        PodRules rules = new PodRules();
        JsonNode spec = pod.path("spec");
        if (old == null) {
            rules.created(spec);
        } else {
            rules.updated(pod, old);
        }
        FieldRule.each(pod, "status.podIPs[].ip", (address, at) -> {
            if (!FieldRule.isAddress(address.asText(""))) {
                rules.problems.invalid(at.substring(0, at.length() - ".ip".length()), address, FieldRule.NO_ADDRESS);
            }
        });
        return rules.problems.found();
    }

    private void created(JsonNode spec) {
        if (!spec.path("schedulingGates").isEmpty() && spec.has("nodeName")) {
            problems.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
        }
        if (!spec.path("ephemeralContainers").isEmpty()) {
            problems.forbidden("spec.ephemeralContainers", "cannot be set on create");
        }
    }

    private void updated(ObjectNode pod, ObjectNode old) {
        JsonNode spec = pod.path("spec");
        JsonNode before = old.path("spec");
        Set<String> gates = before.path("schedulingGates")
                .valueStream()
                .map(gate -> gate.path("name").asText())
                .collect(Collectors.toSet());
        for (int i = 0; i < spec.path("schedulingGates").size(); i++) {
            String gate = spec.path("schedulingGates").get(i).path("name").asText();
            if (!gates.contains(gate)) {
                problems.forbidden(
                        "spec.schedulingGates[" + i + "].name",
                        "only deletion is allowed, but found new scheduling gate '" + gate + "'");
            }
        }
        JsonNode kept = spec.path("tolerations");
        boolean allKept = before.path("tolerations")
                .valueStream()
                .allMatch(one ->
                        kept.valueStream().anyMatch(other -> Json.same(withoutSeconds(one), withoutSeconds(other))));
        if (!allKept) {
            problems.forbidden(
                    "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
        }
        JsonNode quality = old.path("status").path("qosClass");
        if (!quality.isMissingNode() && !Json.same(quality, pod.path("status").path("qosClass"))) {
            problems.invalid("status.qosClass", pod.path("status").path("qosClass"), FieldRule.IMMUTABLE);
        }
    }

    /** True if an update adds or removes containers, of which alone is told then. */
    static List<FieldError> ofNumbers(JsonNode spec, JsonNode before) {
        Problems problems = new Problems();
        for (String list : List.of("containers", "initContainers")) {
            if (spec.path(list).size() != before.path(list).size()) {
                problems.forbidden("spec." + list, NO_NAMES);
                return problems.found();
            }
        }
        return problems.found();
    }

    private static JsonNode withoutSeconds(JsonNode toleration) {
        return toleration.<ObjectNode>deepCopy().without("tolerationSeconds");
    }

    private void spec(JsonNode spec, String path) {
        JsonNode system = spec.path("os").path("name");
        if (system.isTextual() && !SYSTEMS.contains(system.asText())) {
            problems.unsupported(path + ".os", system, SYSTEMS);
        }
        if (spec.path("hostname").asText("").contains(".")) {
            problems.invalid(path + ".hostname", spec.path("hostname"), "must not contain dots");
        }
        for (String field : List.of("serviceAccountName", "nodeName")) {
            String problem = spec.path(field).asText("").isEmpty()
                    ? null
                    : ObjectMeta.nameProblem(spec.path(field).asText(), ObjectMeta.NameRule.SUBDOMAIN);
            if (problem != null) {
                problems.invalid(path + "." + field, spec.path(field), problem);
            }
        }
        problems.all(ObjectMeta.validateLabels(spec.path("nodeSelector"), path + ".nodeSelector"));
        if (spec.path("dnsPolicy").asText().equals("None")
                && spec.path("dnsConfig").path("nameservers").isEmpty()) {
            problems.required(
                    spec.has("dnsConfig") ? path + ".dnsConfig.nameservers" : path + ".dnsConfig",
                    spec.has("dnsConfig")
                            ? "must provide at least one DNS nameserver when `dnsPolicy` is None"
                            : "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        String terms = ".affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        JsonNode required = FieldRule.at(spec, terms.substring(1));
        if (required.isObject() && required.path("nodeSelectorTerms").isEmpty()) {
            problems.required(path + terms + ".nodeSelectorTerms", "must have at least one node selector term");
        }
        tolerations(spec.path("tolerations"), path + ".tolerations");
        for (int i = 0; i < spec.path("topologySpreadConstraints").size(); i++) {
            JsonNode skew = spec.path("topologySpreadConstraints").get(i).path("maxSkew");
            if (skew.asLong() < 1) {
                problems.invalid(
                        path + ".topologySpreadConstraints[" + i + "].maxSkew", skew, "must be greater than zero");
            }
        }
        for (String list : List.of("containers", "initContainers")) {
            for (int i = 0; i < spec.path(list).size(); i++) {
                container(spec, spec.path(list).get(i), path + "." + list + "[" + i + "]");
            }
        }
    }

    private void tolerations(JsonNode tolerations, String path) {
        for (int i = 0; i < tolerations.size(); i++) {
            JsonNode one = tolerations.get(i);
            String operator = one.path("operator").asText("");
            if (one.path("key").asText("").isEmpty() && !operator.equals("Exists")) {
                problems.invalid(
                        path + "[" + i + "].operator",
                        Json.MAPPER.getNodeFactory().textNode(operator),
                        "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
            }
        }
    }

    private void container(JsonNode spec, JsonNode container, String path) {
        for (int i = 0; i < container.path("env").size(); i++) {
            JsonNode from = container.path("env").get(i).path("valueFrom").path("fieldRef");
            String field = from.path("fieldPath").asText("");
            boolean known = POD_FIELDS.contains(field) || field.matches("metadata\\.(labels|annotations)\\['[^']+']");
            if (from.isObject() && !field.isEmpty() && !known) {
                problems.invalid(
                        path + ".env[" + i + "].valueFrom.fieldRef.fieldPath",
                        from.path("fieldPath"),
                        "error converting fieldPath: field label not supported: " + field);
            }
        }
        for (String probe : List.of("livenessProbe", "readinessProbe", "startupProbe")) {
            for (String handler : List.of("httpGet", "tcpSocket", "grpc")) {
                JsonNode port = container.path(probe).path(handler).path("port");
                if (port.isNumber() && (port.asLong() < 1 || port.asLong() > 65_535)) {
                    problems.invalid(
                            path + "." + probe + "." + handler + ".port",
                            port,
                            "must be between 1 and 65535, inclusive");
                }
            }
        }
        resources(spec, container.path("resources"), path + ".resources");
        escalation(container.path("securityContext"), path + ".securityContext");
    }

    private void escalation(JsonNode context, String path) {
        if (context.path("allowPrivilegeEscalation").asBoolean(true)) {
            return;
        }
        if (context.path("privileged").asBoolean()) {
            problems.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        boolean administers = context.path("capabilities")
                .path("add")
                .valueStream()
                .anyMatch(capability -> capability.asText().equals("CAP_SYS_ADMIN"));
        if (administers) {
            problems.invalid(
                    path,
                    context,
                    "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
    }

    private void resources(JsonNode spec, JsonNode resources, String path) {
        Set<String> claims = spec.path("resourceClaims")
                .valueStream()
                .map(claim -> claim.path("name").asText())
                .collect(Collectors.toSet());
        for (int i = 0; i < resources.path("claims").size(); i++) {
            JsonNode name = resources.path("claims").get(i).path("name");
            if (!claims.contains(name.asText())) {
                problems.notFound(
                        path + ".claims[" + i + "]",
                        name,
                        "must be one of the names in pod.spec.resourceClaims"
                                + (claims.isEmpty() ? " which is empty" : ""));
            }
        }
        for (String list : List.of("limits", "requests")) {
            resources.path(list).properties().forEach(entry -> {
                String at = path + "." + list + "[" + entry.getKey() + "]";
                if (entry.getKey().equals("storage")) {
                    problems.invalid(
                            at,
                            Json.MAPPER.getNodeFactory().textNode(entry.getKey()),
                            "must be a standard resource for containers");
                }
                if (Quantities.amount(entry.getValue().asText("0")).signum() < 0) {
                    problems.invalid(at, entry.getValue(), "must be greater than or equal to 0");
                }
            });
        }
        resources.path("requests").properties().forEach(entry -> {
            JsonNode limit = resources.path("limits").path(entry.getKey());
            BigDecimal request = Quantities.amount(entry.getValue().asText("0"));
            if (limit.isTextual() && request.compareTo(Quantities.amount(limit.asText())) > 0) {
                problems.invalid(
                        path + ".requests",
                        entry.getValue(),
                        "must be less than or equal to " + entry.getKey() + " limit of " + limit.asText());
            }
        });
    }
}
