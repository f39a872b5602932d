package dev.weir.local;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Deletes what has lost its last owner, and carries out foreground and orphan deletion.
 *
 * <p>It watches the kinds that own or are owned in local mode. A kind whose definition comes later is added by
 * {@link #watch}.
 */
final class GarbageCollector implements AutoCloseable {
    private final KubernetesClient client;
    private final Map<String, SharedIndexInformer<GenericKubernetesResource>> informers = new ConcurrentHashMap<>();
    private final Map<String, ResourceDefinitionContext> kinds = new ConcurrentHashMap<>();
    private final Map<String, GenericKubernetesResource> byUid = new ConcurrentHashMap<>();
    private final Map<String, Set<String>> dependents = new ConcurrentHashMap<>();
    private final KeyQueue queue;
    private final SharedIndexInformer<?> definitions;

    GarbageCollector(KubernetesClient client) {
        this.client = client;
        this.queue = new KeyQueue("garbage", this::reconcile);
        for (String[] kind : new String[][] {
            {"", "v1", "Pod", "pods"},
            {"", "v1", "Service", "services"},
            {"", "v1", "ConfigMap", "configmaps"},
            {"", "v1", "Secret", "secrets"},
            {"apps", "v1", "Deployment", "deployments"},
            {"apps", "v1", "ReplicaSet", "replicasets"},
            {"apps", "v1", "ControllerRevision", "controllerrevisions"},
            {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"}
        }) {
            watch(kind[0], kind[1], kind[2], kind[3]);
        }
        var informer = client.apiextensions().v1().customResourceDefinitions().inform();
        Controllers.on(informer, definition -> {
            var spec = definition.getSpec();
            if (definition.getMetadata().getDeletionTimestamp() == null && "Namespaced".equals(spec.getScope())) {
                spec.getVersions().stream()
                        .filter(version -> Boolean.TRUE.equals(version.getStorage()))
                        .forEach(version -> watch(
                                spec.getGroup(),
                                version.getName(),
                                spec.getNames().getKind(),
                                spec.getNames().getPlural()));
            }
        });
        this.definitions = informer;
    }

    private void watch(String group, String version, String kind, String plural) {
        String id = group + "/" + kind;
        if (informers.containsKey(id)) {
            return;
        }
        ResourceDefinitionContext context = new ResourceDefinitionContext.Builder()
                .withGroup(group)
                .withVersion(version)
                .withKind(kind)
                .withPlural(plural)
                .withNamespaced(true)
                .build();
        kinds.put(kind, context);
        SharedIndexInformer<GenericKubernetesResource> informer =
                client.genericKubernetesResources(context).inAnyNamespace().runnableInformer(0);
        informers.put(id, informer);
        informer.addEventHandler(new io.fabric8.kubernetes.client.informers.ResourceEventHandler<>() {
            @Override
            public void onAdd(GenericKubernetesResource object) {
                seen(object);
            }

            @Override
            public void onUpdate(GenericKubernetesResource old, GenericKubernetesResource object) {
                seen(object);
            }

            @Override
            public void onDelete(GenericKubernetesResource object, boolean unknown) {
                gone(object);
            }
        });
        informer.start();
    }

    private void seen(GenericKubernetesResource object) {
        String uid = object.getMetadata().getUid();
        byUid.put(uid, object);
        for (OwnerReference owner : object.getMetadata().getOwnerReferences()) {
            dependents
                    .computeIfAbsent(owner.getUid(), _ -> ConcurrentHashMap.newKeySet())
                    .add(uid);
        }
        if (!object.getMetadata().getOwnerReferences().isEmpty()
                || object.getMetadata().getDeletionTimestamp() != null) {
            queue.add(uid);
        }
    }

    private void gone(GenericKubernetesResource object) {
        String uid = object.getMetadata().getUid();
        byUid.remove(uid);
        for (String dependent : dependents.getOrDefault(uid, Set.of())) {
            queue.add(dependent);
        }
        object.getMetadata().getOwnerReferences().forEach(owner -> queue.add(owner.getUid()));
    }

    private void reconcile(String uid) {
        GenericKubernetesResource object = byUid.get(uid);
        if (object == null) {
            return;
        }
        if (object.getMetadata().getDeletionTimestamp() != null) {
            finish(object);
            return;
        }
        List<OwnerReference> owners = object.getMetadata().getOwnerReferences();
        if (owners.isEmpty()) {
            return;
        }
        boolean anyPresent = false;
        for (OwnerReference owner : owners) {
            anyPresent |= present(object, owner);
        }
        if (!anyPresent) {
            delete(object);
        }
    }

    /** Asks the server where the watch does not know the owner; owners of unwatched kinds count as present. */
    private boolean present(GenericKubernetesResource object, OwnerReference owner) {
        GenericKubernetesResource known = byUid.get(owner.getUid());
        if (known != null) {
            boolean foreground = known.getMetadata().getFinalizers() != null
                    && known.getMetadata().getFinalizers().contains("foregroundDeletion");
            return known.getMetadata().getDeletionTimestamp() == null || !foreground;
        }
        ResourceDefinitionContext context = kinds.get(owner.getKind());
        if (context == null) {
            return true;
        }
        GenericKubernetesResource live = client.genericKubernetesResources(context)
                .inNamespace(object.getMetadata().getNamespace())
                .withName(owner.getName())
                .get();
        return live != null && live.getMetadata().getUid().equals(owner.getUid());
    }

    private void delete(GenericKubernetesResource object) {
        try {
            operation(object).delete();
        } catch (KubernetesClientException failure) {
            if (failure.getCode() != 404) {
                throw failure;
            }
        }
    }

    private io.fabric8.kubernetes.client.dsl.Resource<GenericKubernetesResource> operation(
            GenericKubernetesResource object) {
        ResourceDefinitionContext context =
                java.util.Objects.requireNonNull(kinds.get(object.getKind()), object.getKind());
        return client.genericKubernetesResources(context)
                .inNamespace(object.getMetadata().getNamespace())
                .withName(object.getMetadata().getName());
    }

    /** Removes the finalizers of foreground and orphan deletion once their condition holds. */
    private void finish(GenericKubernetesResource object) {
        List<String> finalizers = object.getMetadata().getFinalizers();
        if (finalizers == null || finalizers.isEmpty()) {
            return;
        }
        List<GenericKubernetesResource> children = new ArrayList<>();
        for (String uid : dependents.getOrDefault(object.getMetadata().getUid(), Set.of())) {
            GenericKubernetesResource child = byUid.get(uid);
            if (child != null) {
                children.add(child);
            }
        }
        if (finalizers.contains("orphan")) {
            String uid = object.getMetadata().getUid();
            children.forEach(child -> operation(child).edit(c -> {
                c.getMetadata()
                        .getOwnerReferences()
                        .removeIf(owner -> owner.getUid().equals(uid));
                return c;
            }));
            dependents.remove(uid);
            removeFinalizer(object, "orphan");
        } else if (finalizers.contains("foregroundDeletion")) {
            children.forEach(child -> queue.add(child.getMetadata().getUid()));
            if (children.isEmpty()) {
                removeFinalizer(object, "foregroundDeletion");
            }
        }
    }

    private void removeFinalizer(GenericKubernetesResource object, String finalizer) {
        operation(object).edit(o -> {
            o.getMetadata().getFinalizers().remove(finalizer);
            return o;
        });
    }

    @Override
    public void close() {
        queue.close();
        definitions.close();
        informers.values().forEach(SharedIndexInformer::close);
    }
}
