package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.rest.ObjectMeta;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules of pods and pod templates, with the words of Kubernetes' validation package. */
final class PodValidation {
    private static final Pattern ENV_NAME = Pattern.compile("[\\x20-\\x3c\\x3e-\\x7e]+");
    private static final Pattern PORT_NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
    private static final List<String> RESTART = List.of("Always", "OnFailure", "Never");

    private final List<FieldError> errors = new ArrayList<>();
    private final Set<String> volumes = new HashSet<>();
    private final Set<String> names = new HashSet<>();

    private PodValidation() {}

    static List<FieldError> validate(JsonNode spec, String path) {
        return validate(spec, path, Set.of());
    }

    /** @param claims names of volumes that come from elsewhere */
    static List<FieldError> validate(JsonNode spec, String path, Set<String> claims) {
        PodValidation validation = new PodValidation();
        validation.spec(spec, path, claims);
        validation.errors.addAll(PodRules.ofSpec(spec, path));
        return validation.errors;
    }

    private void add(Kind kind, String field, @Nullable String value, String detail) {
        errors.add(new FieldError(kind, field, value, detail));
    }

    private void oneOf(JsonNode value, String field, List<String> allowed) {
        String text = value.asText("");
        if (!allowed.contains(text)) {
            String sorted = String.join("\", \"", allowed.stream().sorted().toList());
            add(Kind.NOT_SUPPORTED, field, "\"" + text + "\"", "supported values: \"" + sorted + "\"");
        }
    }

    private void label(String text, String field, Set<String> seen) {
        String problem = ObjectMeta.nameProblem(text, ObjectMeta.NameRule.LABEL);
        if (text.isEmpty()) {
            add(Kind.REQUIRED, field, null, "");
        } else if (problem != null) {
            add(Kind.INVALID, field, "\"" + text + "\"", problem);
        } else if (!seen.add(text)) {
            add(Kind.DUPLICATE, field, "\"" + text + "\"", "");
        }
    }

    private void spec(JsonNode spec, String path, Set<String> claims) {
        for (int i = 0; i < spec.path("volumes").size(); i++) {
            JsonNode volume = spec.path("volumes").get(i);
            String at = path + ".volumes[" + i + "]";
            label(volume.path("name").asText(""), at + ".name", volumes);
            int sources = volume.size() - (volume.has("name") ? 1 : 0);
            if (sources == 0) {
                add(Kind.REQUIRED, at, null, "must specify a volume type");
            } else if (sources > 1) {
                add(Kind.FORBIDDEN, at, null, "may not specify more than 1 volume type");
            }
        }
        volumes.addAll(claims);
        JsonNode containers = spec.path("containers");
        if (containers.isEmpty()) {
            add(Kind.REQUIRED, path + ".containers", null, "");
        }
        for (int i = 0; i < containers.size(); i++) {
            container(containers.get(i), path + ".containers[" + i + "]");
        }
        for (int i = 0; i < spec.path("initContainers").size(); i++) {
            container(spec.path("initContainers").get(i), path + ".initContainers[" + i + "]");
        }
        String restart = spec.path("restartPolicy").asText("");
        if (!RESTART.contains(restart)) {
            add(
                    Kind.NOT_SUPPORTED,
                    path + ".restartPolicy",
                    "\"" + restart + "\"",
                    "supported values: \"" + String.join("\", \"", RESTART) + "\"");
        }
        oneOf(
                spec.path("dnsPolicy"),
                path + ".dnsPolicy",
                List.of("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"));
    }

    private void container(JsonNode container, String path) {
        label(container.path("name").asText(""), path + ".name", names);
        String image = container.path("image").asText("");
        if (image.isEmpty()) {
            add(Kind.REQUIRED, path + ".image", null, "");
        } else if (!image.equals(image.strip())) {
            add(Kind.INVALID, path + ".image", "\"" + image + "\"", "must not have leading or trailing whitespace");
        }
        oneOf(container.path("imagePullPolicy"), path + ".imagePullPolicy", List.of("Always", "IfNotPresent", "Never"));
        Set<String> portNames = new HashSet<>();
        for (int i = 0; i < container.path("ports").size(); i++) {
            port(container.path("ports").get(i), path + ".ports[" + i + "]", portNames);
        }
        for (int i = 0; i < container.path("env").size(); i++) {
            env(container.path("env").get(i), path + ".env[" + i + "]");
        }
        Set<String> mounts = new HashSet<>();
        for (int i = 0; i < container.path("volumeMounts").size(); i++) {
            mount(container.path("volumeMounts").get(i), path + ".volumeMounts[" + i + "]", mounts);
        }
        for (String probe : List.of("livenessProbe", "readinessProbe", "startupProbe")) {
            if (container.has(probe)) {
                probe(container.path(probe), path + "." + probe);
            }
        }
    }

    private void port(JsonNode port, String path, Set<String> seen) {
        String name = port.path("name").asText("");
        if (!name.isEmpty()) {
            String problem = portNameProblem(name);
            if (problem != null) {
                add(Kind.INVALID, path + ".name", "\"" + name + "\"", problem);
            } else if (!seen.add(name)) {
                add(Kind.DUPLICATE, path + ".name", "\"" + name + "\"", "");
            }
        }
        if (port.path("containerPort").asInt() == 0) {
            add(Kind.REQUIRED, path + ".containerPort", null, "");
        } else {
            number(port.path("containerPort"), path + ".containerPort");
        }
        if (port.path("hostPort").asInt() != 0) {
            number(port.path("hostPort"), path + ".hostPort");
        }
        oneOf(port.path("protocol"), path + ".protocol", List.of("TCP", "UDP", "SCTP"));
    }

