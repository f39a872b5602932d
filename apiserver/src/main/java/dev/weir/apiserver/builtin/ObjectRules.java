package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ObjectMeta;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How the fields of kinds that run nothing go together, with the words of Kubernetes' validation packages. Pure. */
final class ObjectRules {
    private static final List<String> EFFECTS = List.of("NoSchedule", "PreferNoSchedule", "NoExecute");
    private static final Set<String> NOT_A_SOURCE = Set.of(
            "accessModes",
            "capacity",
            "claimRef",
            "mountOptions",
            "nodeAffinity",
            "persistentVolumeReclaimPolicy",
            "storageClassName",
            "volumeAttributesClassName",
            "volumeMode");
    private static final Set<String> SCOPES = Set.of(
            "Terminating",
            "NotTerminating",
            "BestEffort",
            "NotBestEffort",
            "PriorityClass",
            "CrossNamespacePodAffinity",
            "VolumeAttributesClass");
    private static final List<String> ACCESS_MODES =
            List.of("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod");

    private final Problems problems = new Problems();
    private final ObjectNode object;
    private final JsonNode spec;
    private final @Nullable ObjectNode old;

    private ObjectRules(ObjectNode object, @Nullable ObjectNode old) {
        this.object = object;
        this.spec = object.path("spec");
        this.old = old;
    }

    static List<FieldError> problems(String plural, ObjectNode object, @Nullable ObjectNode old) {
        ObjectRules rules = new ObjectRules(object, old);
        switch (plural) {
            case "configmaps" -> rules.configMap();
            case "secrets" -> rules.secret();
            case "clusterroles" -> rules.clusterRole();
            case "events" -> rules.event();
            case "namespaces" -> rules.namespace();
            case "nodes" -> rules.node();
            case "resourcequotas" -> rules.quota();
            case "persistentvolumes" -> rules.volume();
            case "persistentvolumeclaims" -> rules.claim();
            case "endpoints" -> rules.endpoints();
            case "endpointslices" -> rules.endpointSlice();
            case "networkpolicies" -> rules.problems.selector("spec.podSelector", rules.spec.path("podSelector"));
            case "poddisruptionbudgets" -> rules.budget();
            case "horizontalpodautoscalers" -> rules.autoscaler();
            case "validatingwebhookconfigurations", "mutatingwebhookconfigurations" -> rules.webhooks();
            case "priorityclasses" -> rules.priority();
            case "ingresses" -> rules.ingress();
            case "ingressclasses" -> rules.ingressClass();
            default -> {}
        }
        return rules.problems.found();
    }

    private void configMap() {
        object.path("data").properties().forEach(entry -> {
            if (object.path("binaryData").has(entry.getKey())) {
                problems.invalid(
                        "data[" + entry.getKey() + "]", text(entry.getKey()), "duplicate of key present in binaryData");
            }
        });
    }

    private static JsonNode text(String text) {
        return JsonNodeFactory.instance.textNode(text);
    }

    private void secret() {
        String type = object.path("type").asText("");
        JsonNode data = object.path("data");
        if (type.equals("kubernetes.io/basic-auth") && !data.has("username") && !data.has("password")) {
            problems.required("data[username]", "");
            problems.required("data[password]", "");
        }
        String account = "kubernetes.io/service-account.name";
        if (type.equals("kubernetes.io/service-account-token")
                && object.path("metadata")
                        .path("annotations")
                        .path(account)
                        .asText("")
                        .isEmpty()) {
            problems.required("metadata.annotations[" + account + "]", "");
        }
    }

    private void clusterRole() {
        if (object.has("aggregationRule")
                && object.path("aggregationRule").path("clusterRoleSelectors").isEmpty()) {
            problems.required(
                    "aggregationRule.clusterRoleSelectors",
                    "at least one clusterRoleSelector required if aggregationRule is non-nil");
        }
        JsonNode rules = object.path("rules");
        for (int i = 0; i < rules.size(); i++) {
            JsonNode rule = rules.get(i);
            boolean resources = !rule.path("apiGroups").isEmpty()
                    || !rule.path("resources").isEmpty()
                    || !rule.path("resourceNames").isEmpty();
            if (!rule.path("nonResourceURLs").isEmpty() && resources) {
                problems.invalid(
                        "rules[" + i + "].nonResourceURLs",
                        rule.path("nonResourceURLs"),
                        "rules cannot apply to both regular resources and non-resource URLs");
            }
        }
    }

