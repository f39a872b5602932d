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
    /** The pod's revision after that; 0 before the first write. */
    private long written;

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

    /**
     * What the API has now. Others write there too: who watches nodes takes the readiness of pods away while their node is
     * not heard of, and gives it back to nobody.
     */
    void seen(Pod current) {
        Thread.startVirtualThread(() -> {
            if (isOverwritten(current)) {
                changed();
            }
        });
    }

    private boolean isOverwritten(Pod current) {
        writing.lock();
        try {
            PodStatus ours = last;
            PodStatus theirs = current.getStatus();
            if (ours == null || theirs == null || written == 0 || revision(current) <= written) {
                return false;
            }
            boolean same = ours.getConditions().stream()
                    .allMatch(condition -> theirs.getConditions().stream()
                            .filter(other -> other.getType().equals(condition.getType()))
                            .anyMatch(other -> other.getStatus().equals(condition.getStatus())));
            if (!same) {
                last = theirs;
            }
            return !same;
        } finally {
            writing.unlock();
        }
    }

    /** Revisions of pods are numbers that grow, as Kubernetes promises. */
    private static long revision(Pod pod) {
        return Long.parseLong(pod.getMetadata().getResourceVersion());
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
            Pod now = client.pods()
                    .inNamespace(pod.getMetadata().getNamespace())
                    .withName(pod.getMetadata().getName())
                    .subresource("status")
                    .patch(PatchContext.of(PatchType.STRATEGIC_MERGE), patch);
            last = next;
            written = revision(now);
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