    /** Null if a port may have the name. */
    static @Nullable String portNameProblem(String name) {
        if (name.length() > 15) {
            return "must be no more than 15 characters";
        }
        if (!PORT_NAME.matcher(name).matches()) {
            return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        }
        return name.chars().noneMatch(Character::isLetter) ? "must contain at least one letter (a-z)" : null;
    }

    private void number(JsonNode port, String field) {
        if (port.asLong() < 1 || port.asLong() > 65_535) {
            add(Kind.INVALID, field, port.asText(), "must be between 1 and 65535, inclusive");
        }
    }

    private void env(JsonNode env, String path) {
        String name = env.path("name").asText("");
        if (name.isEmpty()) {
            add(Kind.REQUIRED, path + ".name", null, "");
        } else if (!ENV_NAME.matcher(name).matches()) {
            add(
                    Kind.INVALID,
                    path + ".name",
                    "\"" + name + "\"",
                    "a valid environment variable name must consist only of printable ASCII characters other than '='"
                            + " (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is"
                            + " '[ -<>-~]+')");
        }
        if (env.path("valueFrom").isObject()) {
            if (!env.path("value").asText("").isEmpty()) {
                add(Kind.INVALID, path + ".valueFrom", "\"\"", "may not be specified when `value` is not empty");
            } else if (env.path("valueFrom").size() != 1) {
                add(
                        Kind.INVALID,
                        path + ".valueFrom",
                        "\"\"",
                        env.path("valueFrom").isEmpty()
                                ? "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`,"
                                        + " `secretKeyRef` or `fileKeyRef`"
                                : "may not have more than one field specified at a time");
            }
        }
    }

    private void mount(JsonNode mount, String path, Set<String> seen) {
        String name = mount.path("name").asText("");
        if (name.isEmpty()) {
            add(Kind.REQUIRED, path + ".name", null, "");
        } else if (!volumes.contains(name)) {
            add(Kind.NOT_FOUND, path + ".name", "\"" + name + "\"", "");
        }
        String place = mount.path("mountPath").asText("");
        if (place.isEmpty()) {
            add(Kind.REQUIRED, path + ".mountPath", null, "");
        } else if (!seen.add(place)) {
            add(Kind.INVALID, path + ".mountPath", "\"" + place + "\"", "must be unique");
        }
    }

    private void probe(JsonNode probe, String path) {
        int handlers = 0;
        for (String handler : List.of("exec", "httpGet", "tcpSocket", "grpc")) {
            if (probe.has(handler)) {
                handlers++;
                if (handlers > 1) {
                    add(Kind.FORBIDDEN, path + "." + handler, null, "may not specify more than 1 handler type");
                }
            }
        }
        if (handlers == 0) {
            add(Kind.REQUIRED, path, null, "must specify a handler type");
        }
        for (String field : List.of("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold")) {
            if (probe.path(field).asLong() < 0) {
                add(Kind.INVALID, path + "." + field, probe.path(field).asText(), "must be greater than or equal to 0");
            }
        }
    }

    /** Of a pod that exists only images, a deadline and further tolerations may change; a scheduler may place it. */
    static List<FieldError> validateUpdate(ObjectNode pod, ObjectNode old) {
        List<FieldError> numbers = PodRules.ofNumbers(pod.path("spec"), old.path("spec"));
        if (!numbers.isEmpty()) {
            return numbers;
        }
        boolean gated = !old.path("spec").path("schedulingGates").isEmpty();
        ObjectNode before = fixed(old.path("spec"), gated);
        ObjectNode after = fixed(pod.path("spec"), gated);
        if (!before.has("nodeName")) {
            after.remove("nodeName");
        }
        if (Json.same(before, after)) {
            return List.of();
        }
        return List.of(new FieldError(
                Kind.FORBIDDEN,
                "spec",
                null,
                "pod updates may not change fields other than `spec.containers[*].image`,"
                        + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only"
                        + " additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be"
                        + " set to 1 if it was previously negative)"));
    }

    /** @param gated true while no scheduler looks at the pod, so that where it may go is open */
    private static ObjectNode fixed(JsonNode spec, boolean gated) {
        ObjectNode copy = Json.MAPPER.createObjectNode();
        if (spec.deepCopy() instanceof ObjectNode own) {
            copy.setAll(own);
        }
        for (String list : List.of("containers", "initContainers")) {
            copy.path(list).forEach(container -> ((ObjectNode) container).remove(List.of("image", "resources")));
        }
        copy.remove(List.of("activeDeadlineSeconds", "tolerations", "ephemeralContainers", "schedulingGates"));
        if (gated) {
            copy.remove(List.of("nodeSelector", "affinity"));
        }
        if (spec.path("terminationGracePeriodSeconds").asLong() < 0) {
            copy.put("terminationGracePeriodSeconds", 1);
        }
        return copy;
    }
}
