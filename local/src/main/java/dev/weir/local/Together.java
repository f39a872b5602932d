package dev.weir.local;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Steps that are done at the same time, each on a thread of its own. */
final class Together implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Future<?>> begun = new ArrayList<>();

    /** A step that has begun. */
    record Step<T>(Future<T> result) {
        /** Waits for the end of the step; throws what it threw. */
        T get() throws IOException {
            try {
                return result.get();
            } catch (ExecutionException failure) {
                switch (failure.getCause()) {
                    case IOException io -> throw io;
                    case RuntimeException bug -> throw bug;
                    case Error error -> throw error;
                    case null, default -> throw new IOException(failure.getCause());
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted");
            }
        }
    }

    /** Something to do that has no result. */
    interface Work {
        void run() throws IOException;
    }

    <T> Step<T> begin(Callable<T> work) {
        Future<T> future = threads.submit(work);
        begun.add(future);
        return new Step<>(future);
    }

    void run(Work work) {
        begin(() -> {
            work.run();
            return true;
        });
    }

    /** Waits for all steps; throws what the first that failed threw. */
    void finish() throws IOException {
        for (Future<?> future : begun) {
            new Step<>(future).get();
        }
    }

    /** Waits until no step runs any more. */
    @Override
    public void close() {
        threads.close();
    }
}
