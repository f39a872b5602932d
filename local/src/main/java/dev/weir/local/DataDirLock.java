package dev.weir.local;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Keeps a second local mode out of a data directory; the system gives it back when the process ends, however it ends. */
final class DataDirLock implements AutoCloseable {
    private final FileChannel channel;

    private DataDirLock(FileChannel channel) {
        this.channel = channel;
    }

    /** @throws IOException if another local mode uses the directory; the message names it */
    static DataDirLock take(Path dataDir) throws IOException {
        FileChannel channel =
                FileChannel.open(dataDir.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        @Nullable FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException inThisProcess) {
            // the same answer as for another process
        }
        if (lock == null) {
            channel.close();
            throw new IOException("local mode already runs in " + dataDir.toAbsolutePath());
        }
        return new DataDirLock(channel);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
