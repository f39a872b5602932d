package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ReleaseObjects;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A cluster, read through watches and written through the API. */
final class KubernetesWorld implements World, AutoCloseable {
    private static final String MANAGER = "weir";
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Kinds that a release owns, with their plural. */
    private static final Map<String, ResourceDefinitionContext> KINDS = new LinkedHashMap<>();

    static {
        kind("apps", "v1", "Deployment", "deployments");
        kind("", "v1", "Service", "services");
        kind("", "v1", "ConfigMap", "configmaps");
        kind("apps", "v1", "ControllerRevision", "controllerrevisions");
        kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
        kind("networking.istio.io", "v1beta1", "VirtualService", "virtualservices");
    }

    private static final ResourceDefinitionContext RELEASES = context("weir.dev", "v1alpha1", "Release", "releases");

    private final KubernetesClient client;
    private final Map<String, SharedIndexInformer<GenericKubernetesResource>> owned = new LinkedHashMap<>();
    private final SharedIndexInformer<GenericKubernetesResource> releases;

    private static void kind(String group, String version, String kind, String plural) {
        KINDS.put(kind, context(group, version, kind, plural));
    }

    private static ResourceDefinitionContext context(String group, String version, String kind, String plural) {
        return new ResourceDefinitionContext.Builder()
                .withGroup(group)
                .withVersion(version)
                .withKind(kind)
                .withPlural(plural)
                .withNamespaced(true)
                .build();
    }

    /**
     * @param namespace null for all
     * @param changed gets {@code namespace/name} of a release whenever it or one of its objects changes
     */
    KubernetesWorld(KubernetesClient client, @Nullable String namespace, Consumer<String> changed) {
        this.client = client;
        releases = namespace == null
                ? client.genericKubernetesResources(RELEASES).inAnyNamespace().runnableInformer(0)
                : client.genericKubernetesResources(RELEASES)
                        .inNamespace(namespace)
                        .runnableInformer(0);
        listen(
                releases,
                release -> changed.accept(key(release, release.getMetadata().getName())));
        KINDS.forEach((kind, context) -> {
            SharedIndexInformer<GenericKubernetesResource> informer = namespace == null
                    ? client.genericKubernetesResources(context)
                            .inAnyNamespace()
                            .withLabel(ReleaseObjects.RELEASE)
                            .runnableInformer(0)
                    : client.genericKubernetesResources(context)
                            .inNamespace(namespace)
                            .withLabel(ReleaseObjects.RELEASE)
                            .runnableInformer(0);
            listen(
                    informer,
                    object -> changed.accept(
                            key(object, object.getMetadata().getLabels().getOrDefault(ReleaseObjects.RELEASE, ""))));
            owned.put(kind, informer);
        });
    }

    private static String key(GenericKubernetesResource object, String name) {
        return object.getMetadata().getNamespace() + "/" + name;
    }

    private static void listen(
            SharedIndexInformer<GenericKubernetesResource> informer, Consumer<GenericKubernetesResource> changed) {
        informer.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(GenericKubernetesResource object) {
                changed.accept(object);
            }

            @Override
            public void onUpdate(GenericKubernetesResource old, GenericKubernetesResource object) {
                changed.accept(object);
            }

            @Override
            public void onDelete(GenericKubernetesResource object, boolean unknownFinalState) {
                changed.accept(object);
            }
        });
    }

    /** Fills the caches; returns when every one of them is complete. */
    void start() {
        List<java.util.concurrent.CompletionStage<Void>> started = new ArrayList<>();
        owned.values().forEach(informer -> started.add(informer.start()));
        started.add(releases.start());
        started.forEach(stage -> stage.toCompletableFuture().join());
    }

    Optional<JsonNode> release(String key) {
        GenericKubernetesResource release = releases.getIndexer().getByKey(key);
        return release == null ? Optional.empty() : Optional.of(JSON.valueToTree(release));
    }

    @Override
    public List<JsonNode> owned(String namespace, String release) {
        List<JsonNode> found = new ArrayList<>();
        owned.values()
                .forEach(informer -> informer.getIndexer().list().stream()
                        .filter(object -> object.getMetadata().getNamespace().equals(namespace)
                                && release.equals(
                                        object.getMetadata().getLabels().get(ReleaseObjects.RELEASE)))
                        .forEach(object -> found.add(JSON.valueToTree(object))));
        return found;
    }

    @Override
    public Optional<JsonNode> find(String apiVersion, String kind, String namespace, String name) {
        GenericKubernetesResource found = client.genericKubernetesResources(context(kind))
                .inNamespace(namespace)
                .withName(name)
                .get();
        return found == null ? Optional.empty() : Optional.of(JSON.valueToTree(found));
    }

    private static ResourceDefinitionContext context(String kind) {
        return Objects.requireNonNull(KINDS.get(kind), kind);
    }

    @Override
    public void apply(ObjectNode object) {
        GenericKubernetesResource resource = JSON.convertValue(object, GenericKubernetesResource.class);
        client.genericKubernetesResources(context(object.path("kind").asText()))
                .inNamespace(object.path("metadata").path("namespace").asText())
                .resource(resource)
                .patch(new PatchContext.Builder()
                        .withPatchType(PatchType.SERVER_SIDE_APPLY)
                        .withFieldManager(MANAGER)
                        .withForce(true)
                        .build());
    }

    @Override
    public void delete(JsonNode object) {
        client.genericKubernetesResources(context(object.path("kind").asText()))
                .inNamespace(object.path("metadata").path("namespace").asText())
                .withName(object.path("metadata").path("name").asText())
                .delete();
    }

    @Override
    public boolean writeStatus(JsonNode release, ObjectNode status) {
        ObjectNode next = release.deepCopy();
        next.set("status", status);
        next.withObject("/metadata").remove("managedFields");
        try {
            client.genericKubernetesResources(RELEASES)
                    .inNamespace(release.path("metadata").path("namespace").asText())
                    .resource(JSON.convertValue(next, GenericKubernetesResource.class))
                    .updateStatus();
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
        String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
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
                        .withComponent("weir")
                        .endSource()
                        .build())
                .create();
    }

    @Override
    public void close() {
        releases.close();
        owned.values().forEach(SharedIndexInformer::close);
    }
}
