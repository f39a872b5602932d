package dev.weir.local;

import io.fabric8.kubernetes.api.model.BindingBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Stands for a scheduler: gives each pod that has no node yet to the only one. */
final class PodBinder implements AutoCloseable {
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;

    private final KubernetesClient client;
    private final NodeIdentity node;
    private final EventRecorder events;
    private final Function<String, @Nullable Pod> pods;
    private final KeyQueue queue = new KeyQueue("binding", KeyQueue.Work.once(this::bind));

    /** @param pods the present pod by {@code namespace/name} */
    PodBinder(KubernetesClient client, NodeIdentity node, EventRecorder events, Function<String, @Nullable Pod> pods) {
        this.client = client;
        this.node = node;
        this.events = events;
        this.pods = pods;
    }

    /** The pod may need a node; returns at once. */
    void add(Pod pod) {
        queue.add(Controllers.key(pod));
    }

    /** Whether a pod waits for a node. */
    static boolean wanted(Pod pod) {
        String chosen = pod.getSpec().getNodeName();
        return (chosen == null || chosen.isEmpty()) && pod.getMetadata().getDeletionTimestamp() == null;
    }

    private void bind(String key) {
        Pod pod = pods.apply(key);
        if (pod == null || !wanted(pod)) {
            return;
        }
        String path = "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/pods/"
                + pod.getMetadata().getName() + "/binding";
        var binding = new BindingBuilder()
                .withNewMetadata()
                .withName(pod.getMetadata().getName())
                .withUid(pod.getMetadata().getUid())
                .endMetadata()
                .withNewTarget()
                .withApiVersion("v1")
                .withKind("Node")
                .withName(node.name())
                .endTarget()
                .build();
        try {
            client.raw(path, "POST", binding);
        } catch (KubernetesClientException refused) {
            if (refused.getCode() != NOT_FOUND && refused.getCode() != CONFLICT) {
                throw refused;
            }
            return;
        }
        events.record(
                pod,
                EventRecorder.Note.normal(
                        "default-scheduler", "Scheduled", "Successfully assigned " + key + " to " + node.name()));
    }

    @Override
    public void close() {
        queue.close();
    }
}
