package dev.weir.local;

import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Deletes what has lost its last owner, and carries out foreground and orphan deletion.
 *
 * <p>It watches the kinds that own or are owned in local mode, and every namespaced custom resource. An owner is looked
 * up by its API version and kind together: two groups may have kinds of the same name.
 */
final class GarbageCollector implements AutoCloseable {
    private static final String FOREGROUND = "foregroundDeletion";
    private static final String ORPHAN = "orphan";
    private static final int CLOSE_SECONDS = 2;
    private static final int LATER_SECONDS = 3;
    /** How many watches are opened at a time: there are dozens, and each is some work for this process's own server. */
    private static final int LANES = 4;

    private static final List<ResourceDefinitionContext> BUILT_IN = List.of(
            kind("", "v1", "ConfigMap", "configmaps"),
            kind("", "v1", "Secret", "secrets"),
            kind("", "v1", "ServiceAccount", "serviceaccounts"),
            kind("apps", "v1", "ControllerRevision", "controllerrevisions"));

    private final KubernetesClient client;
    private final ServedKinds served;
    /** The watched kinds, by group and kind. */
    private final Map<String, Watched> watched = new ConcurrentHashMap<>();

    private final Map<String, Seen> byUid = new ConcurrentHashMap<>();
    private final Map<String, Set<String>> dependents = new ConcurrentHashMap<>();
    private final KeyQueue queue;
    private final SharedIndexInformer<CustomResourceDefinition> definitions;
    private final Object lock = new Object();
    /** Each done when the watches that were asked of it last have begun. */
    private final List<CompletableFuture<?>> lanes =
            new ArrayList<>(Collections.nCopies(LANES, CompletableFuture.completedFuture(null)));

    private int asked;

    /** How many watches are about to begin. */
    private final AtomicInteger opening = new AtomicInteger();

    private final CountDownLatch end = new CountDownLatch(1);

    /**
     * A kind and where its objects are heard of.
     *
     * @param own whether the watch is this collector's, to start and to close
     */
    private record Watched(ResourceDefinitionContext kind, SharedIndexInformer<?> informer, boolean own) {}

    /** An object and its kind as it is watched. */
    private record Seen(HasMetadata object, ResourceDefinitionContext kind) {}

