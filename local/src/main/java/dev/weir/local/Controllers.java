package dev.weir.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The controllers that a cluster has and local mode needs: Deployments, ReplicaSets, EndpointSlices, namespaces and
 * garbage collection. Plain API clients, driven by watches.
 */
final class Controllers implements AutoCloseable {
    private final List<AutoCloseable> parts = new ArrayList<>();
    private final SharedIndexInformer<Pod> pods;
    private final SharedIndexInformer<Service> services;

    Controllers(KubernetesClient client) {
        SharedIndexInformer<Deployment> deployments =
                client.apps().deployments().inAnyNamespace().inform();
        SharedIndexInformer<ReplicaSet> replicaSets =
                client.apps().replicaSets().inAnyNamespace().inform();
        pods = client.pods().inAnyNamespace().inform();
        services = client.services().inAnyNamespace().inform();
        SharedIndexInformer<EndpointSlice> slices =
                client.discovery().v1().endpointSlices().inAnyNamespace().inform();
        SharedIndexInformer<Namespace> namespaces = client.namespaces().inform();

        KeyQueue deploymentQueue = queue(
                "deployments",
                new DeploymentController(client, deployments.getIndexer(), replicaSets.getIndexer())::reconcile);
        KeyQueue replicaSetQueue = queue(
                "replicasets",
                new ReplicaSetController(client, replicaSets.getIndexer(), pods.getIndexer())::reconcile);
        KeyQueue sliceQueue = queue(
                "endpointslices",
                new EndpointSliceController(client, services.getIndexer(), pods.getIndexer(), slices.getIndexer())
                        ::reconcile);
        KeyQueue namespaceQueue = queue("namespaces", key -> namespace(client, key));
        parts.add(new GarbageCollector(client));

        on(deployments, deployment -> deploymentQueue.add(key(deployment)));
        on(replicaSets, replicaSet -> {
            replicaSetQueue.add(key(replicaSet));
            owner(replicaSet, "Deployment", deploymentQueue);
        });
        on(pods, pod -> {
            owner(pod, "ReplicaSet", replicaSetQueue);
            services.getIndexer().list().stream()
                    .filter(service -> service.getMetadata()
                            .getNamespace()
                            .equals(pod.getMetadata().getNamespace()))
                    .forEach(service -> sliceQueue.add(key(service)));
        });
        on(services, service -> sliceQueue.add(key(service)));
        on(slices, slice -> {
            String service = slice.getMetadata().getLabels() == null
                    ? null
                    : slice.getMetadata().getLabels().get("kubernetes.io/service-name");
            if (service != null) {
                sliceQueue.add(slice.getMetadata().getNamespace() + "/" + service);
            }
        });
        on(namespaces, namespace -> namespaceQueue.add(namespace.getMetadata().getName()));
        parts.addAll(List.of(deployments, replicaSets, pods, services, slices, namespaces));
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
        object.getMetadata().getOwnerReferences().stream()
                .filter(owner -> owner.getKind().equals(kind))
                .forEach(owner -> queue.add(object.getMetadata().getNamespace() + "/" + owner.getName()));
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

    private static void namespace(KubernetesClient client, String name) {
        @Nullable Namespace namespace = client.namespaces().withName(name).get();
        if (namespace == null) {
            return;
        }
        if (namespace.getMetadata().getDeletionTimestamp() != null) {
            NamespaceCleanup.run(client, namespace);
            return;
        }
        if (client.serviceAccounts().inNamespace(name).withName("default").get() == null) {
            client.resource(new ServiceAccountBuilder()
                            .withNewMetadata()
                            .withName("default")
                            .withNamespace(name)
                            .endMetadata()
                            .build())
                    .create();
        }
    }

    @Override
    public void close() {
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (Exception failure) {
                throw new IllegalStateException(failure);
            }
        }
    }
}
