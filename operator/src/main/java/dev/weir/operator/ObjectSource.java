package dev.weir.operator;

import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.javaoperatorsdk.operator.processing.event.Event;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.AbstractEventSource;
import java.net.HttpURLConnection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects of one kind that carry a release's label, as a cache and as events for their release.
 *
 * <p>JOSDK's own source wants every kind to exist when the operator starts. A cluster need not have every router's
 * kinds, and one that is installed later is found without a restart.
 */
final class ObjectSource extends AbstractEventSource<GenericKubernetesResource, ReleaseResource>
        implements ResourceEventHandler<GenericKubernetesResource> {
    private static final Logger LOGGER = LoggerFactory.getLogger(ObjectSource.class);
    private static final String BY_RELEASE = "release";
    private static final int SYNC_SECONDS = 60;

    private final KubernetesClient client;
    private final ObjectKind kind;
    private final SharedIndexInformer<GenericKubernetesResource> informer;
    /** By uid: what this process wrote and the cache may not have seen. */
    private final Map<String, GenericKubernetesResource> written = new ConcurrentHashMap<>();
    /** What this process wrote without learning what became of it. */
    private final Set<ResourceID> unsure = ConcurrentHashMap.newKeySet();
    /** Completes when the kind turns out to be unknown to the server. */
    private final CompletableFuture<Void> absent = new CompletableFuture<>();

    /** @param namespace null for all */
    ObjectSource(KubernetesClient client, ObjectKind kind, @Nullable String namespace) {
        super(GenericKubernetesResource.class, kind.plural());
        this.client = client;
        this.kind = kind;
        var objects = client.genericKubernetesResources(context(kind));
        informer = namespace == null
                ? objects.inAnyNamespace().withLabel(ReleaseObjects.RELEASE).runnableInformer(0)
                : objects.inNamespace(namespace)
                        .withLabel(ReleaseObjects.RELEASE)
                        .runnableInformer(0);
        informer.addIndexers(Map.of(BY_RELEASE, object -> List.of(key(object))));
        informer.addEventHandler(this);
        informer.exceptionHandler(this::failed);
    }

    /** The client could look a kind's plural up, at the price of requests. */
    static ResourceDefinitionContext context(ObjectKind kind) {
        return new ResourceDefinitionContext.Builder()
                .withGroup(kind.group())
                .withVersion(kind.version())
                .withKind(kind.kind())
                .withPlural(kind.plural())
                .withNamespaced(true)
                .build();
    }

    ObjectKind kind() {
        return kind;
    }

    private static String release(GenericKubernetesResource object) {
        return object.getMetadata().getLabels().getOrDefault(ReleaseObjects.RELEASE, "");
    }

    private static String key(GenericKubernetesResource object) {
        return key(object.getMetadata().getNamespace(), release(object));
    }

    private static String key(String namespace, String release) {
        return namespace + "/" + release;
    }

    /** Always goes on trying; a server that does not know the kind is not waited for. */
    private boolean failed(boolean started, Throwable failure) {
        Throwable cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
        if (cause instanceof KubernetesClientException refused
                && refused.getCode() == HttpURLConnection.HTTP_NOT_FOUND
                && absent.complete(null)) {
            LOGGER.atInfo()
                    .addKeyValue("kind", kind.kind())
                    .log("the server has no {} {}; looking for it again later", kind.apiVersion(), kind.kind());
        }
        return true;
    }

    /** Returns when the cache is complete. */
    @Override
    public void start() {
        super.start();
        CompletableFuture.anyOf(informer.start().toCompletableFuture(), absent)
                .orTimeout(SYNC_SECONDS, TimeUnit.SECONDS)
                .join();
    }

    @Override
    public void stop() {
        informer.close();
        super.stop();
    }

    /** A release's objects: what the cache holds, and what this process wrote that the cache has not seen yet. */
    List<GenericKubernetesResource> of(String namespace, String release) {
        lookAgain();
        Map<String, GenericKubernetesResource> found = new LinkedHashMap<>();
        informer.getIndexer()
                .byIndex(BY_RELEASE, key(namespace, release))
                .forEach(object -> found.put(object.getMetadata().getUid(), object));
        long seen = revision(informer.lastSyncResourceVersion());
        written.values().removeIf(object -> revision(object) <= seen);
        written.values().stream()
                .filter(object -> key(object).equals(key(namespace, release)))
                .forEach(object -> found.put(object.getMetadata().getUid(), object));
        return List.copyOf(found.values());
    }

    /** Asks for what was written with an unknown outcome: the cache may lag behind it without knowing. */
    private void lookAgain() {
        for (ResourceID id : unsure) {
            GenericKubernetesResource object = client.genericKubernetesResources(context(kind))
                    .inNamespace(id.getNamespace().orElse(""))
                    .withName(id.getName())
                    .get();
            if (object != null) {
                wrote(object);
            }
            unsure.remove(id);
        }
    }

    /** Revisions of one kind of objects are numbers that grow, as Kubernetes promises. */
    private static long revision(@Nullable String resourceVersion) {
        return resourceVersion == null || resourceVersion.isEmpty() ? 0 : Long.parseLong(resourceVersion);
    }

    private static long revision(GenericKubernetesResource object) {
        return revision(object.getMetadata().getResourceVersion());
    }

    /** Tells of a write of this process's, which decisions must not miss. */
    void wrote(GenericKubernetesResource object) {
        written.put(object.getMetadata().getUid(), object);
    }

    /** Tells of a write by this process that may or may not have had its effect. */
    void unsureOf(String namespace, String name) {
        unsure.add(new ResourceID(name, namespace));
    }

    @Override
    public Set<GenericKubernetesResource> getSecondaryResources(ReleaseResource release) {
        return Set.copyOf(
                of(release.getMetadata().getNamespace(), release.getMetadata().getName()));
    }

    private void changed(GenericKubernetesResource object) {
        // the cache may be ahead of what it says it has seen
        written.computeIfPresent(
                object.getMetadata().getUid(), (_, own) -> revision(own) <= revision(object) ? null : own);
        tell(object);
    }

    private void tell(GenericKubernetesResource object) {
        if (!release(object).isEmpty()) {
            getEventHandler()
                    .handleEvent(new Event(
                            new ResourceID(release(object), object.getMetadata().getNamespace())));
        }
    }

    @Override
    public void onAdd(GenericKubernetesResource object) {
        changed(object);
    }

    @Override
    public void onUpdate(GenericKubernetesResource old, GenericKubernetesResource object) {
        changed(object);
        if (!release(old).equals(release(object))) {
            tell(old);
        }
    }

    @Override
    public void onDelete(GenericKubernetesResource object, boolean unknownFinalState) {
        written.remove(object.getMetadata().getUid());
        tell(object);
    }
}
