package dev.weir.local;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a reconcile function for keys, one at a time, each key once however often it was asked for. */
final class KeyQueue implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(KeyQueue.class);
    private static final ScheduledExecutorService RETRIES = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("retries").factory());

    private static final long FIRST_PAUSE_MILLIS = 10;
    private static final long LONGEST_PAUSE_MILLIS = 5000;
    /** After so many failures in a row of one key, about ten seconds, somebody should know. */
    private static final int LOUD = 11;

    private final String name;
    private final Work work;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition added = lock.newCondition();
    private final Set<String> keys = new LinkedHashSet<>();
    /** How often in a row a key failed; used by the worker only. */
    private final Map<String, Integer> failures = new HashMap<>();

    private final Thread worker;
    private boolean closed;

    /** Brings the world to what the key's object asks for; throws to be called again soon. */
    interface Work {
        /** @return after how long to be called again, if at all */
        Optional<Duration> reconcile(String key);

        /** Work that is never called again by itself. */
        static Work once(Consumer<String> work) {
            return key -> {
                work.accept(key);
                return Optional.empty();
            };
        }
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

    /** Adds a key later; nothing happens if the queue is closed by then. */
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
                Optional<Duration> again = work.reconcile(key);
                failures.remove(key);
                again.ifPresent(after -> addAfter(key, after.toMillis()));
            } catch (RuntimeException | StackOverflowError failure) {
                int times = failures.merge(key, 1, Integer::sum);
                // conflicts mend themselves; what lasts is told, and told again now and then
                (times % LOUD == 0 ? LOGGER.atWarn() : LOGGER.atDebug())
                        .setCause(failure)
                        .addKeyValue("key", key)
                        .log("{} failed {} times in a row for {} and tries again", name, times, key);
                addAfter(key, Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << Math.min(times - 1, 16)));
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
