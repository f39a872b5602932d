package dev.weir.local;

import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The watches that several parts of local mode need, each opened once. Parts add their handlers before it starts.
 *
 * @param complete open once every cache has what there was when it started
 */
record SharedCaches(
        SharedIndexInformer<Deployment> deployments,
        SharedIndexInformer<ReplicaSet> replicaSets,
        SharedIndexInformer<StatefulSet> statefulSets,
        SharedIndexInformer<DaemonSet> daemonSets,
        SharedIndexInformer<Job> jobs,
        SharedIndexInformer<CronJob> cronJobs,
        SharedIndexInformer<PersistentVolumeClaim> claims,
        SharedIndexInformer<HorizontalPodAutoscaler> autoscalers,
        SharedIndexInformer<Pod> pods,
        SharedIndexInformer<Service> services,
        SharedIndexInformer<EndpointSlice> slices,
        SharedIndexInformer<Namespace> namespaces,
        CountDownLatch complete)
        implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(SharedCaches.class);

    static SharedCaches of(KubernetesClient client) {
        return new SharedCaches(
                client.apps().deployments().inAnyNamespace().runnableInformer(0),
                client.apps().replicaSets().inAnyNamespace().runnableInformer(0),
                client.apps().statefulSets().inAnyNamespace().runnableInformer(0),
                client.apps().daemonSets().inAnyNamespace().runnableInformer(0),
                client.batch().v1().jobs().inAnyNamespace().runnableInformer(0),
                client.batch().v1().cronjobs().inAnyNamespace().runnableInformer(0),
                client.persistentVolumeClaims().inAnyNamespace().runnableInformer(0),
                client.autoscaling()
                        .v2()
                        .horizontalPodAutoscalers()
                        .inAnyNamespace()
                        .runnableInformer(0),
                client.pods().inAnyNamespace().runnableInformer(0),
                client.services().inAnyNamespace().runnableInformer(0),
                client.discovery().v1().endpointSlices().inAnyNamespace().runnableInformer(0),
                client.namespaces().runnableInformer(0),
                new CountDownLatch(1));
    }

    private List<SharedIndexInformer<?>> all() {
        return List.of(
                deployments,
                replicaSets,
                statefulSets,
                daemonSets,
                jobs,
                cronJobs,
                claims,
                autoscalers,
                pods,
                services,
                slices,
                namespaces);
    }

    /** Begins to watch; returns at once. */
    void start() {
        CompletableFuture.allOf(all().stream()
                        .map(informer -> informer.start().toCompletableFuture())
                        .toArray(CompletableFuture[]::new))
                .whenComplete((_, failure) -> {
                    if (failure == null) {
                        complete.countDown();
                    } else {
                        LOGGER.error("a watch did not begin; the controllers do nothing", failure);
                    }
                });
    }

    /**
     * The work, done no earlier than the caches are complete: whoever sees an owner and not yet its pods would make them
     * a second time.
     */
    KeyQueue.Work whenComplete(KeyQueue.Work work) {
        return key -> {
            try {
                complete.await();
            } catch (InterruptedException closed) {
                Thread.currentThread().interrupt();
                return Optional.empty();
            }
            return work.reconcile(key);
        };
    }

    @Override
    public void close() {
        all().forEach(Parts::close);
    }
}
