package dev.weir.apiserver.store;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Objects of every kind under one revision counter.
 *
 * <p>Each write gets the next revision and is appended to its resource's event log. A list at an earlier revision is
 * the present state with the later events undone; a watch from a revision is the log's rest and then what follows, both
 * taken under the same lock, so that nothing is missed or seen twice.
 *
 * <p>With a {@link Journal} a writer returns when its write is on the disk. Others may see a write a little earlier; it
 * outlives the process by then, but not yet the machine.
 *
 * <p>Safe for concurrent use. Objects handed in belong to the store from then on and never change.
 */
public final class VersionedStore implements AutoCloseable {
    /** What the counter shows before the first write. */
    static final long FIRST_REVISION = 1;

    private static final Logger LOGGER = LoggerFactory.getLogger(VersionedStore.class);
    private static final int LOG_CAPACITY = 4096;

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Shelf> shelves = new HashMap<>();
    private final Consumer<Event> afterWrite;
    private final @Nullable Journal journal;
    private long revision = FIRST_REVISION;
    private long oldest;
    /** Revisions after this and before {@link #skippedUntil} may have been seen by somebody, but were not kept. */
    private long skippedAfter = Long.MAX_VALUE;

    private long skippedUntil = Long.MAX_VALUE;

    /**
     * An empty store in memory.
     *
     * @param afterWrite called after every write, outside the lock, in the writer's thread; may throw to act as a crash
     */
    public VersionedStore(Consumer<Event> afterWrite) {
        this.afterWrite = afterWrite;
        this.journal = null;
    }

    /**
     * A store that goes on where the journal ends; closing it closes the journal.
     *
     * @param afterWrite as above; not called for what the journal held
     */
    public VersionedStore(Journal journal, Consumer<Event> afterWrite) {
        this.afterWrite = afterWrite;
        this.journal = journal;
        restore(journal.restored());
    }

    private void restore(Journal.Restored restored) {
        oldest = restored.base();
        for (Entry entry : restored.entries()) {
            shelf(entry.key().resource()).entries.put(entry.key(), entry);
        }
        for (Record record : restored.writes()) {
            switch (record) {
                case Record.Write(Change change, Key key, long at, ObjectNode object) -> {
                    Shelf shelf = shelf(key.resource());
                    Entry entry = new Entry(key, at, object);
                    Entry previous =
                            change == Change.DELETED ? shelf.entries.remove(key) : shelf.entries.put(key, entry);
                    append(shelf, new Event(change, entry, previous, new Encodings()));
                }
                case Record.Start start -> forgetBefore(start.revision());
                case Record.End _ -> {}
            }
        }
        revision = restored.revision();
        if (restored.revision() > restored.last()) {
            skippedAfter = restored.last();
            skippedUntil = restored.revision();
        }
    }

