package dev.weir.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The controllers that a cluster has and local mode needs: workloads, EndpointSlices and Endpoints, namespaces and
 * garbage collection. Plain API clients, driven by watches.
 */
final class Controllers implements AutoCloseable {
    private final Parts parts = new Parts();
    private final SharedIndexInformer<Pod> pods;
    private final SharedIndexInformer<Service> services;
    private final SharedIndexInformer<EndpointSlice> slices;
    private final SharedCaches caches;
    private final GarbageCollector garbage;

    /** @param claims where PersistentVolumeClaims have their folders */
    Controllers(KubernetesClient client, SharedCaches caches, EventRecorder events, Path claims) {
        this.caches = caches;
        pods = caches.pods();
        services = caches.services();
        slices = caches.slices();
        garbage = new GarbageCollector(client, caches);
        parts.keep(new Workloads(client, caches, events, claims));
        endpoints(client);
        KeyQueue queue = queue("namespaces", new NamespaceController(client)::reconcile);
        on(caches.namespaces(), namespace -> queue.add(namespace.getMetadata().getName()));
        parts.keep(garbage);
    }

    /** Begins to collect garbage, which may come a little later than the rest. */
    void startCollecting() {
        garbage.start();
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
        KeyQueue queue = new KeyQueue(name, caches.whenComplete(work));
        parts.keep(queue);
        return queue;
    }

    static String key(HasMetadata object) {
        return object.getMetadata().getNamespace() + "/" + object.getMetadata().getName();
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
        parts.close();
    }
}
