package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.store.VersionedStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Events are kept for an hour after they were last seen. */
class EventExpiryTest {
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
    private final AtomicReference<EventExpiry> expiry = new AtomicReference<>();
    private final VersionedStore store = new VersionedStore(event -> {
        EventExpiry known = expiry.get();
        if (known != null) {
            known.written(event);
        }
    });

    private void write(String resource, String name) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.putObject("metadata").put("creationTimestamp", "2026-01-01T00:00:00Z");
        object.put("lastTimestamp", now.get().toString());
        VersionedStore.Key key = new VersionedStore.Key(resource, "default", name);
        boolean written = store.get(key)
                .map(present -> store.replace(key, present.revision(), object))
                .orElseGet(() -> store.create(key, object))
                .isPresent();
        assertThat(written).isTrue();
    }

    private List<String> names(String resource) {
        return store.list(resource).entries().stream()
                .map(entry -> entry.key().name())
                .toList();
    }

    @Test
    void whatWasNotSeenForAnHourIsForgotten() {
        InstantSource source = now::get;
        expiry.set(new EventExpiry(store, source.withZone(ZoneOffset.UTC)));
        write("events", "once");
        write("events", "again");
        write("configmaps", "map");
        now.updateAndGet(time -> time.plus(Duration.ofMinutes(50)));
        write("events", "again");
        assertThat(names("events")).containsExactly("again", "once");
        now.updateAndGet(time -> time.plus(Duration.ofMinutes(11)));
        write("events", "new");
        assertThat(names("events")).containsExactly("again", "new");
        assertThat(names("configmaps")).containsExactly("map");
    }
}
