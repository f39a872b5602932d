package dev.weir.apiserver.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A file of records that grows at its end. {@link #append} is for one thread at a time; {@link #sync} for any.
 *
 * <p>Not a channel: those close when a thread that uses them is interrupted.
 */
final class JournalFile implements AutoCloseable {
    private final Path path;
    private final FileOutputStream out;
    private final ReentrantLock syncing = new ReentrantLock();
    private volatile long written;
    private volatile long durable;
    private volatile boolean broken;

    private JournalFile(Path path, FileOutputStream out) {
        this.path = path;
        this.out = out;
    }

    /** A new file that only its owner may read. */
    static JournalFile create(Path path) throws IOException {
        if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } else {
            Files.createFile(path);
        }
        return new JournalFile(path, new FileOutputStream(path.toFile(), true));
    }

    long size() {
        return written;
    }

    /**
     * Hands a record to the system; it outlives this process from now on.
     *
     * @return the position to {@link #sync}, so that it outlives the machine too
     */
    long append(byte[] record) throws IOException {
        if (broken) {
            throw new IOException(path + " could not be written earlier; nothing more is accepted");
        }
        try {
            out.write(record);
        } catch (IOException failure) {
            undo(failure);
            throw failure;
        }
        written += record.length;
        return written;
    }

    /** Half a record must not stay before the next one. */
    private void undo(IOException failure) {
        try (var channel = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
            channel.truncate(written);
        } catch (IOException worse) {
            broken = true;
            failure.addSuppressed(worse);
        }
    }

    /** Waits until everything up to a position is on the disk; those who wait at the same time share the work. */
    void sync(long position) throws IOException {
        if (durable >= position) {
            return;
        }
        syncing.lock();
        try {
            if (durable >= position) {
                return;
            }
            long reached = written;
            try {
                out.getFD().sync();
            } catch (IOException failure) {
                // the system may have dropped what it could not write: asking again proves nothing
                broken = true;
                throw failure;
            }
            durable = reached;
        } finally {
            syncing.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    /** How a file ended. */
    enum Ending {
        /** With its last record. */
        FINISHED,
        /** Between two records. */
        OPEN,
        /** Within a record, or with one whose checksum is wrong. */
        TORN
    }

    /**
     * What was found in a file.
     *
     * @param good how many bytes from the start are whole records
     */
    record Found(Ending ending, long good) {}

    /**
     * Reads a file's records in order.
     *
     * @param tolerant true if the last record may be torn, as it is when a machine stops within a write
     * @throws StoreDamagedException if a record is damaged and the file goes on behind it
     */
    static Found read(Path path, boolean tolerant, Consumer<Record> to) throws IOException {
        byte[] file = Files.readAllBytes(path);
        int at = 0;
        Record last = null;
        while (at < file.length) {
            int length = whole(file, at);
            if (length < 0) {
                if (!tolerant || goesOn(file, at)) {
                    throw new StoreDamagedException(path, at, "the checksum is wrong");
                }
                return new Found(Ending.TORN, at);
            }
            try {
                last = Record.parse(file, at + Record.HEAD_BYTES, length);
            } catch (IOException malformed) {
                throw new StoreDamagedException(path, at, String.valueOf(malformed.getMessage()));
            }
            to.accept(last);
            at += Record.HEAD_BYTES + length;
        }
        return new Found(last instanceof Record.End ? Ending.FINISHED : Ending.OPEN, at);
    }

    /** The length of the record at a position, -1 if there is no whole one. */
    private static int whole(byte[] file, int at) {
        if (file.length - at < Record.HEAD_BYTES) {
            return -1;
        }
        ByteBuffer head = ByteBuffer.wrap(file, at, Record.HEAD_BYTES);
        int length = head.getInt();
        int checksum = head.getInt();
        boolean sound = head.getInt() == Record.checksum(file, at, 8)
                && length > Long.BYTES
                && length <= Record.MOST_BYTES
                && length <= file.length - at - Record.HEAD_BYTES;
        return sound && Record.checksum(file, at + Record.HEAD_BYTES, length) == checksum ? length : -1;
    }

    /** True if a whole record begins anywhere behind a position: then what is there is not the torn end. */
    private static boolean goesOn(byte[] file, int at) {
        for (int next = at + 1; next <= file.length - Record.HEAD_BYTES; next++) {
            if (whole(file, next) >= 0) {
                return true;
            }
        }
        return false;
    }
}
