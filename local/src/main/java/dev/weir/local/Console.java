package dev.weir.local;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Where a process writes to: line by line to a log, and as it comes to those who are attached. */
final class Console {
    /** Longer lines are cut, as container engines do. */
    private static final int MOST_LINE = 16 * 1024;

    private static final int MOST_EARLY = 64 * 1024;

    private final ContainerLog log;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final List<Sink> attached = new CopyOnWriteArrayList<>();
    /** What came before the first one attached, who would miss a prompt otherwise. */
    private @Nullable ByteArrayOutputStream early;

    /** Takes what a process writes, and may wait. */
    interface Sink {
        void output(byte[] bytes) throws InterruptedException;
    }

    /** @param awaited whether somebody is expected to attach, and gets what came before */
    Console(ContainerLog log, boolean awaited) {
        this.log = log;
        this.early = awaited ? new ByteArrayOutputStream() : null;
    }

    synchronized void write(byte[] bytes, int n) throws InterruptedException {
        int from = 0;
        for (int i = 0; i < n; i++) {
            if (bytes[i] == '\n' || line.size() + i - from >= MOST_LINE) {
                line.write(bytes, from, i - from);
                endLine();
                from = bytes[i] == '\n' ? i + 1 : i;
            }
        }
        line.write(bytes, from, n - from);
        if (early != null && early.size() < MOST_EARLY) {
            early.write(bytes, 0, n);
        }
        byte[] some = Arrays.copyOf(bytes, n);
        for (Sink sink : attached) {
            sink.output(some);
        }
    }

    private void endLine() {
        String text = line.toString(StandardCharsets.UTF_8);
        log.line(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
        line.reset();
    }

    /** Nothing more comes. */
    synchronized void end() {
        if (line.size() > 0) {
            endLine();
        }
    }

    synchronized void attach(Sink sink) throws InterruptedException {
        ByteArrayOutputStream before = early;
        early = null;
        attached.add(sink);
        if (before != null && before.size() > 0) {
            sink.output(before.toByteArray());
        }
    }

    void detach(Sink sink) {
        attached.remove(sink);
    }
}
