package dev.weir.local;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a reconcile function for keys, one at a time, each key once however often it was asked for. */
final class KeyQueue implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(KeyQueue.class);
    private static final ScheduledExecutorService RETRIES = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("retries").factory());

    private final String name;
    private final Work work;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition added = lock.newCondition();
    private final Set<String> keys = new LinkedHashSet<>();
    private final Thread worker;
    private boolean closed;

    /** Brings the world to what the key's object asks for; throws to be called again later. */
    interface Work {
        void reconcile(String key);
    }

    KeyQueue(String name, Work work) {
        this.name = name;
        this.work = work;
        this.worker = Thread.ofVirtual().name(name).start(this::run);
    }

    void add(String key) {
        lock.lock();
        try {
            if (keys.add(key)) {
                added.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    void addAfter(String key, long millis) {
        RETRIES.schedule(() -> add(key), millis, TimeUnit.MILLISECONDS);
    }

    private void run() {
        while (true) {
            String key;
            lock.lock();
            try {
                while (keys.isEmpty() && !closed) {
                    added.await();
                }
                if (closed) {
                    return;
                }
                key = keys.iterator().next();
                keys.remove(key);
            } catch (InterruptedException stopped) {
                return;
            } finally {
                lock.unlock();
            }
            try {
                work.reconcile(key);
            } catch (RuntimeException failure) {
                LOGGER.atDebug().setCause(failure).addKeyValue("key", key).log("{} tries again", name);
                addAfter(key, 200);
            }
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
    }
}
