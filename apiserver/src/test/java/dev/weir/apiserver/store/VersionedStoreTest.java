package dev.weir.apiserver.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

/** One order of all writes, and watches that stand at exact places in it. */
class VersionedStoreTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final VersionedStore store = new VersionedStore(_ -> {});

    private static VersionedStore.Key key(String name) {
        return new VersionedStore.Key("things", "default", name);
    }

    private static ObjectNode object(int value) {
        return JsonNodeFactory.instance.objectNode().put("value", value);
    }

    private static String told(VersionedStore.Event event) {
        return event.change() + " " + event.entry().key().name() + "@"
                + event.entry().revision();
    }

    private static VersionedStore.Event next(Watch watch) throws InterruptedException {
        return java.util.Objects.requireNonNull(watch.poll(PATIENCE), "no event came")
                .orElseThrow();
    }

    private static List<String> take(Watch watch, int count) throws InterruptedException {
        List<String> told = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            told.add(told(next(watch)));
        }
        return told;
    }

    @Test
    void watchesStartExactlyBehindTheirRevision() throws Exception {
        VersionedStore.Entry one = store.create(key("one"), object(1)).orElseThrow();
        VersionedStore.Entry two = store.create(key("two"), object(1)).orElseThrow();
        VersionedStore.Entry changed =
                store.replace(key("one"), one.revision(), object(2)).orElseThrow();
        try (Watch all = store.watch("things", null, one.revision() - 1);
                Watch rest = store.watch("things", null, two.revision());
                Watch now = store.watch("things", null, changed.revision())) {
            store.remove(key("two"), two.revision(), object(1));
            long r = changed.revision();
            assertThat(take(all, 4))
                    .containsExactly(
                            "ADDED one@" + (r - 2),
                            "ADDED two@" + (r - 1),
                            "MODIFIED one@" + r,
                            "DELETED two@" + (r + 1));
            assertThat(take(rest, 2)).containsExactly("MODIFIED one@" + r, "DELETED two@" + (r + 1));
            assertThat(take(now, 1)).containsExactly("DELETED two@" + (r + 1));
            assertThat(now.position()).isEqualTo(r + 1);
        }
    }

    @Test
    void writesInsistOnTheRevisionThatTheySaw() {
        VersionedStore.Entry one = store.create(key("one"), object(1)).orElseThrow();
        assertThat(store.create(key("one"), object(2))).isEmpty();
        assertThat(store.replace(key("one"), one.revision() - 1, object(2))).isEmpty();
        assertThat(store.remove(key("one"), one.revision() - 1, object(2))).isEmpty();
        assertThat(store.replace(key("two"), 0, object(2))).isEmpty();
        assertThat(store.revision()).isEqualTo(one.revision());
    }

    @Test
    void listsShowThePastAsItWas() throws Exception {
        Random random = new Random(7);
        TreeMap<Long, List<String>> past = new TreeMap<>();
        for (int i = 0; i < 500; i++) {
            VersionedStore.Key key = key("k" + random.nextInt(10));
            Optional<VersionedStore.Entry> present = store.get(key);
            if (present.isEmpty()) {
                store.create(key, object(i));
            } else if (random.nextInt(3) == 0) {
                store.remove(
                        key, present.get().revision(), present.get().object().deepCopy());
            } else {
                store.replace(key, present.get().revision(), object(i));
            }
            past.put(store.revision(), names(store.list("things", null, 0)));
        }
        for (var moment : past.entrySet()) {
            VersionedStore.Listing then = store.list("things", null, moment.getKey());
            assertThat(then.revision()).isEqualTo(moment.getKey());
            assertThat(names(then)).isEqualTo(moment.getValue());
        }
    }

    private static List<String> names(VersionedStore.Listing listing) {
        return listing.entries().stream()
                .map(entry -> entry.key().name() + "=" + entry.object().path("value"))
                .toList();
    }

    @Test
    void theForgottenPastAndTheFutureAreRefused() throws Exception {
        VersionedStore.Entry one = store.create(key("one"), object(1)).orElseThrow();
        store.replace(key("one"), one.revision(), object(2));
        try (Watch open = store.watch("things", null, store.revision())) {
            store.compact();
            assertThatThrownBy(() -> store.watch("things", null, one.revision()))
                    .isInstanceOfSatisfying(
                            VersionedStore.CompactedException.class,
                            gone -> assertThat(gone.oldest()).isEqualTo(store.revision()));
            assertThatThrownBy(() -> store.list("things", null, one.revision()))
                    .isInstanceOf(VersionedStore.CompactedException.class);
            assertThatThrownBy(() -> store.watch("others", null, one.revision()))
                    .isInstanceOf(VersionedStore.CompactedException.class);
            long ahead = store.revision() + 1;
            assertThatThrownBy(() -> store.watch("things", null, ahead))
                    .isInstanceOf(VersionedStore.FutureException.class);
            store.create(key("two"), object(1));
            assertThat(take(open, 1)).containsExactly("ADDED two@" + ahead);
        }
    }

    @Test
    void theLogKeepsAsManyEventsAsItPromises() throws Exception {
        long first = store.create(key("one"), object(0)).orElseThrow().revision();
        for (int i = 1; i <= 5000; i++) {
            store.replace(key("one"), store.revision(), object(i));
        }
        assertThatThrownBy(() -> store.watch("things", null, first))
                .isInstanceOf(VersionedStore.CompactedException.class);
        try (Watch watch = store.watch("things", null, store.revision() - 4096)) {
            assertThat(take(watch, 4096)).hasSize(4096);
        }
    }

    @Test
    void concurrentWritersLoseNothingAndWatchersSeeOneOrder() throws Exception {
        int writers = 8;
        int writes = 300;
        store.create(key("shared"), object(0));
        long start = store.revision();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                Watch watch = store.watch("things", null, start)) {
            List<Future<Integer>> done = new ArrayList<>();
            for (int w = 0; w < writers; w++) {
                Callable<Integer> writer = () -> {
                    int lost = 0;
                    for (int done1 = 0; done1 < writes; ) {
                        VersionedStore.Entry seen = store.get(key("shared")).orElseThrow();
                        int next = seen.object().path("value").asInt() + 1;
                        if (store.replace(key("shared"), seen.revision(), object(next))
                                .isPresent()) {
                            done1++;
                        } else {
                            lost++;
                        }
                    }
                    return lost;
                };
                done.add(threads.submit(writer));
            }
            for (Future<Integer> one : done) {
                one.get();
            }
            for (int i = 1; i <= writers * writes; i++) {
                VersionedStore.Event event = next(watch);
                assertThat(event.entry().revision()).isEqualTo(start + i);
                assertThat(event.entry().object().path("value").asInt()).isEqualTo(i);
            }
        }
        assertThat(store.get(key("shared")).orElseThrow().object().path("value").asInt())
                .isEqualTo(writers * writes);
    }

    @Test
    void watchesBetweenWritersMissNothingAndSeeNothingTwice() throws Exception {
        int rounds = 50;
        int each = 20;
        // the reader lets the writer write: unpaced it ends too early, or writes more than the store remembers
        Semaphore allowed = new Semaphore(0);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> writing = threads.submit(() -> {
                for (int i = 0; i < rounds * 2 * each; i++) {
                    allowed.acquireUninterruptibly();
                    store.create(key("n" + i), object(i));
                }
            });
            try {
                for (int round = 0; round < rounds; round++) {
                    allowed.release(each);
                    VersionedStore.Listing listing = store.list("things", null, 0);
                    try (Watch watch = store.watch("things", null, listing.revision())) {
                        allowed.release(each);
                        int expected = listing.entries().size();
                        for (int i = 0; i < each; i++) {
                            VersionedStore.Event event = next(watch);
                            assertThat(event.entry().object().path("value").asInt())
                                    .isEqualTo(expected++);
                        }
                    }
                }
            } finally {
                allowed.release(rounds * 2 * each);
            }
            writing.get();
        }
    }

    @Test
    void aWatcherThatFallsTooFarBehindIsClosed() throws Exception {
        try (Watch watch = store.watch("things", null, store.revision())) {
            for (int i = 0; i < 17_000; i++) {
                store.create(key("n" + i), object(i));
            }
            assertThat(watch.poll(PATIENCE)).isEmpty();
        }
    }

    @Test
    void cuttingEndsEveryWatch() throws Exception {
        try (Watch one = store.watch("things", null, 0);
                Watch other = store.watch("others", "default", 0)) {
            store.cutWatches();
            assertThat(one.poll(PATIENCE)).isEmpty();
            assertThat(other.poll(PATIENCE)).isEmpty();
        }
    }
}
