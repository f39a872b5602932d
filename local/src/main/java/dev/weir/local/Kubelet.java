package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A kubelet: takes every pod, runs it as a built-in server or a host process, reports its status. */
final class Kubelet implements AutoCloseable {
    /** Files of so many pods that are gone are kept. */
    private static final int MOST_GONE = 200;

    private final SharedIndexInformer<Pod> pods;
    private final Map<String, PodRunner> runners = new ConcurrentHashMap<>();
    private final GonePods gone = new GonePods(MOST_GONE);
    private final Surroundings surroundings;
    private final PodBinder binder;
    private final Parts parts = new Parts();
    private volatile boolean closed;

    /**
     * What every pod needs.
     *
     * @param folder where pods keep their files
     * @param standIns commands for what the host may lack
     */
    record Surroundings(
            KubernetesClient client,
            NodeIdentity node,
            PodNetwork.Pool networks,
            Images images,
            Path folder,
            Path standIns,
            ServiceAccounts serviceAccounts,
            EventRecorder events,
            ConfigWatches watches,
            ProcessLedger ledger) {}

    /** @param pods the watch that tells of pods; whoever made it closes it */
    Kubelet(Surroundings surroundings, SharedIndexInformer<Pod> pods) {
        this.surroundings = surroundings;
        this.pods = pods;
        this.binder = parts.keep(new PodBinder(
                surroundings.client(),
                surroundings.node(),
                surroundings.events(),
                key -> pods.getIndexer().getByKey(key)));
    }

    /** What a pod gets to talk to the API as its service account. */
    interface ServiceAccounts {
        /** Writes a kubeconfig into the pod's folder. */
        Path kubeconfig(Pod pod, Path folder);

        /** A token that is good for so long, an hour if null. */
        String token(Pod pod, @Nullable Long seconds);
    }

    /** Registers the node, then takes pods. {@code port} is where the kubelet endpoint listens. */
    void start(int port) {
        NodeRegistration registration =
                parts.keep(new NodeRegistration(surroundings.client(), surroundings.node(), port));
        registration.start();
        pods.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                changed(pod);
            }

            @Override
            public void onUpdate(Pod before, Pod pod) {
                if (!before.getMetadata().getUid().equals(pod.getMetadata().getUid())) {
                    gone(before);
                }
                changed(pod);
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                gone(pod);
            }
        });
    }

    private void gone(Pod pod) {
        PodRunner runner = runners.remove(pod.getMetadata().getUid());
        if (runner != null) {
            Thread.startVirtualThread(() -> {
                runner.kill();
                gone.add(runner::forget);
            });
        }
    }

    private void changed(Pod pod) {
        if (closed) {
            return;
        }
        String uid = pod.getMetadata().getUid();
        boolean deleted = pod.getMetadata().getDeletionTimestamp() != null;
        if (PodBinder.wanted(pod)) {
            binder.add(pod);
            return;
        }
        if (!surroundings.node().name().equals(pod.getSpec().getNodeName())) {
            return;
        }
        PodRunner runner = runners.get(uid);
        if (runner != null) {
            runner.update(pod);
        } else {
            String phase = pod.getStatus() == null ? "" : pod.getStatus().getPhase();
            if (!deleted && ("Succeeded".equals(phase) || "Failed".equals(phase))) {
                // an earlier local mode has run it to its end
                return;
            }
            runner = new PodRunner(pod, surroundings);
            runners.put(uid, runner);
            if (!deleted) {
                runner.start();
            }
        }
        if (deleted) {
            runner.terminate(pod.getMetadata().getDeletionGracePeriodSeconds());
        }
    }

    /** The runner of a pod, for logs and exec. */
    Optional<PodRunner> runner(String namespace, String name) {
        Pod pod = pods.getIndexer().getByKey(namespace + "/" + name);
        return pod == null
                ? Optional.empty()
                : Optional.ofNullable(runners.get(pod.getMetadata().getUid()));
    }

    @Override
    public void close() {
        closed = true;
        parts.close();
        List<Thread> ends = runners.values().stream()
                .map(runner -> Thread.startVirtualThread(runner::kill))
                .toList();
        try {
            for (Thread end : ends) {
                end.join();
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
