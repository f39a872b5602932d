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
import java.util.concurrent.locks.LockSupport;

/**
 * Sends requests at a fixed rate whether or not earlier ones are answered, and times each from the moment at which it was
 * due. So a stall counts for every request that fell into it, not only for the one that it hit.
 */
final class OpenLoop {
    private static final int CONNECTIONS = 128;
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final long WAITING = -1;
    private static final long FAILED = -2;

    private final AtomicLongArray latencies;
    private final BlockingDeque<Connection> free = new LinkedBlockingDeque<>();
    private final List<Connection> all = new ArrayList<>();
    private final AtomicInteger open;

    /**
     * What came of a run.
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
    }

    private OpenLoop(int requests) {
        latencies = new AtomicLongArray(requests);
        open = new AtomicInteger(requests);
    }

    /**
     * Runs to the end; returns when everything is answered or patience is over.
     *
     * @param request sent as it is, each time; its answers must have a content length
     * @throws IOException if no connection can be opened
     */
    static Outcome run(InetSocketAddress server, byte[] request, int perSecond, Duration length)
            throws IOException, InterruptedException {
        OpenLoop loop = new OpenLoop(Math.max(1, (int) (perSecond * length.toMillis() / 1000)));
        try {
            for (int i = 0; i < CONNECTIONS; i++) {
                Connection connection = loop.new Connection(server);
                loop.all.add(connection);
                loop.free.add(connection);
                Thread.ofPlatform().daemon().name("bench-reader").start(connection::read);
            }
            loop.send(request, 1_000_000_000L / perSecond);
            return loop.outcome();
        } finally {
            loop.all.forEach(Connection::close);
        }
    }

    private void send(byte[] request, long intervalNanos) throws InterruptedException {
        long start = System.nanoTime() + intervalNanos;
        for (int i = 0; i < latencies.length(); i++) {
            latencies.set(i, WAITING);
            long due = start + i * intervalNanos;
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            free.takeFirst().send(i, due, request);
        }
    }

    private Outcome outcome() {
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

    /** One request at a time; the sender's thread writes, a thread of its own reads. */
    private final class Connection {
        private final Socket socket = new Socket();
        private volatile int current = -1;
        private volatile long dueNanos;

        Connection(InetSocketAddress server) throws IOException {
            socket.setTcpNoDelay(true);
            socket.connect(server);
        }

        void send(int index, long due, byte[] request) {
            dueNanos = due;
            current = index;
            try {
                socket.getOutputStream().write(request);
            } catch (IOException broken) {
                done(FAILED);
            }
        }

        private void done(long latency) {
            int index = current;
            if (index >= 0) {
                current = -1;
                latencies.set(index, latency);
                open.decrementAndGet();
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
                        done(head.indexOf("HTTP/1.1 200") == 0 ? System.nanoTime() - dueNanos : FAILED);
                        head.setLength(0);
                        missing = -1;
                        free.addLast(this);
                    }
                }
            } catch (IOException closed) {
                // counted below, if a request was under way
            }
            done(FAILED);
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
