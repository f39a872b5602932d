package dev.weir.apiserver;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.store.VersionedStore;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Forgets Events an hour after they were last seen, as every cluster does, so that a store that is kept for long does not
 * grow with them. Looks when an Event is written, since only then they become more. Safe for concurrent use.
 */
final class EventExpiry {
    private static final String EVENTS = "events";
    private static final Duration KEPT = Duration.ofHours(1);
    private static final Duration LOOK_EVERY = Duration.ofMinutes(1);
    private static final List<String> TIMES = List.of(
            "/metadata/creationTimestamp",
            "/lastTimestamp",
            "/firstTimestamp",
            "/eventTime",
            "/series/lastObservedTime");

    private final VersionedStore store;
    private final Clock clock;
    private final AtomicReference<Instant> looked = new AtomicReference<>(Instant.MIN);

    EventExpiry(VersionedStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /** To be called after every write to the store. */
    void written(VersionedStore.Event event) {
        if (!event.entry().key().resource().equals(EVENTS) || event.change() == VersionedStore.Change.DELETED) {
            return;
        }
        Instant now = clock.instant();
        Instant before = looked.get();
        boolean due = before.equals(Instant.MIN) || before.plus(LOOK_EVERY).isBefore(now);
        if (due && looked.compareAndSet(before, now)) {
            forgetBefore(now.minus(KEPT));
        }
    }

    private void forgetBefore(Instant oldest) {
        for (VersionedStore.Entry entry : store.list(EVENTS).entries()) {
            if (lastSeen(entry.object()).isBefore(oldest)) {
                // if it was written meanwhile, it stays
                store.remove(entry.key(), entry.revision(), entry.object().deepCopy());
            }
        }
    }

    private static Instant lastSeen(ObjectNode event) {
        Instant last = Instant.MIN;
        for (String pointer : TIMES) {
            JsonNode time = event.at(pointer);
            try {
                Instant seen = time.isTextual() ? Instant.parse(time.asText()) : Instant.MIN;
                last = seen.isAfter(last) ? seen : last;
            } catch (DateTimeException malformed) {
                // another of the times says more
            }
        }
        return last;
    }
}
