package dev.weir.local;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Core events about objects, written in the background in the order in which they happened.
 *
 * <p>The same event again raises its count. One that goes on and on is written at every time at first and then every
 * five minutes; an event that has not come again for an hour is deleted, as on a cluster. When the API is slower than
 * events come, the newest are dropped.
 */
final class EventRecorder implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(EventRecorder.class);
    private static final int MOST_WAITING = 2000;
    private static final int FREELY = 25;
    private static final Duration SELDOM = Duration.ofMinutes(5);
    private static final Duration LIFE = Duration.ofHours(1);

    private final KubernetesClient client;
    private final String node;
    /** Whether nobody else writes events, or deletes old ones. */
    private final boolean alone;

    private final BlockingQueue<Happening> happenings = new ArrayBlockingQueue<>(MOST_WAITING);
    /** What was written, the longest untouched first; used by the writer only. */
    private final LinkedHashMap<Happening.Key, Written> written = new LinkedHashMap<>(16, 0.75f, true);

    private final Thread writer;

    /**
     * What happened.
     *
     * @param component who says so
     * @param fieldPath the part of the object that it concerns, or empty
     */
    record Note(String component, String type, String reason, String message, String fieldPath) {
        static Note normal(String component, String reason, String message) {
            return new Note(component, "Normal", reason, message, "");
        }

        static Note warning(String component, String reason, String message) {
            return new Note(component, "Warning", reason, message, "");
        }
    }

    private record Happening(HasMetadata about, Note note, Instant at) {
        private record Key(String uid, Note note) {}

        Key key() {
            return new Key(about.getMetadata().getUid(), note);
        }
    }

    private record Written(String namespace, String name, int count, Instant last, Instant lastWrite) {}

    /**
     * For the events of a whole cluster.
     *
     * @param node whose kubelet's events these are
     */
    EventRecorder(KubernetesClient client, String node) {
        this(client, node, true);
    }

    private EventRecorder(KubernetesClient client, String node, boolean alone) {
        this.client = client;
        this.node = node;
        this.alone = alone;
        this.writer = Thread.ofVirtual().name("events").start(this::run);
    }

    /** For the events of one node; the API server forgets them by itself. */
    static EventRecorder ofNode(KubernetesClient client, String node) {
        return new EventRecorder(client, node, false);
    }

    void record(HasMetadata about, Note note) {
        if (!happenings.offer(new Happening(about, note, Instant.now()))) {
            LOGGER.debug("event dropped: {}", note);
        }
    }

    /** Goes on where an earlier local mode has stopped. */
    private void resume() {
        try {
            client.v1().events().inAnyNamespace().list().getItems().stream()
                    .filter(event -> event.getLastTimestamp() != null && event.getCount() != null)
                    .sorted(Comparator.comparing(Event::getLastTimestamp))
                    .forEach(event -> {
                        Note note = new Note(
                                Objects.requireNonNullElse(event.getReportingComponent(), ""),
                                event.getType(),
                                event.getReason(),
                                event.getMessage(),
                                Objects.requireNonNullElse(
                                        event.getInvolvedObject().getFieldPath(), ""));
                        Instant last = Instant.parse(event.getLastTimestamp());
                        written.put(
                                new Happening.Key(
                                        String.valueOf(event.getInvolvedObject().getUid()), note),
                                new Written(
                                        event.getMetadata().getNamespace(),
                                        event.getMetadata().getName(),
                                        event.getCount(),
                                        last,
                                        last));
                    });
            forget(Instant.now().minus(LIFE));
        } catch (KubernetesClientException refused) {
            LOGGER.debug("earlier events are not known", refused);
        }
    }

    private void run() {
        try {
            if (alone) {
                resume();
            }
            while (true) {
                Happening happening = happenings.take();
                try {
                    write(happening);
                    forget(happening.at().minus(LIFE));
                } catch (KubernetesClientException refused) {
                    // its namespace is going, or the API is
                    LOGGER.debug("event not written", refused);
                }
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private void write(Happening happening) {
        Written before = written.get(happening.key());
        if (before == null) {
            create(happening);
            return;
        }
        int count = before.count() + 1;
        boolean now = count <= FREELY
                || Duration.between(before.lastWrite(), happening.at()).compareTo(SELDOM) >= 0;
        if (now) {
            String patch = "{\"count\":" + count + ",\"lastTimestamp\":\"" + seconds(happening.at()) + "\"}";
            try {
                client.v1()
                        .events()
                        .inNamespace(before.namespace())
                        .withName(before.name())
                        .patch(PatchContext.of(PatchType.JSON_MERGE), patch);
            } catch (KubernetesClientException failure) {
                if (failure.getCode() != 404) {
                    throw failure;
                }
                create(happening);
                return;
            }
        }
        written.put(
                happening.key(),
                new Written(
                        before.namespace(),
                        before.name(),
                        count,
                        happening.at(),
                        now ? happening.at() : before.lastWrite()));
    }

    private void create(Happening happening) {
        HasMetadata about = happening.about();
        Note note = happening.note();
        String namespace = about.getMetadata().getNamespace() == null
                ? "default"
                : about.getMetadata().getNamespace();
        String name = about.getMetadata().getName() + "."
                + Long.toHexString(ChronoUnit.NANOS.between(Instant.EPOCH, happening.at()));
        Event event = new EventBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(namespace)
                .endMetadata()
                .withNewInvolvedObject()
                .withApiVersion(about.getApiVersion())
                .withKind(about.getKind())
                .withName(about.getMetadata().getName())
                .withNamespace(about.getMetadata().getNamespace())
                .withUid(about.getMetadata().getUid())
                .withResourceVersion(about.getMetadata().getResourceVersion())
                .withFieldPath(note.fieldPath().isEmpty() ? null : note.fieldPath())
                .endInvolvedObject()
                .withType(note.type())
                .withReason(note.reason())
                .withMessage(note.message())
                .withCount(1)
                .withFirstTimestamp(seconds(happening.at()))
                .withLastTimestamp(seconds(happening.at()))
                .withReportingComponent(note.component())
                .withNewSource()
                .withComponent(note.component())
                .withHost(note.component().equals("kubelet") ? node : null)
                .endSource()
                .build();
        client.resource(event).create();
        written.put(happening.key(), new Written(namespace, name, 1, happening.at(), happening.at()));
    }

    private static String seconds(Instant at) {
        return at.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private void forget(Instant before) {
        List<Happening.Key> old = new ArrayList<>();
        for (Map.Entry<Happening.Key, Written> entry : written.entrySet()) {
            if (entry.getValue().last().isAfter(before)) {
                break;
            }
            old.add(entry.getKey());
        }
        for (Happening.Key key : old) {
            Written gone = written.remove(key);
            if (gone != null && alone) {
                client.v1()
                        .events()
                        .inNamespace(gone.namespace())
                        .withName(gone.name())
                        .delete();
            }
        }
    }

    @Override
    public void close() {
        writer.interrupt();
    }
}
