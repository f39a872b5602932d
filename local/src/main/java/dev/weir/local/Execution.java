package dev.weir.local;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.slf4j.LoggerFactory;

/** One run of a container: a host process, or a server of this process. */
interface Execution {
    /** Waits for the end; the exit code, 128 and the signal's number where a signal ended it. */
    int await() throws InterruptedException;

    /** Asks it to end and waits; what has not ended when the grace period is over is killed. */
    void stop(Duration grace) throws InterruptedException;

    /** A server of this process: it runs until it is stopped, or crashes. */
    final class BuiltIn implements Execution {
        private final AutoCloseable server;
        private final CompletableFuture<Integer> end = new CompletableFuture<>();

        BuiltIn(AutoCloseable server) {
            this.server = server;
        }

        /** Ends it with this exit code; returns at once. */
        void crash(int code) {
            Thread.startVirtualThread(() -> {
                close();
                end.complete(code);
            });
        }

        @Override
        public int await() {
            return end.join();
        }

        @Override
        public void stop(Duration grace) {
            close();
            end.complete(0);
        }

        private void close() {
            try {
                server.close();
            } catch (Exception failure) {
                LoggerFactory.getLogger(Execution.class).warn("a server is not closed", failure);
            }
        }
    }
}
