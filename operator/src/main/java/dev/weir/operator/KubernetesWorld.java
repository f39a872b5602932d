package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ObjectKind;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.NonNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.net.HttpURLConnection;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A cluster, read through watches and written through the API. */
final class KubernetesWorld implements World {
    private static final Logger LOGGER = LoggerFactory.getLogger(KubernetesWorld.class);
    static final String MANAGER = "weir";
    private static final String UNDECLARED = "field not declared in schema";
    private static final String MISTYPED = "failed to create typed patch object";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final KubernetesClient client;
    private final List<ObjectSource> sources;
    private final Clock clock;

    /** @param sources of what releases own */
    KubernetesWorld(KubernetesClient client, List<ObjectSource> sources, Clock clock) {
        this.client = client;
        this.sources = sources;
        this.clock = clock;
    }

    @Override
    public List<JsonNode> labelled(String namespace, String release) {
        return sources.stream()
                .flatMap(source -> source.of(namespace, release).stream())
                .<JsonNode>map(JSON::valueToTree)
                .toList();
    }

    private NonNamespaceOperation<
                    GenericKubernetesResource, GenericKubernetesResourceList, Resource<GenericKubernetesResource>>
            objects(ObjectKind kind, String namespace) {
        return client.genericKubernetesResources(ObjectSource.context(kind)).inNamespace(namespace);
    }

    private ObjectSource source(JsonNode object) {
        return sources.stream()
                .filter(source ->
                        source.kind().kind().equals(object.path("kind").asText()))
                .findFirst()
                .orElseThrow();
    }

    private Resource<GenericKubernetesResource> resource(JsonNode object) {
        return objects(
                        source(object).kind(),
                        object.path("metadata").path("namespace").asText())
                .resource(JSON.convertValue(object, GenericKubernetesResource.class));
    }

    @Override
    public Optional<JsonNode> find(ObjectKind kind, String namespace, String name) {
        try {
            return Optional.ofNullable(objects(kind, namespace).withName(name).get())
                    .map(JSON::valueToTree);
        } catch (KubernetesClientException failure) {
            if (failure.getCode() == HttpURLConnection.HTTP_FORBIDDEN) {
                throw new Refused(kind.kind() + "/" + name + ": " + failure.getMessage(), failure);
            }
            throw failure;
        }
    }

    @Override
    public void apply(ObjectNode object) {
        try {
            GenericKubernetesResource written = resource(object)
                    .patch(new PatchContext.Builder()
                            .withPatchType(PatchType.SERVER_SIDE_APPLY)
                            .withFieldManager(MANAGER)
                            .withForce(true)
                            .build());
            source(object).wrote(written);
        } catch (KubernetesClientException failure) {
            RuntimeException told = refusedOr(failure, object);
            if (!(told instanceof Refused)) {
                JsonNode metadata = object.path("metadata");
                source(object)
                        .unsureOf(
                                metadata.path("namespace").asText(),
                                metadata.path("name").asText());
            }
            throw told;
        }
    }

    /** Tells what another try cannot mend from what it may. */
    static RuntimeException refusedOr(KubernetesClientException failure, JsonNode object) {
        String what = object.path("kind").asText() + "/"
                + object.path("metadata").path("name").asText();
        String message = String.valueOf(
                failure.getStatus() == null
                        ? failure.getMessage()
                        : failure.getStatus().getMessage());
        if (failure.getCode() == HttpURLConnection.HTTP_NOT_FOUND && !message.contains("namespaces \"")) {
            message =
                    "the cluster has no such kind (" + object.path("apiVersion").asText() + "); it is looked for again";
        }
        boolean lasts = switch (failure.getCode()) {
            case 400, 403, 404, 405, 415, 422 -> true;
            // what Kubernetes answers to an apply with a field that the kind's definition does not know or has
            // otherwise
            case 500 -> message.contains(UNDECLARED) || message.contains(MISTYPED);
            default -> false;
        };
        return lasts ? new Refused(what + ": " + message, failure) : failure;
    }

    @Override
    public void delete(JsonNode object) {
        try {
            resource(object)
                    .lockResourceVersion(
                            object.path("metadata").path("resourceVersion").asText())
                    .delete();
        } catch (KubernetesClientException failure) {
            // changed meanwhile: the change is going to be seen, and is the reason of the next pass
            if (failure.getCode() != HttpURLConnection.HTTP_CONFLICT) {
                throw failure;
            }
        }
    }

    @Override
    public boolean writeStatus(JsonNode release, ObjectNode status) {
        ObjectNode next = release.deepCopy();
        next.set("status", status);
        next.withObject("/metadata").remove("managedFields");
        try {
            client.resource(JSON.convertValue(next, ReleaseResource.class)).updateStatus();
            return true;
        } catch (KubernetesClientException conflict) {
            if (conflict.getCode() == 409 || conflict.getCode() == 404) {
                return false;
            }
            throw conflict;
        }
    }

    @Override
    public void event(JsonNode release, String type, String reason, String message) {
        JsonNode metadata = release.path("metadata");
        String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        try {
            client.v1()
                    .events()
                    .inNamespace(metadata.path("namespace").asText())
                    .resource(new EventBuilder()
                            .withNewMetadata()
                            .withGenerateName(metadata.path("name").asText() + ".")
                            .withNamespace(metadata.path("namespace").asText())
                            .endMetadata()
                            .withNewInvolvedObject()
                            .withApiVersion("weir.dev/v1alpha1")
                            .withKind("Release")
                            .withName(metadata.path("name").asText())
                            .withNamespace(metadata.path("namespace").asText())
                            .withUid(metadata.path("uid").asText())
                            .endInvolvedObject()
                            .withType(type)
                            .withReason(reason)
                            .withMessage(message)
                            .withCount(1)
                            .withFirstTimestamp(now)
                            .withLastTimestamp(now)
                            .withNewSource()
                            .withComponent(MANAGER)
                            .endSource()
                            .build())
                    .create();
        } catch (KubernetesClientException failure) {
            LOGGER.atWarn().log("an event was not written: {}", failure.getMessage());
        }
    }
}
