package dev.weir.bench;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests at a fixed rate whether or not earlier ones are answered, and times each from the moment at which it was
 * due. So a stall counts for every request that fell into it, not only for the one that it hit.
 */
final class OpenLoop implements AutoCloseable {
    private static final int CONNECTIONS = 128;
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final long WAITING = -1;
    private static final long FAILED = -2;

    private final BlockingDeque<Connection> free = new LinkedBlockingDeque<>();
    private final List<Connection> all = new ArrayList<>();

    /**
     * What came of a run, or of several together.
     *
     * @param nanos of the answered requests, ascending
     * @param failed those without a 200
     */
    record Outcome(long[] nanos, int failed) {
        /** @param part from 0 to 1 */
        double millis(double part) {
            int index = (int) Math.ceil(part * nanos.length) - 1;
            return nanos.length == 0 ? Double.NaN : nanos[Math.clamp(index, 0, nanos.length - 1)] / 1e6;
        }

        static Outcome of(List<Outcome> outcomes) {
            long[] nanos = outcomes.stream()
                    .flatMapToLong(outcome -> Arrays.stream(outcome.nanos()))
                    .sorted()
                    .toArray();
            return new Outcome(
                    nanos, outcomes.stream().mapToInt(Outcome::failed).sum());
        }
    }

    private OpenLoop(InetSocketAddress server) throws IOException {
        for (int i = 0; i < CONNECTIONS; i++) {
            Connection connection = new Connection(server);
            all.add(connection);
            free.add(connection);
            Thread.ofPlatform().daemon().name("bench-reader").start(connection::read);
        }
    }

    /**
     * Opens the connections that requests are sent on, each one at a time.
     *
     * @throws IOException if the server does not accept
     */
    static OpenLoop connect(InetSocketAddress server) throws IOException {
        return new OpenLoop(server);
    }

    /**
     * Sends requests for some time; returns when everything is answered or patience is over.
     *
     * @param request sent as it is, each time; its answers must have a content length
     */
    Outcome run(byte[] request, int perSecond, Duration length) throws InterruptedException {
        Run run = new Run(Math.max(1, (int) (perSecond * length.toMillis() / 1000)));
        long intervalNanos = 1_000_000_000L / perSecond;
        long start = System.nanoTime() + intervalNanos;
        for (int i = 0; i < run.latencies.length(); i++) {
            long due = start + i * intervalNanos;
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            free.takeFirst().send(new Pending(run, i, due), request);
        }
        return run.outcome();
    }

    private record Pending(Run run, int index, long dueNanos) {}

    private static final class Run {
        private final AtomicLongArray latencies;
        private final AtomicInteger open;

        Run(int requests) {
            latencies = new AtomicLongArray(requests);
            open = new AtomicInteger(requests);
            for (int i = 0; i < requests; i++) {
                latencies.set(i, WAITING);
            }
        }

        Outcome outcome() {
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (open.get() > 0 && System.nanoTime() < end) {
                LockSupport.parkNanos(1_000_000);
            }
            long[] answered = new long[latencies.length()];
            int count = 0;
            for (int i = 0; i < answered.length; i++) {
                if (latencies.get(i) >= 0) {
                    answered[count++] = latencies.get(i);
                }
            }
            long[] sorted = Arrays.copyOf(answered, count);
            Arrays.sort(sorted);
            return new Outcome(sorted, answered.length - count);
        }
    }

    @Override
    public void close() {
        all.forEach(Connection::close);
    }

    /** One request at a time; the sender's thread writes, a thread of its own reads. */
    private final class Connection {
        private final Socket socket = new Socket();
        private final AtomicReference<@Nullable Pending> pending = new AtomicReference<>();

        Connection(InetSocketAddress server) throws IOException {
            socket.setTcpNoDelay(true);
            socket.connect(server);
        }

        void send(Pending next, byte[] request) {
            pending.set(next);
            try {
                socket.getOutputStream().write(request);
            } catch (IOException broken) {
                done(false);
            }
        }

        private void done(boolean good) {
            long now = System.nanoTime();
            Pending answered = pending.getAndSet(null);
            if (answered != null) {
                answered.run().latencies.set(answered.index(), good ? now - answered.dueNanos() : FAILED);
                answered.run().open.decrementAndGet();
            }
        }

        void read() {
            try {
                InputStream in = socket.getInputStream();
                StringBuilder head = new StringBuilder();
                byte[] buffer = new byte[16_384];
                long missing = -1;
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    int at = 0;
                    while (missing < 0 && at < read) {
                        head.append((char) buffer[at++]);
                        missing = ended(head) ? bodyLength(head) : -1;
                    }
                    missing -= missing < 0 ? 0 : read - at;
                    if (missing == 0) {
                        done(head.indexOf("HTTP/1.1 200") == 0);
                        head.setLength(0);
                        missing = -1;
                        free.addLast(this);
                    }
                }
            } catch (IOException closed) {
                // counted below, if a request was under way
            }
            done(false);
        }

        private static boolean ended(StringBuilder head) {
            int length = head.length();
            return length > 3 && head.charAt(length - 1) == '\n' && head.charAt(length - 3) == '\n';
        }

        private static long bodyLength(CharSequence head) {
            for (String line : head.toString().split("\r\n", -1)) {
                if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                    return Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
                }
            }
            return 0;
        }

        void close() {
            try {
                socket.close();
            } catch (IOException failure) {
                throw new java.io.UncheckedIOException(failure);
            }
        }
    }

    static byte[] get(String path, String host) {
        return ("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: weir-bench\r\nAccept: */*\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }
}
