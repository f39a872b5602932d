package dev.weir.local;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The output of one run of a container: a file of lines, each with the time at which it was written. */
final class ContainerLog implements AutoCloseable {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern(
                    "yyyy-MM-dd'T'HH:mm:ss.nnnnnnnnn'Z'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final int MOST_CHUNK = 1 << 20;

    private final Path file;
    private final Writer writer;
    private volatile boolean closed;

    ContainerLog(Path file) throws IOException {
        this.file = file;
        Files.createDirectories(file.getParent());
        this.writer = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    synchronized void line(String text) {
        if (closed) {
            return;
        }
        try {
            writer.write(STAMP.format(Instant.now()) + " " + text + "\n");
            writer.flush();
            notifyAll();
        } catch (IOException full) {
            closed = true;
        }
    }

    /** Whole lines, each with its time stamp in front, and the offset after them. */
    record Chunk(List<String> lines, long next) {}

    /** @throws IOException if the file is gone, with its pod */
    Reader reader() throws IOException {
        return new Reader(new RandomAccessFile(file.toFile(), "r"));
    }

    /** Reads to the end also what is removed meanwhile. For one thread. */
    final class Reader implements AutoCloseable {
        private final RandomAccessFile in;

        private Reader(RandomAccessFile in) {
            this.in = in;
        }

        /** The lines from a byte offset on, about a megabyte at most; empty at the end. */
        Chunk read(long from) throws IOException {
            synchronized (ContainerLog.this) {
                for (long most = MOST_CHUNK; ; most *= 2) {
                    in.seek(from);
                    byte[] bytes = new byte[(int) Math.min(Math.min(most, Integer.MAX_VALUE - 8), in.length() - from)];
                    in.readFully(bytes);
                    int end = bytes.length;
                    while (end > 0 && bytes[end - 1] != '\n') {
                        end--;
                    }
                    if (end > 0 || bytes.length < most) {
                        String text = new String(bytes, 0, end, StandardCharsets.UTF_8);
                        return new Chunk(
                                new ArrayList<>(List.of(text.isEmpty() ? new String[0] : text.split("\n"))),
                                from + end);
                    }
                }
            }
        }

        /** Waits until there is more after an offset; false when the log is closed and read to its end. */
        boolean awaitMore(long from) throws InterruptedException, IOException {
            synchronized (ContainerLog.this) {
                while (in.length() <= from) {
                    if (closed) {
                        return false;
                    }
                    ContainerLog.this.wait(5000);
                }
                return true;
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }

    /** The end of the log without time stamps: at most so many lines and characters. */
    String tail(int mostLines, int mostCharacters) {
        List<String> last = new ArrayList<>();
        try (Reader reader = reader()) {
            for (Chunk chunk = reader.read(0); !chunk.lines().isEmpty(); chunk = reader.read(chunk.next())) {
                last.addAll(chunk.lines());
                last = new ArrayList<>(last.subList(Math.max(0, last.size() - mostLines), last.size()));
            }
        } catch (IOException gone) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        last.forEach(line -> text.append(line.substring(line.indexOf(' ') + 1)).append('\n'));
        return text.substring(Math.max(0, text.length() - mostCharacters));
    }

    /** Removes the file. */
    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException kept) {
            // an empty file more is no harm
        }
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
