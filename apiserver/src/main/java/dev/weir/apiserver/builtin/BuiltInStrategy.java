package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.FieldManagement;
import dev.weir.apiserver.merge.FieldSet;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ResourceStrategy;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Schema;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The kinds that Kubernetes defines itself. */
public final class BuiltInStrategy implements ResourceStrategy {
    private static final Set<String> COUNTED = Set.of(
            "deployments",
            "replicasets",
            "statefulsets",
            "daemonsets",
            "jobs",
            "cronjobs",
            "ingresses",
            "networkpolicies",
            "poddisruptionbudgets",
            "pods",
            "endpointslices",
            "replicationcontrollers",
            "podtemplates",
            "priorityclasses",
            "ingressclasses",
            "customresourcedefinitions",
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations");

    /** Whose updates must name the resource version that they are based on. */
    private static final Set<String> CONDITIONAL = Set.of(
            "leases",
            "customresourcedefinitions",
            "apiservices",
            "poddisruptionbudgets",
            "runtimeclasses",
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations");

    private static final Set<String> FINALIZERS = Set.of("kubernetes", "orphan", "foregroundDeletion");
    /** Fields of a Lease for the election among candidates, which is not switched on. */
    private static final List<String> ELECTION = List.of("strategy", "preferredHolder");

    private final ResourceType type;
    private final Schema schema;
    private final ServiceAddresses addresses;
    private final KindCheck check;

    public BuiltInStrategy(ResourceType type, Schema schema, ServiceAddresses addresses, KindCheck check) {
        this.check = check;
        this.type = type;
        this.schema = schema;
        this.addresses = addresses;
    }

    @Override
    public Schema schema() {
        return schema;
    }

    @Override
    public List<String> decode(ObjectNode object) {
        try {
            return Decoding.decode(schema, type.kind(), object);
        } catch (Decoding.WrongTypeException wrong) {
            throw ApiException.badRequest(type.kind() + " in version \"" + type.version() + "\" cannot be handled as a "
                    + type.kind() + ": " + wrong.getMessage());
        }
    }

    @Override
    public void setDefaults(ObjectNode object) {
        schema.fillEmptyStructs(object);
        Defaults.apply(type, object);
    }

    private boolean hasStatus() {
        return type.subresources().contains("status");
    }

    @Override
    public void prepareForCreate(ObjectNode object) {
        if (hasStatus() && !type.plural().equals("nodes")) {
            object.remove("status");
            schema.fillEmptyStructs(object);
            zeroCounts(object);
        }
        switch (type.plural()) {
            case "leases" -> object.withObject("/spec").remove(ELECTION);
            case "services" -> addresses.allocate(object);
            case "pods" -> newPod(object);
            case "jobs" -> jobSelector(object);
            case "customresourcedefinitions" -> newDefinition(object);
            case "daemonsets" ->
                object.withObject("/metadata").withObject("/annotations").put(Defaults.TEMPLATE_GENERATION, "1");
            case "persistentvolumeclaims" -> object.withObject("/status").put("phase", "Pending");
            case "persistentvolumes" ->
                object.withObject("/status").put("phase", "Pending").put("lastPhaseTransitionTime", now());
            case "namespaces" -> {
                object.withObject("/status").put("phase", "Active");
                JsonNode metadata = object.path("metadata");
                object.withObject("/metadata")
                        .withObject("/labels")
                        .put(
                                "kubernetes.io/metadata.name",
                                metadata.path("name").asText());
                ArrayNode finalizers = object.withObject("/spec").withArray("finalizers");
                if (finalizers
                        .valueStream()
                        .noneMatch(finalizer -> finalizer.asText().equals("kubernetes"))) {
                    finalizers.add("kubernetes");
                }
            }
            default -> {}
        }
    }

    private static void newPod(ObjectNode pod) {
        ObjectNode status = pod.withObject("/status");
        status.put("phase", "Pending");
        if (!pod.path("spec").path("schedulingGates").isEmpty()) {
            status.putArray("conditions")
                    .addObject()
                    .put("type", "PodScheduled")
                    .put("status", "False")
                    .putNull("lastProbeTime")
                    .put("lastTransitionTime", now())
                    .put("reason", "SchedulingGated")
                    .put("message", "Scheduling is blocked due to non-empty scheduling gates");
        }
        status.put("qosClass", PodDefaults.qualityOfService(pod.path("spec")));
    }

    private static void newDefinition(ObjectNode definition) {
        ObjectNode status = definition.putObject("status");
        status.putNull("conditions");
        status.putObject("acceptedNames").put("plural", "").put("kind", "");
        ArrayNode stored = status.putArray("storedVersions");
        definition.path("spec").path("versions").forEach(version -> {
            if (version.path("storage").asBoolean()) {
                stored.add(version.path("name").asText());
            }
        });
    }

    private static String now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** Counts that a status always states are zero at first. */
    private void zeroCounts(ObjectNode object) {
        Schema below = schema.properties().get("status");
        if (below == null || below.type() != Schema.Type.OBJECT) {
            return;
        }
        ObjectNode status = object.withObject("/status");
        for (String field : below.required()) {
            Schema.Type kind = below.properties().getOrDefault(field, below).type();
            if (kind == Schema.Type.INTEGER && !status.has(field)) {
                status.put(field, 0);
            }
        }
        if (type.plural().equals("statefulsets")) {
            status.put("availableReplicas", 0);
        }
    }

    /** A Job selects the pods that carry its uid, unless the user selects by hand. */
    private static void jobSelector(ObjectNode job) {
        ObjectNode spec = job.withObject("/spec");
        if (spec.path("manualSelector").asBoolean()) {
            return;
        }
        String uid = job.path("metadata").path("uid").asText();
        String name = job.path("metadata").path("name").asText();
        spec.withObject("/selector").withObject("/matchLabels").put("batch.kubernetes.io/controller-uid", uid);
        spec.withObject("/template")
                .withObject("/metadata")
                .withObject("/labels")
                .put("batch.kubernetes.io/controller-uid", uid)
                .put("batch.kubernetes.io/job-name", name)
                .put("controller-uid", uid)
                .put("job-name", name);
    }

    @Override
    public void prepareForUpdate(ObjectNode object, ObjectNode old) {
        if (hasStatus()) {
            carry(object, old, "status");
        }
        if (type.plural().equals("services")) {
            addresses.carryOver(object, old);
        }
        if (type.plural().equals("leases")) {
            object.withObject("/spec").remove(ELECTION);
        }
        if (type.plural().equals("namespaces")) {
            carry(object, old, "spec");
        }
        if (type.plural().equals("daemonsets")) {
            int count = old.path("metadata")
                    .path("annotations")
                    .path(Defaults.TEMPLATE_GENERATION)
                    .asInt();
            boolean changed = !Json.same(
                    object.path("spec").get("template"), old.path("spec").get("template"));
            object.withObject("/metadata")
                    .withObject("/annotations")
                    .put(Defaults.TEMPLATE_GENERATION, Integer.toString(changed ? count + 1 : count));
        }
    }

    private static void carry(ObjectNode object, ObjectNode old, String field) {
        JsonNode kept = old.get(field);
        if (kept == null) {
            object.remove(field);
        } else {
            object.set(field, kept.deepCopy());
        }
    }

    @Override
    public List<FieldError> validate(ObjectNode object, @Nullable ObjectNode old, List<FieldError> ofMetadata) {
        List<FieldError> errors = new ArrayList<>(ofMetadata);
        FieldRule.each(object, "metadata.finalizers[]", (finalizer, at) -> {
            String name = finalizer.asText("");
            boolean checked = old == null || !type.plural().equals("runtimeclasses");
            if (checked && !name.contains("/") && !FINALIZERS.contains(name)) {
                errors.add(new FieldError(
                        FieldError.Kind.INVALID,
                        at,
                        Json.write(finalizer),
                        "name is neither a standard finalizer name nor is it fully qualified"));
            }
        });
        errors.addAll(Validation.validate(type, object, old));
        errors.addAll(check.problems(object, old));
        if (errors.isEmpty() && type.plural().equals("services")) {
            errors.addAll(addresses.problems(object, old));
        }
        return errors;
    }

    @Override
    public List<String> warnings(ObjectNode object) {
        return switch (type.plural()) {
            case "services" -> ServiceAddresses.warnings(object);
            default -> List.of();
        };
    }

    @Override
    public Optional<String> deprecation() {
        return type.qualifiedPlural().equals("endpoints")
                ? Optional.of("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
                : Optional.empty();
    }

    @Override
    public FieldSet resetFields(String subresource) {
        if (!hasStatus()) {
            return new FieldSet();
        }
        return switch (subresource) {
            case "" -> FieldManagement.topLevel(List.of("status"));
            case "status" -> {
                FieldSet reset = FieldManagement.topLevel(List.of("spec"));
                if (type.plural().equals("deployments")) {
                    reset.insert(List.of("f:metadata", "f:labels"));
                }
                yield reset;
            }
            default -> new FieldSet();
        };
    }

    @Override
    public boolean hasGeneration() {
        return COUNTED.contains(type.plural());
    }

    @Override
    public boolean specChanged(ObjectNode object, ObjectNode old) {
        if (type.plural().equals("endpointslices")) {
            return !Json.same(object.get("endpoints"), old.get("endpoints"))
                    || !Json.same(object.get("ports"), old.get("ports"))
                    || !Json.same(
                            object.path("metadata").path("labels"),
                            old.path("metadata").path("labels"));
        }
        return switch (type.plural()) {
            case "podtemplates" -> !Json.same(object.get("template"), old.get("template"));
            case "validatingwebhookconfigurations", "mutatingwebhookconfigurations" ->
                !Json.same(object.get("webhooks"), old.get("webhooks"));
            default -> !Json.same(object.get("spec"), old.get("spec"));
        };
    }

    @Override
    public boolean allowsUnconditionalUpdate() {
        return !CONDITIONAL.contains(type.plural());
    }

    @Override
    public boolean servesStrategicMerge() {
        return true;
    }

    @Override
    public ObjectNode onRead(ObjectNode stored) {
        return stored;
    }

    /** The policy is kept, needlessly, for a Service that became an ExternalName, but not shown. */
    @Override
    public ObjectNode shown(ObjectNode object) {
        JsonNode spec = object.path("spec");
        boolean hides = type.plural().equals("services")
                && spec.path("type").asText().equals("ExternalName")
                && spec.has("internalTrafficPolicy");
        if (!hides) {
            return object;
        }
        ObjectNode copy = object.deepCopy();
        copy.withObject("/spec").remove("internalTrafficPolicy");
        return copy;
    }
}