    /** An event stands in the namespace of what it tells of; of what has none it tells in the default one. */
    private void event() {
        JsonNode about = object.path(object.has("regarding") ? "regarding" : "involvedObject");
        String there = about.path("namespace").asText("");
        String here = object.path("metadata").path("namespace").asText("");
        boolean fits = there.isEmpty() ? here.equals("default") || here.equals("kube-system") : there.equals(here);
        if (!fits) {
            problems.invalid("involvedObject.namespace", text(there), "does not match event.namespace");
        }
    }

    private void namespace() {
        String phase = object.path("status").path("phase").asText("");
        if (!phase.equals("Active") && !object.path("metadata").has("deletionTimestamp")) {
            problems.invalid("status.Phase", text(phase), "may only be 'Active' if `deletionTimestamp` is empty");
        }
    }

    private void node() {
        JsonNode taints = spec.path("taints");
        for (int i = 0; i < taints.size(); i++) {
            if (!EFFECTS.contains(taints.get(i).path("effect").asText())) {
                problems.unsupported(
                        "metadata.taints[" + i + "].effect", taints.get(i).path("effect"), EFFECTS);
            }
        }
        if (old != null
                && old.path("spec").has("podCIDRs")
                && !Json.same(old.path("spec").get("podCIDRs"), spec.path("podCIDRs"))) {
            problems.forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid");
        }
    }

    private void quota() {
        JsonNode scopes = spec.path("scopes");
        if (!scopes.valueStream().allMatch(scope -> SCOPES.contains(scope.asText()))) {
            problems.invalid("spec.scopes", scopes, "unsupported scope");
        }
        if (old != null && !Json.same(old.path("spec").path("scopes"), scopes)) {
            problems.invalid("spec.scopes", scopes, FieldRule.IMMUTABLE);
        }
    }

    private static ObjectNode source(JsonNode spec) {
        ObjectNode copy = Json.MAPPER.createObjectNode();
        spec.properties().forEach(entry -> {
            if (!NOT_A_SOURCE.contains(entry.getKey())) {
                copy.set(entry.getKey(), entry.getValue());
            }
        });
        return copy;
    }