    GarbageCollector(KubernetesClient client, SharedCaches caches) {
        this.client = client;
        this.served = new ServedKinds(client);
        this.queue = new KeyQueue("garbage", KeyQueue.Work.once(this::reconcile));
        hear(kind("", "v1", "Pod", "pods"), caches.pods(), false);
        hear(kind("", "v1", "Service", "services"), caches.services(), false);
        hear(kind("apps", "v1", "Deployment", "deployments"), caches.deployments(), false);
        hear(kind("apps", "v1", "ReplicaSet", "replicasets"), caches.replicaSets(), false);
        hear(kind("apps", "v1", "StatefulSet", "statefulsets"), caches.statefulSets(), false);
        hear(kind("apps", "v1", "DaemonSet", "daemonsets"), caches.daemonSets(), false);
        hear(kind("batch", "v1", "Job", "jobs"), caches.jobs(), false);
        hear(kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"), caches.slices(), false);
        this.definitions =
                client.apiextensions().v1().customResourceDefinitions().runnableInformer(0);
        definitions.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(CustomResourceDefinition definition) {
                defined(definition);
            }

            @Override
            public void onUpdate(CustomResourceDefinition before, CustomResourceDefinition definition) {
                defined(definition);
            }

            @Override
            public void onDelete(CustomResourceDefinition definition, boolean unknown) {
                Watched gone = watched.remove(id(
                        definition.getSpec().getGroup(),
                        definition.getSpec().getNames().getKind()));
                if (gone != null) {
                    gone.informer().close();
                }
            }
        });
    }

    private static ResourceDefinitionContext kind(String group, String version, String kind, String plural) {
        return new ResourceDefinitionContext.Builder()
                .withGroup(group)
                .withVersion(version)
                .withKind(kind)
                .withPlural(plural)
                .withNamespaced(true)
                .build();
    }

    private static String id(String group, String kind) {
        return group + "/" + kind;
    }

    private static String group(String apiVersion) {
        int slash = apiVersion.indexOf('/');
        return slash < 0 ? "" : apiVersion.substring(0, slash);
    }

    /**
     * Begins to watch the kinds that nobody else watches, after a while, so that the first things that a user does need
     * not wait for dozens of watches; what was deleted meanwhile is found then. Returns at once.
     */
    void start() {
        Thread.startVirtualThread(() -> {
            try {
                if (!end.await(LATER_SECONDS, TimeUnit.SECONDS)) {
                    BUILT_IN.forEach(this::watch);
                    definitions.start();
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void defined(CustomResourceDefinition definition) {
        var spec = definition.getSpec();
        boolean served = definition.getMetadata().getDeletionTimestamp() == null
                && definition.getStatus() != null
                // nobody has looked at a new one yet
                && definition.getStatus().getConditions() != null
                && definition.getStatus().getConditions().stream()
                        .anyMatch(condition -> condition.getType().equals("Established")
                                && condition.getStatus().equals("True"));
        if (served && "Namespaced".equals(spec.getScope())) {
            spec.getVersions().stream()
                    .filter(version -> Boolean.TRUE.equals(version.getStorage()))
                    .forEach(version -> watch(kind(
                            spec.getGroup(),
                            version.getName(),
                            spec.getNames().getKind(),
                            spec.getNames().getPlural())));
        }
    }

    private void watch(ResourceDefinitionContext kind) {
        if (end.getCount() == 0 || watched.containsKey(id(kind.getGroup(), kind.getKind()))) {
            return;
        }
        SharedIndexInformer<GenericKubernetesResource> informer =
                client.genericKubernetesResources(kind).inAnyNamespace().runnableInformer(0);
        hear(kind, informer, true);
        opening.incrementAndGet();
        synchronized (lock) {
            int lane = asked++ % LANES;
            lanes.set(
                    lane,
                    lanes.get(lane)
                            .handle((_, _) -> null)
                            .thenCompose(_ ->
                                    end.getCount() == 0 ? CompletableFuture.completedStage(null) : informer.start())
                            .whenComplete((_, _) -> {
                                if (opening.decrementAndGet() == 0) {
                                    lookAgain();
                                }
                            }));
        }
    }

    /** Owners that went before their kind was watched went unheard. */
    private void lookAgain() {
        byUid.forEach((uid, seen) -> {
            if (!seen.object().getMetadata().getOwnerReferences().isEmpty()) {
                queue.add(uid);
            }
        });
    }

    private <T extends HasMetadata> void hear(
            ResourceDefinitionContext kind, SharedIndexInformer<T> informer, boolean own) {
        watched.put(id(kind.getGroup(), kind.getKind()), new Watched(kind, informer, own));
        informer.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(T object) {
                seen(new Seen(object, kind));
            }

            @Override
            public void onUpdate(T old, T object) {
                seen(new Seen(object, kind));
            }

            @Override
            public void onDelete(T object, boolean unknown) {
                gone(object);
            }
        });
    }

    private void seen(Seen now) {
        var metadata = now.object().getMetadata();
        Seen before = byUid.put(metadata.getUid(), now);
        if (before != null) {
            before.object().getMetadata().getOwnerReferences().forEach(owner -> unlink(owner, metadata.getUid()));
        }
        for (OwnerReference owner : metadata.getOwnerReferences()) {
            dependents
                    .computeIfAbsent(owner.getUid(), _ -> ConcurrentHashMap.newKeySet())
                    .add(metadata.getUid());
        }
        if (!metadata.getOwnerReferences().isEmpty() || metadata.getDeletionTimestamp() != null) {
            queue.add(metadata.getUid());
        }
    }

    private void unlink(OwnerReference owner, String dependent) {
        dependents.computeIfPresent(owner.getUid(), (_, all) -> {
            all.remove(dependent);
            return all.isEmpty() ? null : all;
        });
    }

    private void gone(HasMetadata object) {
        String uid = object.getMetadata().getUid();
        byUid.remove(uid);
        dependents.getOrDefault(uid, Set.of()).forEach(queue::add);
        object.getMetadata().getOwnerReferences().forEach(owner -> {
            unlink(owner, uid);
            queue.add(owner.getUid());
        });
    }

    private void reconcile(String uid) {
        Seen seen = byUid.get(uid);
        if (seen == null) {
            return;
        }
        if (seen.object().getMetadata().getDeletionTimestamp() != null) {
            finish(seen);
            return;
        }
        List<OwnerReference> lost = new ArrayList<>();
        boolean waitedFor = false;
        for (OwnerReference owner : seen.object().getMetadata().getOwnerReferences()) {
            switch (state(seen.object(), owner)) {
                case PRESENT -> {
                    return;
                }
                case WAITS_FOR_DEPENDENTS -> waitedFor = true;
                case ABSENT -> lost.add(owner);
            }
        }
        if (waitedFor || !lost.isEmpty()) {
            // what its owner waits for takes its own dependents along before it goes
            boolean first = waitedFor && !children(uid).isEmpty();
            delete(seen, first ? DeletionPropagation.FOREGROUND : DeletionPropagation.BACKGROUND);
        }
    }

    private enum OwnerState {
        PRESENT,
        WAITS_FOR_DEPENDENTS,
        ABSENT
    }

    /** Asks the server where no watch knows the owner; an owner whose kind is not served counts as present. */
    private OwnerState state(HasMetadata object, OwnerReference owner) {
        Seen known = byUid.get(owner.getUid());
        @Nullable HasMetadata found;
        if (known != null) {
            found = known.object();
            boolean elsewhere = !Objects.equals(
                    found.getMetadata().getNamespace(), object.getMetadata().getNamespace());
            if (elsewhere
                    || !id(known.kind().getGroup(), known.kind().getKind())
                            .equals(id(group(owner.getApiVersion()), owner.getKind()))) {
                // only owners of the same namespace, and of the kind that is named, count
                return OwnerState.ABSENT;
            }
        } else {
            Optional<ResourceDefinitionContext> kind = kindOf(owner);
            if (kind.isEmpty()) {
                return OwnerState.PRESENT;
            }
            found = live(kind.get(), object.getMetadata().getNamespace(), owner.getName());
        }
        if (found == null || !found.getMetadata().getUid().equals(owner.getUid())) {
            return OwnerState.ABSENT;
        }
        return found.getMetadata().getDeletionTimestamp() != null
                        && found.getMetadata().getFinalizers().contains(FOREGROUND)
                ? OwnerState.WAITS_FOR_DEPENDENTS
                : OwnerState.PRESENT;
    }

    private Optional<ResourceDefinitionContext> kindOf(OwnerReference owner) {
        Watched one = watched.get(id(group(owner.getApiVersion()), owner.getKind()));
        return one != null ? Optional.of(one.kind()) : served.find(owner.getApiVersion(), owner.getKind());
    }

    private @Nullable GenericKubernetesResource live(ResourceDefinitionContext kind, String namespace, String name) {
        var all = client.genericKubernetesResources(kind);
        return kind.isNamespaceScoped()
                ? all.inNamespace(namespace).withName(name).get()
                : all.withName(name).get();
    }

    private void delete(Seen seen, DeletionPropagation propagation) {
        try {
            operation(seen).withPropagationPolicy(propagation).delete();
        } catch (KubernetesClientException failure) {
            if (failure.getCode() != 404) {
                throw failure;
            }
        }
    }

    private Resource<GenericKubernetesResource> operation(Seen seen) {
        return client.genericKubernetesResources(seen.kind())
                .inNamespace(seen.object().getMetadata().getNamespace())
                .withName(seen.object().getMetadata().getName());
    }

    private List<Seen> children(String uid) {
        return dependents.getOrDefault(uid, Set.of()).stream()
                .flatMap(child -> Optional.ofNullable(byUid.get(child)).stream())
                .toList();
    }

    /** Removes the finalizers of foreground and orphan deletion once their condition holds. */
    private void finish(Seen seen) {
        List<String> finalizers = seen.object().getMetadata().getFinalizers();
        String uid = seen.object().getMetadata().getUid();
        if (finalizers.contains(ORPHAN)) {
            children(uid)
                    .forEach(child -> operation(child).edit(c -> {
                        c.getMetadata()
                                .getOwnerReferences()
                                .removeIf(owner -> owner.getUid().equals(uid));
                        return c;
                    }));
            removeFinalizer(seen, ORPHAN);
        } else if (finalizers.contains(FOREGROUND)) {
            List<Seen> blocking = children(uid).stream()
                    .filter(child -> child.object().getMetadata().getOwnerReferences().stream()
                            .anyMatch(owner ->
                                    owner.getUid().equals(uid) && Boolean.TRUE.equals(owner.getBlockOwnerDeletion())))
                    .toList();
            children(uid)
                    .forEach(child -> queue.add(child.object().getMetadata().getUid()));
            if (blocking.isEmpty()) {
                removeFinalizer(seen, FOREGROUND);
            }
        }
    }

    private void removeFinalizer(Seen seen, String finalizer) {
        operation(seen).edit(o -> {
            o.getMetadata().getFinalizers().remove(finalizer);
            return o;
        });
    }

    @Override
    public void close() {
        end.countDown();
        queue.close();
        CompletableFuture<Void> under;
        synchronized (lock) {
            under = CompletableFuture.allOf(lanes.toArray(CompletableFuture[]::new));
        }
        try {
            // a watch that is being opened complains when its client goes
            under.get(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException late) {
            // it is closed as it is
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
        definitions.close();
        watched.values().stream()
                .filter(Watched::own)
                .forEach(one -> one.informer().close());
    }
}
