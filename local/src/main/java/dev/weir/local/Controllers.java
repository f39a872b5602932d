package dev.weir.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/**
 * The controllers that a cluster has and local mode needs: Deployments, ReplicaSets, EndpointSlices and Endpoints,
 * namespaces and garbage collection. Plain API clients, driven by watches.
 */
final class Controllers implements AutoCloseable {
    private final List<AutoCloseable> parts = new ArrayList<>();
    private final SharedIndexInformer<Deployment> deployments;
    private final SharedIndexInformer<ReplicaSet> replicaSets;
    private final SharedIndexInformer<Pod> pods;
    private final SharedIndexInformer<Service> services;
    private final SharedIndexInformer<EndpointSlice> slices;
    private final GarbageCollector garbage;

    Controllers(KubernetesClient client, SharedCaches caches, EventRecorder events) {
        deployments = caches.deployments();
        replicaSets = caches.replicaSets();
        pods = caches.pods();
        services = caches.services();
        slices = caches.slices();
        garbage = new GarbageCollector(client, caches);
        workloads(client, events);
        endpoints(client);
        KeyQueue queue = queue("namespaces", new NamespaceController(client)::reconcile);
        on(caches.namespaces(), namespace -> queue.add(namespace.getMetadata().getName()));
        parts.add(garbage);
    }

    /** Begins to collect garbage, which may come a little later than the rest. */
    void startCollecting() {
        garbage.start();
    }

    private void workloads(KubernetesClient client, EventRecorder events) {
        KeyQueue deploymentQueue = queue(
                "deployments",
                new DeploymentController(
                                client, deployments.getIndexer(), replicaSets.getIndexer(), pods.getIndexer(), events)
                        ::reconcile);
        OwnedPods owned = new OwnedPods(client, pods, events, ReplicaSetController.COMPONENT);
        ReplicaSetController controller = new ReplicaSetController(client, replicaSets, owned);
        KeyQueue replicaSetQueue = queue("replicasets", controller::reconcile);
        on(deployments, deployment -> deploymentQueue.add(key(deployment)));
        on(replicaSets, set -> {
            replicaSetQueue.add(key(set));
            owner(set, "Deployment", deploymentQueue);
            if (Owners.controller(set).isEmpty()) {
                matching(deployments, set, d -> d.getSpec().getSelector(), deploymentQueue);
            }
        });
        on(pods, pod -> {
            owner(pod, "ReplicaSet", replicaSetQueue);
            if (Owners.controller(pod).isEmpty()) {
                matching(replicaSets, pod, s -> s.getSpec().getSelector(), replicaSetQueue);
            }
        });
        pods.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                // the handler above has called the ReplicaSet
            }

            @Override
            public void onUpdate(Pod before, Pod after) {
                if (OwnedPods.ended(after)) {
                    rolloutOf(after, deploymentQueue);
                }
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                owned.gone(pod);
                rolloutOf(pod, deploymentQueue);
            }
        });
    }

    /** Calls the Deployment of a pod that is gone: one that recreates waits for that. */
    private void rolloutOf(Pod pod, KeyQueue deploymentQueue) {
        Owners.controller(pod)
                .map(set -> replicaSets.getIndexer().getByKey(pod.getMetadata().getNamespace() + "/" + set.getName()))
                .ifPresent(set -> owner(set, "Deployment", deploymentQueue));
    }

    private void endpoints(KubernetesClient client) {
        KeyQueue sliceQueue = queue(
                "endpointslices",
                KeyQueue.Work.once(new EndpointSliceController(
                        client, services.getIndexer(), pods.getIndexer(), slices.getIndexer())::reconcile));
        KeyQueue endpointsQueue = queue(
                "endpoints",
                KeyQueue.Work.once(
                        new EndpointsController(client, services.getIndexer(), pods.getIndexer())::reconcile));
        Consumer<Pod> moved = pod -> services.getIndexer().list().stream()
                .filter(service -> ServicePorts.selects(service, pod))
                .forEach(service -> {
                    sliceQueue.add(key(service));
                    endpointsQueue.add(key(service));
                });
        pods.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                moved.accept(pod);
            }

            @Override
            public void onUpdate(Pod before, Pod pod) {
                // its labels may have been others
                moved.accept(before);
                moved.accept(pod);
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                moved.accept(pod);
            }
        });
        on(services, service -> {
            sliceQueue.add(key(service));
            endpointsQueue.add(key(service));
        });
        on(slices, slice -> {
            Map<String, String> labels = slice.getMetadata().getLabels();
            String service = labels == null ? null : labels.get(EndpointSliceController.SERVICE);
            if (service != null) {
                sliceQueue.add(slice.getMetadata().getNamespace() + "/" + service);
            }
        });
    }

    private KeyQueue queue(String name, KeyQueue.Work work) {
        KeyQueue queue = new KeyQueue(name, work);
        parts.add(queue);
        return queue;
    }

    static String key(HasMetadata object) {
        return object.getMetadata().getNamespace() + "/" + object.getMetadata().getName();
    }

    private static void owner(HasMetadata object, String kind, KeyQueue queue) {
        Owners.controller(object)
                .filter(owner ->
                        owner.getKind().equals(kind) && owner.getApiVersion().startsWith("apps/"))
                .ifPresent(owner -> queue.add(object.getMetadata().getNamespace() + "/" + owner.getName()));
    }

    private interface SelectorOf<T> {
        io.fabric8.kubernetes.api.model.LabelSelector of(T owner);
    }

    /** Calls those that may want to adopt an orphan. */
    private static <T extends HasMetadata> void matching(
            SharedIndexInformer<T> owners, HasMetadata orphan, SelectorOf<T> selector, KeyQueue queue) {
        owners.getIndexer().list().stream()
                .filter(owner -> owner.getMetadata()
                                .getNamespace()
                                .equals(orphan.getMetadata().getNamespace())
                        && LabelSelectors.matches(
                                selector.of(owner), orphan.getMetadata().getLabels()))
                .forEach(owner -> queue.add(key(owner)));
    }

    /** Calls the consumer for every add, change and deletion. */
    static <T> void on(SharedIndexInformer<T> informer, Consumer<T> changed) {
        informer.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(T object) {
                changed.accept(object);
            }

            @Override
            public void onUpdate(T old, T object) {
                changed.accept(object);
            }

            @Override
            public void onDelete(T object, boolean unknownFinalState) {
                changed.accept(object);
            }
        });
    }

    @Override
    public void close() {
        closeAll(parts);
    }

    /** Closes every part, also when one fails. */
    static void closeAll(List<AutoCloseable> parts) {
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (Exception failure) {
                LoggerFactory.getLogger(Controllers.class).warn("not closed cleanly", failure);
            }
        }
    }
}
