package dev.weir.operator;

import dev.weir.kubernetes.TrafficRouters;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Clock;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the loop for every release that it sees, on watch events only: nothing is asked while nothing changes.
 *
 * <p>It keeps no state of its own; it may be killed at any moment and started again.
 */
public final class Operator implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Operator.class);
    private static final long FIRST_RETRY_MILLIS = 100;
    private static final long LONGEST_RETRY_MILLIS = 10_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition added = lock.newCondition();
    private final Set<String> keys = new LinkedHashSet<>();
    private final KubernetesWorld world;
    private final ReleaseLoop loop;
    private final Thread worker;
    private boolean closed;

    /** @param namespace the only one to serve; null for all */
    public record Options(@Nullable String namespace) {
        public static Options allNamespaces() {
            return new Options(null);
        }
    }

    private Operator(KubernetesClient client, Options options) {
        AtomicReference<@Nullable Operator> self = new AtomicReference<>(this);
        world = new KubernetesWorld(client, options.namespace(), key -> {
            Operator operator = self.get();
            if (operator != null) {
                operator.add(key);
            }
        });
        loop = new ReleaseLoop(world, TrafficRouters.load(), Clock.systemUTC());
        worker = Thread.ofVirtual().name("operator").unstarted(this::run);
    }

    /** Starts and returns when the caches are complete, so that nothing is decided on half a view. */
    public static Operator start(KubernetesClient client, Options options) {
        Operator operator = new Operator(client, options);
        operator.world.start();
        operator.worker.start();
        return operator;
    }

    private void add(String key) {
        lock.lock();
        try {
            if (keys.add(key)) {
                added.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        long retry = FIRST_RETRY_MILLIS;
        while (true) {
            String key = next();
            if (key == null) {
                return;
            }
            try {
                world.release(key).ifPresent(loop::pass);
                retry = FIRST_RETRY_MILLIS;
            } catch (RuntimeException failure) {
                LOGGER.atWarn().addKeyValue("release", key).log("pass failed, trying again: {}", failure.getMessage());
                pause(retry);
                retry = Math.min(LONGEST_RETRY_MILLIS, retry * 2);
                add(key);
            }
        }
    }

    private void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private @Nullable String next() {
        lock.lock();
        try {
            while (keys.isEmpty() && !closed) {
                added.await();
            }
            if (closed) {
                return null;
            }
            String key = keys.iterator().next();
            keys.remove(key);
            return key;
        } catch (InterruptedException stopped) {
            return null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            added.signalAll();
        } finally {
            lock.unlock();
        }
        worker.interrupt();
        world.close();
    }
}
