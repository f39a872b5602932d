package dev.weir.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.store.Journal;
import dev.weir.apiserver.store.VersionedStore;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What keeping writes on disk costs their writers: latency of one write, by one writer and by sixteen at a time. */
public final class StoreBench {
    private static final int OBJECT_CHARACTERS = 2_000;
    private static final long COMPACT_AT_BYTES = 8 << 20;
    private static final double NANOS_PER_MICRO = 1e3;

    private StoreBench() {}

    /**
     * Writes objects of 2 kB again and again; prints percentiles in microseconds.
     *
     * @param folder where the log goes; what is measured is this file system
     * @param writes how many each writer does, after half as many to warm up
     * @return 0
     */
    public static int run(PrintStream out, Path folder, int writes) throws IOException, InterruptedException {
        out.printf("%-10s %8s %10s %10s %10s %12s%n", "store", "writers", "p50 µs", "p99 µs", "max µs", "writes/s");
        for (int writers : new int[] {1, 16}) {
            try (VersionedStore memory = new VersionedStore(_ -> {})) {
                measure(out, "memory", memory, writers, writes);
            }
            Journal journal = Journal.open(folder.resolve("store-" + writers), COMPACT_AT_BYTES);
            try (VersionedStore kept = new VersionedStore(journal, _ -> {})) {
                measure(out, "disk", kept, writers, writes);
            }
        }
        return 0;
    }

    private static void measure(PrintStream out, String name, VersionedStore store, int writers, int writes)
            throws InterruptedException {
        round(store, writers, writes / 2);
        long start = System.nanoTime();
        long[] nanos = round(store, writers, writes);
        double seconds = (System.nanoTime() - start) / 1e9;
        Arrays.sort(nanos);
        out.printf(
                "%-10s %8d %10.0f %10.0f %10.0f %12.0f%n",
                name,
                writers,
                nanos[nanos.length / 2] / NANOS_PER_MICRO,
                nanos[(int) (nanos.length * 0.99)] / NANOS_PER_MICRO,
                nanos[nanos.length - 1] / NANOS_PER_MICRO,
                nanos.length / seconds);
    }

    private static long[] round(VersionedStore store, int writers, int writes) throws InterruptedException {
        long[] nanos = new long[writers * writes];
        List<Thread> threads = new ArrayList<>();
        for (int writer = 0; writer < writers; writer++) {
            int from = writer * writes;
            VersionedStore.Key key = new VersionedStore.Key("things", "default", "w" + writer);
            threads.add(Thread.startVirtualThread(() -> {
                for (int i = from; i < from + writes; i++) {
                    long start = System.nanoTime();
                    write(store, key);
                    nanos[i] = System.nanoTime() - start;
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return nanos;
    }

    private static void write(VersionedStore store, VersionedStore.Key key) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.putObject("metadata").put("name", key.name());
        object.put("text", "x".repeat(OBJECT_CHARACTERS));
        boolean written = store.get(key)
                .map(present -> store.replace(key, present.revision(), object))
                .orElseGet(() -> store.create(key, object))
                .isPresent();
        if (!written) {
            throw new IllegalStateException("nobody else writes " + key);
        }
    }
}