    /** Identifies an object. {@code resource} is {@code plural} or {@code plural.group}; {@code namespace} is empty for cluster scope. */
    public record Key(String resource, String namespace, String name) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byNamespace = namespace.compareTo(other.namespace);
            return byNamespace != 0 ? byNamespace : name.compareTo(other.name);
        }
    }

    /** One object at one revision; {@code object.metadata.resourceVersion} equals {@code revision}. */
    public record Entry(Key key, long revision, ObjectNode object) {}

    /** What a write did. */
    public enum Change {
        ADDED,
        MODIFIED,
        DELETED
    }

    /**
     * One write. For a deletion {@code entry} is the last state, carrying the revision of the deletion.
     *
     * @param encodings what watchers made of it, so that those who want the same form share the work
     */
    public record Event(
            Change change, Entry entry, @Nullable Entry previous, Encodings encodings) {
        /** As if an object had just been written. */
        public static Event added(Entry entry) {
            return new Event(Change.ADDED, entry, null, new Encodings());
        }
    }

    /** A consistent list, in key order. */
    public record Listing(long revision, List<Entry> entries) {}

    /** Thrown when a revision is older than the event log reaches. */
    public static final class CompactedException extends Exception {
        private static final long serialVersionUID = 1L;

        private final long oldest;

        CompactedException(long oldest) {
            super("compacted", null, false, false);
            this.oldest = oldest;
        }

        /** The oldest revision that can still be watched from. */
        public long oldest() {
            return oldest;
        }
    }

    /** Thrown when a revision is asked for that is not there yet. */
    public static final class FutureException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final long newest;

        FutureException(long newest) {
            super("future revision", null, false, false);
            this.newest = newest;
        }

        /** The newest revision. */
        public long newest() {
            return newest;
        }
    }

    private static final class Shelf {
        final TreeMap<Key, Entry> entries = new TreeMap<>();
        final ArrayDeque<Event> log = new ArrayDeque<>();
        final Set<Watch> watches = new LinkedHashSet<>();
        long compacted;

        Shelf(long compacted) {
            this.compacted = compacted;
        }
    }

    /** The newest revision. */
    public long revision() {
        lock.lock();
        try {
            return revision;
        } finally {
            lock.unlock();
        }
    }

    public Optional<Entry> get(Key key) {
        lock.lock();
        try {
            return Optional.ofNullable(shelf(key.resource()).entries.get(key));
        } finally {
            lock.unlock();
        }
    }

    /** Stores a new object; empty if the key is taken. */
    public Optional<Entry> create(Key key, ObjectNode object) {
        return write(key, 0, object, Change.ADDED);
    }

    /** Replaces the object; empty if it is absent or not at {@code expected} any more. */
    public Optional<Entry> replace(Key key, long expected, ObjectNode object) {
        return write(key, expected, object, Change.MODIFIED);
    }

    /** Removes the object; empty if it is absent or not at {@code expected} any more. {@code last} is what watchers see. */
    public Optional<Entry> remove(Key key, long expected, ObjectNode last) {
        return write(key, expected, last, Change.DELETED);
    }

    private Optional<Entry> write(Key key, long expected, ObjectNode object, Change change) {
        Event event;
        Journal.@Nullable Receipt receipt = null;
        byte[] prepared = journal == null ? new byte[0] : Record.prepare(change, key, object);
        lock.lock();
        try {
            Shelf shelf = shelf(key.resource());
            Entry present = shelf.entries.get(key);
            if (change == Change.ADDED ? present != null : present == null || present.revision() != expected) {
                return Optional.empty();
            }
            if (journal != null) {
                receipt = journal.append(prepared, revision + 1);
            }
            revision++;
            object.withObject("/metadata").put("resourceVersion", Long.toString(revision));
            Entry entry = new Entry(key, revision, object);
            if (change == Change.DELETED) {
                shelf.entries.remove(key);
            } else {
                shelf.entries.put(key, entry);
            }
            event = new Event(change, entry, present, new Encodings());
            append(shelf, event);
            if (journal != null && journal.wantsSnapshot()) {
                journal.compact(everything(), revision);
            }
        } finally {
            lock.unlock();
        }
        // what follows from a write should not be later than those who watch; the answer waits for the disk
        afterWrite.accept(event);
        if (receipt != null) {
            receipt.await();
        }
        return Optional.of(event.entry());
    }

    private List<Entry> everything() {
        List<Entry> entries = new ArrayList<>();
        shelves.values().forEach(shelf -> entries.addAll(shelf.entries.values()));
        return entries;
    }

    private static void append(Shelf shelf, Event event) {
        if (shelf.log.size() == LOG_CAPACITY) {
            shelf.compacted = shelf.log.removeFirst().entry().revision();
        }
        shelf.log.addLast(event);
        for (Watch watch : shelf.watches) {
            watch.offer(event);
        }
    }

    /**
     * Lists a resource as it was at a revision.
     *
     * @param namespace null for all
     * @param at 0 for now
     * @throws FutureException if the store has not come to {@code at} yet
     */
    public Listing list(String resource, @Nullable String namespace, long at) throws CompactedException {
        lock.lock();
        try {
            Shelf shelf = shelf(resource);
            requireReached(at);
            if (at == 0 || at == revision) {
                return new Listing(revision, select(shelf.entries, namespace));
            }
            requireKept(shelf, at);
            TreeMap<Key, Entry> entries = new TreeMap<>(shelf.entries);
            var backwards = shelf.log.descendingIterator();
            while (backwards.hasNext()) {
                Event event = backwards.next();
                if (event.entry().revision() <= at) {
                    break;
                }
                if (event.previous() == null) {
                    entries.remove(event.entry().key());
                } else {
                    entries.put(event.entry().key(), event.previous());
                }
            }
            return new Listing(at, select(entries, namespace));
        } finally {
            lock.unlock();
        }
    }

    /** Lists a resource as it is now. */
    public Listing list(String resource) {
        lock.lock();
        try {
            return new Listing(revision, select(shelf(resource).entries, null));
        } finally {
            lock.unlock();
        }
    }

    private static List<Entry> select(TreeMap<Key, Entry> entries, @Nullable String namespace) {
        if (namespace == null) {
            return List.copyOf(entries.values());
        }
        List<Entry> selected = new ArrayList<>();
        for (Entry entry : entries.tailMap(new Key("", namespace, "")).values()) {
            if (!entry.key().namespace().equals(namespace)) {
                break;
            }
            selected.add(entry);
        }
        return selected;
    }

    private void requireReached(long at) {
        if (at > revision) {
            throw new FutureException(revision);
        }
    }

    private void requireKept(Shelf shelf, long at) throws CompactedException {
        if (at < shelf.compacted) {
            throw new CompactedException(shelf.compacted);
        }
        if (at > skippedAfter && at < skippedUntil) {
            throw new CompactedException(skippedUntil);
        }
    }

    /** @throws FutureException if the store has not come to {@code at} yet */
    public void requireRevision(long at) {
        lock.lock();
        try {
            requireReached(at);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Every event after {@code since}, in order, without a gap; close it when done.
     *
     * @throws FutureException if the store has not come to {@code since} yet
     */
    public Watch watch(String resource, @Nullable String namespace, long since) throws CompactedException {
        lock.lock();
        try {
            Shelf shelf = shelf(resource);
            requireReached(since);
            requireKept(shelf, since);
            Watch watch = new Watch(namespace, since, this::revision, closing -> unregister(shelf, closing));
            for (Event event : shelf.log) {
                if (event.entry().revision() > since) {
                    watch.offer(event);
                }
            }
            shelf.watches.add(watch);
            return watch;
        } finally {
            lock.unlock();
        }
    }

    private void unregister(Shelf shelf, Watch watch) {
        lock.lock();
        try {
            shelf.watches.remove(watch);
        } finally {
            lock.unlock();
        }
    }

    private Shelf shelf(String resource) {
        return shelves.computeIfAbsent(resource, _ -> new Shelf(oldest));
    }

    /** Ends every watch of every resource. */
    public void cutWatches() {
        List<Watch> ended = new ArrayList<>();
        lock.lock();
        try {
            shelves.values().forEach(shelf -> ended.addAll(shelf.watches));
        } finally {
            lock.unlock();
        }
        ended.forEach(Watch::close);
    }

    /** Drops the event logs: lists and watches can start from now on only. Watches that are open go on. */
    public void compact() {
        lock.lock();
        try {
            forgetBefore(revision);
        } finally {
            lock.unlock();
        }
    }

    private void forgetBefore(long start) {
        oldest = start;
        shelves.values().forEach(shelf -> {
            shelf.log.clear();
            shelf.compacted = start;
        });
    }

    /** Drops a resource's history, as when its definition is deleted; watches of it end. */
    public void forget(String resource) {
        List<Watch> ended;
        lock.lock();
        try {
            Shelf shelf = shelf(resource);
            ended = List.copyOf(shelf.watches);
        } finally {
            lock.unlock();
        }
        ended.forEach(Watch::close);
    }

    /** Ends the journal properly, if there is one; writes are refused from then on. */
    @Override
    public void close() {
        if (journal == null) {
            return;
        }
        lock.lock();
        try {
            journal.close(revision);
        } catch (IOException failure) {
            LOGGER.warn("the store was not closed cleanly", failure);
        } finally {
            lock.unlock();
        }
    }
}
