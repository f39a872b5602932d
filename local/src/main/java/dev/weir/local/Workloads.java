package dev.weir.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.nio.file.Path;
import java.util.function.Function;

/** The controllers of what owns pods, each called when its objects or their pods change. */
final class Workloads implements AutoCloseable {
    private final KubernetesClient client;
    private final SharedCaches caches;
    private final EventRecorder events;
    private final Parts parts = new Parts();

    /** @param claims where PersistentVolumeClaims have their folders */
    Workloads(KubernetesClient client, SharedCaches caches, EventRecorder events, Path claims) {
        this.client = client;
        this.caches = caches;
        this.events = events;
        deployments();
        OwnedPods ofSets = new OwnedPods(
                client, caches.pods(), events, StatefulSetController.COMPONENT, StatefulSetController.WORDING);
        own(
                caches.statefulSets(),
                "StatefulSet",
                new StatefulSetController(client, caches.statefulSets(), ofSets, events)::reconcile,
                ofSets,
                set -> set.getSpec().getSelector());
        OwnedPods ofDaemons = owned(DaemonSetController.COMPONENT);
        own(
                caches.daemonSets(),
                "DaemonSet",
                new DaemonSetController(client, caches.daemonSets(), ofDaemons)::reconcile,
                ofDaemons,
                set -> set.getSpec().getSelector());
        OwnedPods ofJobs = owned(JobController.COMPONENT);
        own(
                caches.jobs(),
                "Job",
                new JobController(client, caches.jobs(), ofJobs, events)::reconcile,
                ofJobs,
                job -> job.getSpec().getSelector());
        KeyQueue cronJobs = queue(
                "cronjobs",
                new CronJobController(
                        client, caches.cronJobs().getIndexer(), caches.jobs().getIndexer(), events)::reconcile);
        Controllers.on(caches.cronJobs(), cron -> cronJobs.add(Controllers.key(cron)));
        Controllers.on(caches.jobs(), job -> owner(job, "CronJob", cronJobs));
        KeyQueue claimQueue = queue(
                "claims",
                new ClaimController(
                        client, caches.claims().getIndexer(), caches.pods().getIndexer(), events, claims)::reconcile);
        Controllers.on(caches.claims(), claim -> claimQueue.add(Controllers.key(claim)));
        KeyQueue scalers = queue(
                "autoscalers",
                KeyQueue.Work.once(
                        new AutoscalerController(client, caches.autoscalers().getIndexer(), events)::reconcile));
        Controllers.on(caches.autoscalers(), scaler -> scalers.add(Controllers.key(scaler)));
    }

    private void deployments() {
        KeyQueue deployments = queue(
                "deployments",
                new DeploymentController(
                        client,
                        caches.deployments().getIndexer(),
                        caches.replicaSets().getIndexer(),
                        caches.pods().getIndexer(),
                        events)::reconcile);
        OwnedPods ofReplicaSets = owned(ReplicaSetController.COMPONENT);
        own(
                caches.replicaSets(),
                "ReplicaSet",
                new ReplicaSetController(client, caches.replicaSets(), ofReplicaSets)::reconcile,
                ofReplicaSets,
                set -> set.getSpec().getSelector());
        Controllers.on(caches.deployments(), deployment -> deployments.add(Controllers.key(deployment)));
        Controllers.on(caches.replicaSets(), set -> {
            owner(set, "Deployment", deployments);
            if (Owners.controller(set).isEmpty()) {
                matching(caches.deployments(), set, d -> d.getSpec().getSelector(), deployments);
            }
        });
        caches.pods().addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                // its ReplicaSet is called
            }

            @Override
            public void onUpdate(Pod before, Pod after) {
                if (OwnedPods.ended(after)) {
                    rolloutOf(after, deployments);
                }
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                rolloutOf(pod, deployments);
            }
        });
    }

    /** Calls the Deployment of a pod that is gone: one that recreates waits for that. */
    private void rolloutOf(Pod pod, KeyQueue deployments) {
        Owners.controller(pod)
                .map(set -> caches.replicaSets()
                        .getIndexer()
                        .getByKey(pod.getMetadata().getNamespace() + "/" + set.getName()))
                .ifPresent(set -> owner(set, "Deployment", deployments));
    }

    private OwnedPods owned(String component) {
        return new OwnedPods(client, caches.pods(), events, component, OwnedPods.Wording.USUAL);
    }

    /** Calls a controller when an object of its kind changes, one of its pods, or a pod that it may want to adopt. */
    private <T extends HasMetadata> void own(
            SharedIndexInformer<T> owners,
            String kind,
            KeyQueue.Work work,
            OwnedPods owned,
            Function<T, LabelSelector> selector) {
        KeyQueue queue = queue(kind, work);
        Controllers.on(owners, owner -> queue.add(Controllers.key(owner)));
        Controllers.on(caches.pods(), pod -> {
            owner(pod, kind, queue);
            if (Owners.controller(pod).isEmpty()) {
                matching(owners, pod, selector, queue);
            }
        });
        caches.pods().addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                // nothing is forgotten
            }

            @Override
            public void onUpdate(Pod before, Pod after) {
                // nothing is forgotten
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                owned.gone(pod);
            }
        });
    }

    private KeyQueue queue(String name, KeyQueue.Work work) {
        KeyQueue queue = new KeyQueue(name, caches.whenComplete(work));
        parts.keep(queue);
        return queue;
    }

    private static void owner(HasMetadata object, String kind, KeyQueue queue) {
        Owners.controller(object)
                .filter(owner ->
                        owner.getKind().equals(kind) && owner.getApiVersion().matches("(apps|batch)/.*"))
                .ifPresent(owner -> queue.add(object.getMetadata().getNamespace() + "/" + owner.getName()));
    }

    /** Calls those that may want to adopt an orphan. */
    private static <T extends HasMetadata> void matching(
            SharedIndexInformer<T> owners, HasMetadata orphan, Function<T, LabelSelector> selector, KeyQueue queue) {
        owners.getIndexer().list().stream()
                .filter(owner -> owner.getMetadata()
                                .getNamespace()
                                .equals(orphan.getMetadata().getNamespace())
                        && LabelSelectors.matches(
                                selector.apply(owner), orphan.getMetadata().getLabels()))
                .forEach(owner -> queue.add(Controllers.key(owner)));
    }

    @Override
    public void close() {
        parts.close();
    }
}
