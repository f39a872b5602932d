package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.FieldManagement;
import dev.weir.apiserver.merge.FieldSet;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ResourceStrategy;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.List;
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
            "replicationcontrollers");

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
        }
        switch (type.plural()) {
            case "services" -> addresses.allocate(object);
            case "pods" ->
                object.withObject("/status")
                        .put("phase", "Pending")
                        .put("qosClass", PodDefaults.qualityOfService(object.path("spec")));
            case "jobs" -> jobSelector(object);
            case "namespaces" -> {
                object.withObject("/status").put("phase", "Active");
                object.withObject("/spec").withArray("finalizers").removeAll().add("kubernetes");
            }
            default -> {}
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
        if (type.plural().equals("namespaces")) {
            carry(object, old, "spec");
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
        errors.addAll(Validation.validate(type, object, old));
        errors.addAll(check.problems(object, old));
        if (errors.isEmpty() && type.plural().equals("services")) {
            errors.addAll(addresses.problems(object, old));
        }
        return errors;
    }

    @Override
    public List<String> warnings(ObjectNode object) {
        return type.plural().equals("services") ? ServiceAddresses.warnings(object) : List.of();
    }

    @Override
    public FieldSet resetFields(String subresource) {
        if (!hasStatus()) {
            return new FieldSet();
        }
        return switch (subresource) {
            case "" -> FieldManagement.topLevel(List.of("status"));
            case "status" -> FieldManagement.topLevel(List.of("spec"));
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
                    || !Json.same(object.get("ports"), old.get("ports"));
        }
        return !Json.same(object.get("spec"), old.get("spec"));
    }

    @Override
    public boolean allowsUnconditionalUpdate() {
        return !Set.of("leases", "customresourcedefinitions", "apiservices").contains(type.plural());
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
