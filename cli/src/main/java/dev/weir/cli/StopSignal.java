package dev.weir.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The wish that this process ends, by a signal or from within. After a signal the process lives until this is closed, so that
 * what runs can end in order, but no longer than it is given.
 */
final class StopSignal implements AutoCloseable {
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    /** @param seconds how long the process may live after a signal */
    StopSignal(int seconds) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            ask();
            try {
                ended.await(seconds, TimeUnit.SECONDS);
            } catch (InterruptedException hurried) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    /** Wishes it from within. */
    void ask() {
        asked.countDown();
    }

    /** Returns when somebody wishes it. */
    void await() throws InterruptedException {
        asked.await();
    }

    @Override
    public void close() {
        ended.countDown();
    }
}
