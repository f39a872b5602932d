package dev.weir.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Sends the next request on a connection as soon as the last one is answered. One thread serves all connections, so that
 * the generator takes as little of the machine as it can from what it measures. For one thread.
 */
final class ClosedLoop implements AutoCloseable {
    private static final int BUFFER = 16_384;
    private static final long SELECT_MILLIS = 100;
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final Selector selector = Selector.open();
    private final ByteBuffer request;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER);
    private final byte[] scratch = new byte[BUFFER];
    private long[] nanos = new long[1 << 16];
    private int answered;
    private int failed;

    /**
     * What came of a run, or of several together.
     *
     * @param nanos of the answers with 200, ascending
     * @param failed other answers, and connections that broke
     * @param seconds for which requests were sent
     */
    record Outcome(long[] nanos, int failed, double seconds) {
        double perSecond() {
            return nanos.length / seconds;
        }

        /** @param part from 0 to 1 */
        double millis(double part) {
            int index = (int) Math.ceil(part * nanos.length) - 1;
            return nanos.length == 0 ? Double.NaN : nanos[Math.clamp(index, 0, nanos.length - 1)] / 1e6;
        }

        static Outcome of(List<Outcome> outcomes) {
            return new Outcome(
                    outcomes.stream()
                            .flatMapToLong(outcome -> Arrays.stream(outcome.nanos()))
                            .sorted()
                            .toArray(),
                    outcomes.stream().mapToInt(Outcome::failed).sum(),
                    outcomes.stream().mapToDouble(Outcome::seconds).sum());
        }
    }

    /**
     * Opens the connections.
     *
     * @param request sent as it is, each time; its answers must have a content length
     * @throws IOException if the server does not accept
     */
    ClosedLoop(InetSocketAddress server, int connections, byte[] request) throws IOException {
        this.request = ByteBuffer.allocateDirect(request.length).put(request).flip();
        for (int i = 0; i < connections; i++) {
            SocketChannel socket = SocketChannel.open(server);
            socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            socket.configureBlocking(false);
            socket.register(selector, SelectionKey.OP_READ, new Connection(socket));
        }
    }

    /** Sends for some time; what is under way at the end is waited for and not counted. */
    Outcome run(Duration length) throws IOException {
        answered = 0;
        failed = 0;
        long start = System.nanoTime();
        long end = start + length.toNanos();
        for (SelectionKey key : selector.keys()) {
            ((Connection) key.attachment()).send();
        }
        int open = selector.keys().size();
        while (open > 0) {
            if (selector.select(SELECT_MILLIS) == 0 && System.nanoTime() - end > PATIENCE_NANOS) {
                throw new IOException(open + " requests were not answered");
            }
            for (SelectionKey key : selector.selectedKeys()) {
                Connection connection = (Connection) key.attachment();
                if (!connection.read()) {
                    continue;
                }
                if (System.nanoTime() < end) {
                    connection.count();
                    connection.send();
                } else {
                    open--;
                }
            }
            selector.selectedKeys().clear();
        }
        long[] sorted = Arrays.copyOf(nanos, answered);
        Arrays.sort(sorted);
        return new Outcome(sorted, failed, (System.nanoTime() - start) / 1e9);
    }

    @Override
    public void close() throws IOException {
        for (SelectionKey key : List.copyOf(selector.keys())) {
            key.channel().close();
        }
        selector.close();
    }

    /** One request at a time. */
    private final class Connection {
        private final SocketChannel socket;
        private final StringBuilder head = new StringBuilder();
        private long sent;
        private long missing = -1;
        private boolean good;

        Connection(SocketChannel socket) {
            this.socket = socket;
        }

        void send() throws IOException {
            sent = System.nanoTime();
            ByteBuffer bytes = request.duplicate();
            while (bytes.hasRemaining()) {
                socket.write(bytes);
            }
        }

        void count() {
            if (!good) {
                failed++;
                return;
            }
            if (answered == nanos.length) {
                nanos = Arrays.copyOf(nanos, answered * 2);
            }
            nanos[answered++] = System.nanoTime() - sent;
        }

        /** True if the answer is complete. */
        boolean read() throws IOException {
            in.clear();
            int read = socket.read(in);
            if (read < 0) {
                throw new IOException("the server closed a connection after " + head);
            }
            in.flip().get(scratch, 0, read);
            int at = 0;
            while (missing < 0 && at < read) {
                head.append((char) (scratch[at++] & 0xff));
                int length = head.length();
                if (length > 3 && head.charAt(length - 1) == '\n' && head.charAt(length - 3) == '\n') {
                    good = head.indexOf("HTTP/1.1 200") == 0;
                    missing = bodyLength(head);
                }
            }
            missing -= missing < 0 ? 0 : read - at;
            if (missing != 0) {
                return false;
            }
            head.setLength(0);
            missing = -1;
            return true;
        }

        private static long bodyLength(StringBuilder head) {
            String text = head.toString().toLowerCase(Locale.ROOT);
            int at = text.indexOf("content-length:");
            return at < 0
                    ? 0
                    : Long.parseLong(
                            text.substring(at + 15, text.indexOf("\r", at)).strip());
        }
    }

    static byte[] get(String path, String host) {
        return ("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: weir-bench\r\nAccept: */*\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }
}
