package dev.weir.local;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client wants of a log.
 *
 * @param previous the run before the present one
 * @param tail at most so many of the last lines; empty for all
 * @param since only lines written at or after
 * @param mostBytes where to cut the answer; empty for nowhere
 */
record LogRequest(
        boolean follow,
        boolean previous,
        boolean timestamps,
        Optional<Integer> tail,
        Instant since,
        Optional<Long> mostBytes) {

    /** Where the lines go. */
    interface Sink {
        /** Takes text; false once nobody reads it any more. Waits while the reader is slow. */
        boolean write(String text) throws InterruptedException;
    }

    /** @throws IllegalArgumentException if a value is not as it should be; the message names it */
    static LogRequest of(Map<String, List<String>> query, Instant now) {
        String seconds = first(query, "sinceSeconds");
        String time = first(query, "sinceTime");
        Instant since = Instant.EPOCH;
        try {
            if (!seconds.isEmpty()) {
                since = now.minus(Duration.ofSeconds(number("sinceSeconds", seconds)));
            } else if (!time.isEmpty()) {
                since = java.time.OffsetDateTime.parse(time).toInstant();
            }
        } catch (DateTimeException malformed) {
            throw new IllegalArgumentException("sinceTime: '" + time + "' is not a time", malformed);
        }
        String tail = first(query, "tailLines");
        String limit = first(query, "limitBytes");
        return new LogRequest(
                first(query, "follow").equals("true"),
                first(query, "previous").equals("true"),
                first(query, "timestamps").equals("true"),
                tail.isEmpty()
                        ? Optional.empty()
                        : Optional.of((int) Math.min(Integer.MAX_VALUE, number("tailLines", tail))),
                since,
                limit.isEmpty() ? Optional.empty() : Optional.of(number("limitBytes", limit)));
    }

    private static String first(Map<String, List<String>> query, String name) {
        return query.getOrDefault(name, List.of("")).getFirst();
    }

    private static long number(String name, String text) {
        if (!text.matches("\\d{1,18}")) {
            throw new IllegalArgumentException(name + ": '" + text + "' is not a number of 0 or more");
        }
        return Long.parseLong(text);
    }

    /** Sends what is wanted of a log; with {@code follow}, until the run has ended or nobody reads. */
    void send(ContainerLog log, Sink sink) throws IOException, InterruptedException {
        try (ContainerLog.Reader reader = log.reader()) {
            send(reader, sink);
        }
    }

    private void send(ContainerLog.Reader log, Sink sink) throws IOException, InterruptedException {
        long left = mostBytes.orElse(Long.MAX_VALUE);
        long next = tail.isPresent() ? 0 : -1;
        if (tail.isPresent()) {
            Deque<String> last = new ArrayDeque<>();
            for (ContainerLog.Chunk chunk = log.read(0); ; chunk = log.read(next)) {
                next = chunk.next();
                for (String line : chunk.lines()) {
                    if (wanted(line)) {
                        last.addLast(line);
                    }
                    if (last.size() > tail.get()) {
                        last.removeFirst();
                    }
                }
                if (chunk.lines().isEmpty()) {
                    break;
                }
            }
            left = write(List.copyOf(last), left, sink);
        }
        next = Math.max(0, next);
        while (left > 0) {
            ContainerLog.Chunk chunk = log.read(next);
            next = chunk.next();
            left = write(chunk.lines().stream().filter(this::wanted).toList(), left, sink);
            if (chunk.lines().isEmpty() && (!follow || !log.awaitMore(next))) {
                return;
            }
        }
    }

    private boolean wanted(String line) {
        return !stamp(line).isBefore(since);
    }

    private static Instant stamp(String line) {
        return Instant.parse(line.substring(0, line.indexOf(' ')));
    }

    /** How many bytes may still go; 0 once nobody reads. */
    private long write(List<String> lines, long left, Sink sink) throws InterruptedException {
        if (lines.isEmpty()) {
            return sink.write("") ? left : 0;
        }
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            text.append(timestamps ? line : line.substring(line.indexOf(' ') + 1))
                    .append('\n');
        }
        byte[] bytes = text.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
        if (bytes.length > left) {
            sink.write(new String(bytes, 0, (int) left, java.nio.charset.StandardCharsets.UTF_8));
            return 0;
        }
        return sink.write(text.toString()) ? left - bytes.length : 0;
    }
}
