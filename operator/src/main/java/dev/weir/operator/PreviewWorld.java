package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A cluster as it would be: read once, and from then on changed in memory only. What an apply would make of an object is
 * asked of the server as a dry run, so defaults and refusals are the real ones.
 */
final class PreviewWorld implements World {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final KubernetesClient client;
    private final ReleaseReader reader;
    private final List<ObjectKind> kinds;
    private final Map<String, JsonNode> objects = new LinkedHashMap<>();
    private ObjectNode release;

    /** @param release as it would be after the change that is looked at */
    PreviewWorld(KubernetesClient client, ReleaseReader reader, ObjectNode release) {
        this.client = client;
        this.reader = reader;
        this.kinds = reader.kinds();
        this.release = release;
        reader.owned(release).forEach(object -> objects.put(key(object), object));
    }

    private static String key(JsonNode object) {
        return object.path("kind").asText() + "/"
                + object.path("metadata").path("name").asText();
    }

    /** What there would be now, by kind and name. */
    Map<String, JsonNode> objects() {
        return new LinkedHashMap<>(objects);
    }

    /** The release with the status that was last written. */
    ObjectNode release() {
        return release;
    }

    @Override
    public List<JsonNode> labelled(String namespace, String name) {
        return List.copyOf(objects.values());
    }

    @Override
    public Optional<JsonNode> find(ObjectKind kind, String namespace, String name) {
        JsonNode known = objects.get(kind.kind() + "/" + name);
        return known == null ? reader.find(kind, namespace, name) : Optional.of(known);
    }

    @Override
    public void apply(ObjectNode wanted) {
        ObjectNode object = wanted.deepCopy();
        // versions of what only would be are none of the server's
        object.withObject("/metadata").remove("resourceVersion");
        ObjectKind kind = kinds.stream()
                .filter(one -> one.kind().equals(object.path("kind").asText()))
                .findFirst()
                .orElseThrow();
        try {
            GenericKubernetesResource would = client.genericKubernetesResources(ObjectSource.context(kind))
                    .inNamespace(object.path("metadata").path("namespace").asText())
                    .resource(JSON.convertValue(object, GenericKubernetesResource.class))
                    .patch(new PatchContext.Builder()
                            .withPatchType(PatchType.SERVER_SIDE_APPLY)
                            .withFieldManager(KubernetesWorld.MANAGER)
                            .withForce(true)
                            .withDryRun(List.of("All"))
                            .build());
            objects.put(key(object), JSON.valueToTree(would));
        } catch (KubernetesClientException failure) {
            throw KubernetesWorld.refusedOr(failure, object);
        }
    }

    @Override
    public void delete(JsonNode object) {
        objects.remove(key(object));
    }

    @Override
    public boolean writeStatus(JsonNode read, ObjectNode status) {
        ObjectNode next = read.deepCopy();
        next.set("status", status);
        release = next;
        return true;
    }

    @Override
    public void event(JsonNode object, String type, String reason, String message) {
        // nobody is told of what only might happen
    }

    /** Lets every pod become ready, as the controllers of a cluster would. */
    void pretendReady() {
        for (JsonNode object : List.copyOf(objects.values())) {
            if (object.path("kind").asText().equals(ObjectKind.DEPLOYMENT.kind())) {
                rollOut((ObjectNode) object);
            }
            if (object.path("kind").asText().equals(ObjectKind.SERVICE.kind())
                    && object.path("metadata").path("labels").has(ReleaseObjects.VERSION)) {
                ObjectNode slice = slice(object);
                objects.put(key(slice), slice);
            }
        }
    }

    private static void rollOut(ObjectNode deployment) {
        int replicas = deployment.path("spec").path("replicas").asInt(1);
        deployment
                .putObject("status")
                .put(
                        "observedGeneration",
                        deployment.path("metadata").path("generation").asLong())
                .put("replicas", replicas)
                .put("updatedReplicas", replicas)
                .put("readyReplicas", replicas)
                .put("availableReplicas", replicas);
    }

    private static ObjectNode slice(JsonNode service) {
        String name = service.path("metadata").path("name").asText();
        ObjectNode slice = NODES.objectNode();
        slice.put("kind", ObjectKind.ENDPOINT_SLICE.kind());
        ObjectNode metadata = slice.putObject("metadata").put("name", name + "-preview");
        metadata.putObject("labels").put("kubernetes.io/service-name", name);
        ArrayNode addresses = slice.putArray("endpoints").addObject().putArray("addresses");
        addresses.add("192.0.2.1");
        return slice;
    }
}
