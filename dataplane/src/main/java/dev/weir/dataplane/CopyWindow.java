package dev.weir.dataplane;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many copies may wait for one address: one more with each answer, half as many with each that is given up.
 *
 * <p>Each copy that waits takes a connection of its own; a pod that never answers would otherwise be sent hundreds of them,
 * again and again, on the machine that serves the users. Taking is safe for concurrent use, giving back is for one thread.
 */
final class CopyWindow {
    private static final int FIRST = 256;
    private static final int LEAST = 8;

    private final AtomicInteger taken = new AtomicInteger();
    private final int most;
    private volatile int limit;

    /** How a copy ended. */
    enum End {
        ANSWERED,
        GIVEN_UP,
        /** The connection was refused or broke: that says nothing about waiting. */
        BROKEN
    }

    /** @param most the bound for all addresses together */
    CopyWindow(int most) {
        this.most = most;
        this.limit = Math.min(FIRST, most);
    }

    /** True if no further copy may be sent now. */
    boolean full() {
        return taken.get() >= limit;
    }

    /** Takes a place; false if there is none. */
    boolean take() {
        if (taken.incrementAndGet() > limit) {
            taken.decrementAndGet();
            return false;
        }
        return true;
    }

    /** Gives a place back. */
    void give(End end) {
        taken.decrementAndGet();
        limit = switch (end) {
            case ANSWERED -> Math.min(most, limit + 1);
            case GIVEN_UP -> Math.min(limit, Math.max(LEAST, limit / 2));
            case BROKEN -> limit;
        };
    }
}
