package dev.weir.local;

import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes a pod's volumes again when what they come from has changed, or a token in them is about to expire. */
final class VolumeRefresh implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(VolumeRefresh.class);
    private static final String VOLUMES = "volumes";

    private final Kubelet.Surroundings around;
    private final PodSandbox sandbox;
    private final KeyQueue queue;
    private final AutoCloseable watches;
    /** When the tokens are next made anew; used by the queue's worker only. */
    private Instant due = Instant.EPOCH;

    VolumeRefresh(Kubelet.Surroundings around, PodSandbox sandbox) {
        this.around = around;
        this.sandbox = sandbox;
        this.queue = new KeyQueue(VOLUMES, _ -> write());
        this.watches = around.watches().follow(sandbox.volumes().followed(), this::ask);
        ask();
    }

    /** They may have changed; returns at once. */
    void ask() {
        queue.add(VOLUMES);
    }

    private Optional<Duration> write() {
        try {
            sandbox.volumes().write();
        } catch (Misconfigured missing) {
            // what is there stays
            around.events()
                    .record(
                            sandbox.pod(),
                            EventRecorder.Note.warning("kubelet", "FailedMount", String.valueOf(missing.getMessage())));
        } catch (IOException | KubernetesClientException failure) {
            LOGGER.atDebug().setCause(failure).log("volumes are not written again");
        }
        Optional<Duration> life = sandbox.volumes().tokenLife();
        if (life.isEmpty() || Instant.now().isBefore(due)) {
            return Optional.empty();
        }
        due = Instant.now().plus(life.get());
        return life;
    }

    @Override
    public void close() {
        Parts.close(watches);
        queue.close();
    }
}
