package dev.weir.apiserver.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder that keeps every write of a {@link VersionedStore}: logs, and snapshots that stand for the logs before them.
 *
 * <p>{@code snapshot-N} is the state at the start of {@code log-N}; logs have consecutive numbers. Each opening and each
 * compaction begins a new log, so that only the last one can end within a record. A snapshot gets its name when all of
 * it is on the disk; what it stands for is deleted after that.
 */
public final class Journal implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Journal.class);
    private static final Pattern NAME = Pattern.compile("(log|snapshot)-(\\d{8})");
    /** After an unclean end: more than can have been given and not kept. */
    private static final long SKIPPED_REVISIONS = 1000;

    private final Path folder;
    private final long compactAtBytes;
    private final FileChannel lock;
    private final ExecutorService background = Executors.newSingleThreadExecutor(
            Thread.ofVirtual().name("store-snapshot").factory());
    private final Restored restored;
    private JournalFile log;
    private int number;
    /** Bytes of the logs before this one that no snapshot stands for yet. */
    private volatile long before;
    /** Bytes at which the next snapshot is due; out of reach while one is being written. */
    private volatile long due;

    /**
     * What a folder held.
     *
     * @param entries the objects of the snapshot
     * @param base the revision of the snapshot; nothing can be watched from an earlier one
     * @param writes what was written since, in order; a {@code Start} among them marks revisions that were left out
     * @param last the newest revision that was kept
     * @param revision the newest revision from now on; greater than {@code last} after an unclean end
     */
    record Restored(List<VersionedStore.Entry> entries, long base, List<Record> writes, long last, long revision) {}

    private Journal(Path folder, long compactAtBytes, FileChannel lock, Contents contents) throws IOException {
        this.folder = folder;
        this.compactAtBytes = compactAtBytes;
        this.lock = lock;
        this.number = contents.next;
        this.before = contents.logBytes;
        this.due = compactAtBytes;
        long revision = contents.clean ? contents.revision : contents.revision + SKIPPED_REVISIONS;
        this.restored = new Restored(contents.entries, contents.base, contents.writes, contents.revision, revision);
        this.log = begin(revision, !contents.clean);
    }

    /**
     * Opens a folder, makes it if it is absent.
     *
     * @param compactAtBytes how long logs may get before a snapshot takes their place
     * @throws StoreDamagedException if what is there cannot be trusted
     * @throws IOException if the folder is in use or cannot be written
     */
    public static Journal open(Path folder, long compactAtBytes) throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createDirectories(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } else {
            Files.createDirectories(folder);
        }
        FileChannel lock =
                FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock taken = lock.tryLock();
            if (taken == null) {
                throw new IOException(folder + " is in use by another process");
            }
            return new Journal(folder, compactAtBytes, lock, Contents.of(folder));
        } catch (OverlappingFileLockException inThisProcess) {
            lock.close();
            throw new IOException(folder + " is in use by this process", inThisProcess);
        } catch (IOException | RuntimeException failure) {
            lock.close();
            throw failure;
        }
    }

    /** The files of a folder, read. */
    private static final class Contents {
        private final Path folder;
        private final TreeMap<Integer, Path> logs = new TreeMap<>();
        private final TreeMap<Integer, Path> snapshots = new TreeMap<>();
        final List<VersionedStore.Entry> entries = new ArrayList<>();
        final List<Record> writes = new ArrayList<>();
        long base;
        long revision = VersionedStore.FIRST_REVISION;
        boolean clean = true;
        int next = 1;
        long logBytes;

        private Contents(Path folder) {
            this.folder = folder;
        }

        static Contents of(Path folder) throws IOException {
            Contents contents = new Contents(folder);
            contents.list();
            int first = contents.readSnapshot();
            contents.readLogs(first);
            return contents;
        }

        private void list() throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    String name = file.getFileName().toString();
                    Matcher matcher = NAME.matcher(name);
                    if (matcher.matches()) {
                        (matcher.group(1).equals("log") ? logs : snapshots)
                                .put(Integer.parseInt(matcher.group(2)), file);
                    } else if (name.endsWith(".tmp")) {
                        Files.delete(file);
                    }
                }
            }
        }

        /** @return the number of the first log to read */
        private int readSnapshot() throws IOException {
            if (snapshots.isEmpty()) {
                return 1;
            }
            Path file = snapshots.lastEntry().getValue();
            JournalFile.Found found = JournalFile.read(file, false, record -> {
                switch (record) {
                    case Record.Start start -> base = start.revision();
                    case Record.Write write ->
                        entries.add(new VersionedStore.Entry(write.key(), write.revision(), write.object()));
                    case Record.End _ -> {}
                }
            });
            if (found.ending() != JournalFile.Ending.FINISHED) {
                throw new StoreDamagedException(file, found.good(), "it is not whole");
            }
            revision = base;
            return snapshots.lastKey();
        }

        private void readLogs(int first) throws IOException {
            next = first;
            if (!logs.isEmpty() && logs.lastKey() < first) {
                throw new StoreDamagedException(folder, "the log behind " + name("snapshot", first) + " is missing");
            }
            for (Path file : logs.tailMap(first).values()) {
                if (!file.equals(logs.get(next))) {
                    throw new StoreDamagedException(folder, name("log", next) + " is missing");
                }
                boolean last = next == logs.lastKey();
                int wasAt = writes.size();
                JournalFile.Found found = JournalFile.read(file, last, writes::add);
                logBytes += found.good();
                follow(file, writes.subList(wasAt, writes.size()));
                if (found.ending() == JournalFile.Ending.TORN) {
                    LOGGER.warn("{} ends within a write that nobody was told of; it is dropped", file);
                    truncate(file, found.good());
                }
                clean = found.ending() == JournalFile.Ending.FINISHED;
                next++;
            }
            if (logs.isEmpty() && !snapshots.isEmpty()) {
                throw new StoreDamagedException(folder, name("log", first) + " is missing");
            }
        }

        /** Every revision must follow the one before: what is missing would show as a leap. */
        private void follow(Path file, List<Record> records) throws IOException {
            for (Record record : records) {
                long found = switch (record) {
                    case Record.Start start
                    when start.skipped() && start.revision() >= revision -> revision = start.revision();
                    case Record.Start start -> start.revision();
                    case Record.Write write -> {
                        revision++;
                        yield write.revision();
                    }
                    case Record.End end -> end.revision();
                };
                if (found != revision) {
                    throw new StoreDamagedException(
                            folder, file.getFileName() + " has revision " + found + " where " + revision + " is due");
                }
            }
            records.removeIf(
                    record -> record instanceof Record.End || record instanceof Record.Start start && !start.skipped());
        }

        private static void truncate(Path file, long size) throws IOException {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(size);
                channel.force(true);
            }
        }
    }

    private static String name(String what, int number) {
        return "%s-%08d".formatted(what, number);
    }

    private JournalFile begin(long revision, boolean skipped) throws IOException {
        JournalFile file = JournalFile.create(folder.resolve(name("log", number)));
        file.sync(file.append(Record.mark(new Record.Start(revision, skipped))));
        syncFolder();
        return file;
    }

    /** Names of files are kept by their folder, which needs to reach the disk as well. */
    private void syncFolder() throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    Restored restored() {
        return restored;
    }

    /** Proof of a write, to be redeemed when others may write again. */
    record Receipt(JournalFile file, long position) {
        /** Returns when the write is on the disk. */
        void await() {
            try {
                file.sync(position);
            } catch (IOException failure) {
                throw new StoreFailedException(failure);
            }
        }
    }

    /** Writes are handed in one at a time, in the order of their revisions. */
    Receipt append(byte[] prepared, long revision) {
        try {
            return new Receipt(log, log.append(Record.framed(prepared, revision)));
        } catch (IOException failure) {
            throw new StoreFailedException(failure);
        }
    }

    /** True if the logs have become long enough for a snapshot. To be asked under the writers' lock. */
    boolean wantsSnapshot() {
        return before + log.size() > due;
    }

    /** Begins a new log, under the writers' lock; a snapshot of the state at this moment is written behind the scenes. */
    void compact(List<VersionedStore.Entry> entries, long revision) {
        JournalFile full = log;
        try {
            finish(revision);
            number++;
            log = begin(revision, false);
            full.close();
        } catch (IOException failure) {
            postpone(failure);
            return;
        }
        before += full.size();
        due = Long.MAX_VALUE;
        int at = number;
        background.execute(() -> snapshot(at, entries, revision));
    }

    private void postpone(IOException failure) {
        LOGGER.warn("{}: no snapshot can be written; the logs go on", folder, failure);
        due = before + log.size() + compactAtBytes;
    }

    private void finish(long revision) throws IOException {
        log.sync(log.append(Record.mark(new Record.End(revision))));
    }

    private void snapshot(int at, List<VersionedStore.Entry> entries, long revision) {
        Path unfinished = folder.resolve(name("snapshot", at) + ".tmp");
        try {
            try (JournalFile file = JournalFile.create(unfinished)) {
                file.append(Record.mark(new Record.Start(revision, false)));
                for (VersionedStore.Entry entry : entries) {
                    byte[] prepared = Record.prepare(VersionedStore.Change.ADDED, entry.key(), entry.object());
                    file.append(Record.framed(prepared, entry.revision()));
                }
                file.sync(file.append(Record.mark(new Record.End(revision))));
            }
            Files.move(unfinished, folder.resolve(name("snapshot", at)), StandardCopyOption.ATOMIC_MOVE);
            syncFolder();
            before = 0;
            due = compactAtBytes;
            forgetBefore(at);
        } catch (IOException failure) {
            postpone(failure);
        }
    }

    private void forgetBefore(int at) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Matcher matcher = NAME.matcher(file.getFileName().toString());
                if (matcher.matches() && Integer.parseInt(matcher.group(2)) < at) {
                    Files.delete(file);
                }
            }
        }
    }

    /** Ends the log properly; what is written later is refused. To be called under the writers' lock. */
    void close(long revision) throws IOException {
        try {
            finish(revision);
        } finally {
            close();
        }
    }

    /** Lets go of the folder without a proper end, as when the process had died; waits for a snapshot that is under way. */
    @Override
    public void close() throws IOException {
        background.shutdown();
        try {
            background.awaitTermination(30, TimeUnit.SECONDS);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        log.close();
        lock.close();
    }
}
