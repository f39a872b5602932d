package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What waits for the caches to be complete. */
class SharedCachesTest {
    private final KubernetesClient nowhere =
            new KubernetesClientBuilder().withConfig(Config.empty()).build();

    @Test
    void nothingIsDecidedBeforeTheyAre() throws Exception {
        SharedCaches caches = SharedCaches.of(nowhere);
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        KeyQueue.Work work = caches.whenComplete(_ -> {
            done.countDown();
            return Optional.empty();
        });
        try (KeyQueue queue = new KeyQueue("test", key -> {
            waiting.countDown();
            return work.reconcile(key);
        })) {
            queue.add("default/app");
            assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(done.getCount()).isEqualTo(1);
            caches.complete().countDown();
            assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void whatIsClosedMeanwhileIsNotDone() throws Exception {
        SharedCaches caches = SharedCaches.of(nowhere);
        Thread worker = Thread.startVirtualThread(() -> caches.whenComplete(_ -> {
                    throw new IllegalStateException("done too early");
                })
                .reconcile("default/app"));
        worker.interrupt();
        assertThat(worker.join(java.time.Duration.ofSeconds(10))).isTrue();
    }
}