    private void volume() {
        if (source(spec).isEmpty()) {
            problems.required("spec", "must specify a volume type");
        }
        if (old != null && !Json.same(source(old.path("spec")), source(spec))) {
            problems.forbidden(
                    "spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
        }
        if (old != null && !Json.same(old.path("spec").get("volumeMode"), spec.get("volumeMode"))) {
            problems.invalid("volumeMode", spec.path("volumeMode"), FieldRule.IMMUTABLE);
        }
    }

    private void claim() {
        for (JsonNode mode : spec.path("accessModes")) {
            if (!ACCESS_MODES.contains(mode.asText())) {
                problems.unsupported("spec.accessModes", mode, ACCESS_MODES);
            }
        }
        JsonNode storage = spec.path("resources").path("requests").path("storage");
        if (storage.asText("").equals("0")) {
            problems.invalid("spec.resources[storage]", storage, "must be greater than zero");
        }
        boolean bound = old != null && old.path("status").path("phase").asText().equals("Bound");
        // a claim gets its volume once
        boolean named = old != null && old.path("spec").has("volumeName");
        if (old != null && !Json.same(claimed(old.path("spec"), bound, named), claimed(spec, bound, named))) {
            problems.forbidden(
                    "spec",
                    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound"
                            + " claims");
        }
    }

    private static ObjectNode claimed(JsonNode spec, boolean bound, boolean named) {
        ObjectNode copy = Json.MAPPER.createObjectNode();
        copy.setAll((ObjectNode) spec.deepCopy());
        if (bound) {
            copy.withObject("/resources").remove("requests");
            copy.remove("volumeAttributesClassName");
        }
        if (!named) {
            copy.remove("volumeName");
        }
        return copy;
    }

    private void endpoints() {
        JsonNode subsets = object.path("subsets");
        for (int i = 0; i < subsets.size(); i++) {
            JsonNode subset = subsets.get(i);
            String at = "subsets[" + i + "]";
            if (subset.path("addresses").isEmpty()
                    && subset.path("notReadyAddresses").isEmpty()) {
                problems.required(at, "must specify `addresses` or `notReadyAddresses`");
            }
            for (String list : List.of("addresses", "notReadyAddresses")) {
                for (int j = 0; j < subset.path(list).size(); j++) {
                    endpoint(subset.path(list).get(j).path("ip"), at + "." + list + "[" + j + "].ip", true);
                }
            }
        }
    }

    /** Loopback addresses are fine here, other than upstream: the pods of local mode have no others. */
    private void endpoint(JsonNode address, String at, boolean checkedTwice) {
        String text = address.asText("");
        if (!FieldRule.isAddress(text)) {
            problems.invalid(at, address, FieldRule.NO_ADDRESS);
            if (checkedTwice) {
                problems.invalid(at, address, "must be a valid IP address");
            }
        }
    }

    private void endpointSlice() {
        if (object.path("addressType").asText().equals("FQDN")) {
            return;
        }
        FieldRule.each(object, "endpoints[].addresses[]", (address, at) -> endpoint(address, at, false));
    }

    private void budget() {
        for (String field : List.of("minAvailable", "maxUnavailable")) {
            problems.share("spec." + field, spec.path(field).isTextual() ? spec.path(field) : spec.path("none"), true);
        }
        problems.selector("spec.selector", spec.path("selector"));
    }

    private void autoscaler() {
        JsonNode target = spec.path("scaleTargetRef");
        if (!target.path("apiVersion").asText("").contains("/")
                && !target.path("apiVersion").asText("").equals("v1")) {
            problems.invalid(
                    "spec.scaleTargetRef.apiVersion",
                    text(target.path("apiVersion").asText("")),
                    "apiVersion must specify API group");
        }
        JsonNode metrics = spec.path("metrics");
        for (int i = 0; i < metrics.size(); i++) {
            String type = metrics.get(i).path("type").asText("");
            String field = type.isEmpty() ? "" : Character.toLowerCase(type.charAt(0)) + type.substring(1);
            if (!field.isEmpty() && !metrics.get(i).has(field)) {
                problems.required(
                        "spec.metrics[" + i + "]." + field, "must populate information for the given metric source");
            }
        }
        boolean toNothing =
                spec.path("minReplicas").isNumber() && spec.path("minReplicas").asInt() == 0;
        if (toNothing
                && metrics.valueStream()
                        .noneMatch(metric -> List.of("Object", "External")
                                .contains(metric.path("type").asText()))) {
            problems.forbidden(
                    "spec.metrics",
                    "must specify at least one Object or External metric to support scaling to zero replicas");
        }
    }

    private void webhooks() {
        Set<String> names = new HashSet<>();
        JsonNode webhooks = object.path("webhooks");
        for (int i = 0; i < webhooks.size(); i++) {
            JsonNode webhook = webhooks.get(i);
            String at = "webhooks[" + i + "]";
            String name = webhook.path("name").asText("");
            if (name.isEmpty()) {
                problems.required(at + ".name", "");
            } else if (name.split("\\.").length < 3) {
                problems.invalid(
                        at + ".name", text(name), "should be a domain with at least three segments separated by dots");
            } else if (!names.add(name)) {
                problems.duplicate(at + ".name", text(name));
            }
            JsonNode client = webhook.path("clientConfig");
            if (client.has("url") == client.has("service")) {
                problems.required(at + ".clientConfig", "exactly one of url or service is required");
            } else if (client.has("url") && !client.path("url").asText().startsWith("https://")) {
                String scheme = client.path("url").asText().split(":", 2)[0];
                problems.invalid(
                        at + ".clientConfig.url",
                        text(scheme),
                        "'https' is the only allowed URL scheme; desired format: https://host[/path]");
            }
            JsonNode timeout = webhook.path("timeoutSeconds");
            if (timeout.isNumber() && (timeout.asInt() < 1 || timeout.asInt() > 30)) {
                problems.invalid(at + ".timeoutSeconds", timeout, "the timeout value must be between 1 and 30 seconds");
            }
        }
    }

    private void ingress() {
        JsonNode rules = spec.path("rules");
        for (int i = 0; i < rules.size(); i++) {
            JsonNode host = rules.get(i).path("host");
            String name = host.asText("");
            String problem = name.isEmpty()
                    ? null
                    : ObjectMeta.nameProblem(
                            name.startsWith("*.") ? name.substring(2) : name, ObjectMeta.NameRule.SUBDOMAIN);
            if (problem != null) {
                problems.invalid("spec.rules[" + i + "].host", host, problem);
            }
        }
    }

    private void ingressClass() {
        JsonNode controller = spec.path("controller");
        if (!controller.asText("").isEmpty() && !controller.asText().matches("[a-z0-9.-]+/[-A-Za-z0-9_./]+")) {
            problems.invalid("spec.controller", controller, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        }
    }

    private void priority() {
        boolean system = object.path("metadata").path("name").asText().startsWith("system-");
        if (!system && object.path("value").asLong() > 1_000_000_000) {
            problems.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
        }
    }
}
