package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Brings one pod's status to the API: what changes while a write is under way goes with the next one. */
final class PodStatusWriter implements AutoCloseable {
    private static final long RETRY_MILLIS = 200;

    private final KubernetesClient client;
    private final Pod pod;
    private final Supplier<PodStatuses.View> view;
    private final AtomicInteger changes = new AtomicInteger();
    private final ReentrantLock writing = new ReentrantLock();
    /** What was written last; the conditions' transition times come from here. */
    private @Nullable PodStatus last;

    private volatile boolean closed;

    PodStatusWriter(KubernetesClient client, Pod pod, Supplier<PodStatuses.View> view) {
        this.client = client;
        this.pod = pod;
        this.view = view;
        this.last = pod.getStatus();
    }

    /** The view has changed. */
    void changed() {
        if (changes.getAndIncrement() == 0) {
            Thread.startVirtualThread(this::flush);
        }
    }

    private void flush() {
        int seen;
        do {
            seen = changes.get();
            try {
                if (!write()) {
                    TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
                    changes.incrementAndGet();
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                return;
            }
        } while (!changes.compareAndSet(seen, 0));
    }

    /** Writes how the pod ended, and nothing after it. */
    void finish() {
        write();
        closed = true;
    }

    /** False if it is worth another try. */
    private boolean write() {
        writing.lock();
        try {
            if (closed) {
                return true;
            }
            PodStatus next = PodStatuses.of(pod, last, view.get());
            if (next.equals(last)) {
                return true;
            }
            String patch = "{\"metadata\":{\"uid\":\"" + pod.getMetadata().getUid() + "\"},\"status\":"
                    + Serialization.asJson(next) + "}";
            client.pods()
                    .inNamespace(pod.getMetadata().getNamespace())
                    .withName(pod.getMetadata().getName())
                    .subresource("status")
                    .patch(PatchContext.of(PatchType.STRATEGIC_MERGE), patch);
            last = next;
            return true;
        } catch (KubernetesClientException failure) {
            LoggerFactory.getLogger(PodStatusWriter.class).debug("status not written", failure);
            // gone, or another pod has the name
            return failure.getCode() == 404 || failure.getCode() == 409;
        } catch (IllegalStateException closing) {
            return true;
        } finally {
            writing.unlock();
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
