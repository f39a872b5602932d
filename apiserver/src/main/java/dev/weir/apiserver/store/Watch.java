package dev.weir.apiserver.store;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The events of one watcher. Writers never wait for it: a watcher that lets {@value #CAPACITY} events pile up is closed,
 * and its client lists again.
 */
public final class Watch implements AutoCloseable {
    private static final int CAPACITY = 16_384;

    private final LinkedBlockingDeque<Optional<VersionedStore.Event>> queue = new LinkedBlockingDeque<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final @Nullable String namespace;
    private final Consumer<Watch> onClose;

    private final LongSupplier newest;
    private long seen;

    Watch(@Nullable String namespace, long since, LongSupplier newest, Consumer<Watch> onClose) {
        this.namespace = namespace;
        this.seen = since;
        this.newest = newest;
        this.onClose = onClose;
    }

    void offer(VersionedStore.Event event) {
        if (namespace != null && !event.entry().key().namespace().equals(namespace)) {
            return;
        }
        if (queue.size() >= CAPACITY) {
            closed.set(true);
            queue.clear();
            queue.add(Optional.empty());
            return;
        }
        queue.add(Optional.of(event));
    }

    /** Waits for the next event. Null when the time is over; empty when the watch has ended. */
    public @Nullable Optional<VersionedStore.Event> poll(Duration atMost) throws InterruptedException {
        if (closed.get() && queue.isEmpty()) {
            return Optional.empty();
        }
        Optional<VersionedStore.Event> next = queue.poll(atMost.toNanos(), TimeUnit.NANOSECONDS);
        if (next != null && next.isPresent()) {
            seen = next.get().entry().revision();
        }
        return next;
    }

    /** The revision up to which nothing is left to be taken, however long the watch was quiet. For the taker's thread. */
    public long position() {
        long now = newest.getAsLong();
        if (queue.isEmpty()) {
            seen = Math.max(seen, now);
        }
        return seen;
    }

    /** True if an event can be had without waiting. */
    public boolean hasNext() {
        return !queue.isEmpty();
    }

    @Override
    public void close() {
        if (!closed.getAndSet(true)) {
            queue.add(Optional.empty());
        }
        onClose.accept(this);
    }
}
