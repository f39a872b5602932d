package dev.weir.local;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The output of one container: a file of lines, each with the time at which it was written. */
final class ContainerLog implements AutoCloseable {
    private final Path file;
    private final Writer writer;
    private volatile boolean closed;

    ContainerLog(Path file) throws IOException {
        this.file = file;
        Files.createDirectories(file.getParent());
        this.writer = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    synchronized void line(String text) {
        try {
            writer.write(Instant.now() + " " + text + "\n");
            writer.flush();
            notifyAll();
        } catch (IOException full) {
            closed = true;
        }
    }

    /** The lines from a byte offset on, and the offset after them. */
    record Chunk(List<String> lines, long next) {}

    synchronized Chunk read(long from) throws IOException {
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            in.seek(from);
            byte[] bytes = new byte[(int) Math.min(Integer.MAX_VALUE - 8, in.length() - from)];
            in.readFully(bytes);
            List<String> lines = new ArrayList<>(
                    new String(bytes, StandardCharsets.UTF_8).lines().toList());
            return new Chunk(lines, from + bytes.length);
        }
    }

    /** Waits until there is more after an offset; false when the log is closed and read to its end. */
    synchronized boolean awaitMore(long from) throws InterruptedException, IOException {
        while (Files.size(file) <= from) {
            if (closed) {
                return false;
            }
            wait(5000);
        }
        return true;
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
        try {
            writer.close();
        } catch (IOException lost) {
            // the lines that were flushed are there
        }
    }
}
