package dev.weir.local;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Things that are closed together, the last one first; one that fails does not keep the others open. Thread-safe. */
final class Parts implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Parts.class);

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();

    synchronized <T extends AutoCloseable> T keep(T part) {
        parts.push(part);
        return part;
    }

    @Override
    public void close() {
        Deque<AutoCloseable> left;
        synchronized (this) {
            left = new ArrayDeque<>(parts);
            parts.clear();
        }
        left.forEach(Parts::close);
    }

    /** Closes a part; a failure is logged. */
    static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception failure) {
            LOGGER.warn("not closed cleanly", failure);
        }
    }
}
