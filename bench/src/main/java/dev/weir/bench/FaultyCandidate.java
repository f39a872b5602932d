package dev.weir.bench;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** A server that behaves badly in one way, as a process of its own: what a mirrored candidate may do to its callers. */
public final class FaultyCandidate {
    private static final long SLOW_MILLIS = 2000;
    private static final byte[] ANSWER =
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".getBytes(StandardCharsets.US_ASCII);

    /** The ways. */
    enum Kind {
        /** Takes requests and never answers. */
        HANG,
        /** Refuses every connection after the first, which is the one that finds it ready. */
        REFUSE,
        /** Answers after two seconds. */
        SLOW,
        /** Answers at once: not faulty, for comparison. */
        ANSWER,
        /** Answers at once and is never sent anything: what pairs differ by although nothing differs. */
        NONE;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private FaultyCandidate() {}

    /**
     * Serves at the address that HOST and PORT in the environment say, until the process is ended.
     *
     * @param args the kind, in lower case
     * @throws IOException if the address cannot be bound
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        Kind kind = Kind.valueOf(args[0].toUpperCase(Locale.ROOT));
        String host = System.getenv().getOrDefault("HOST", "127.0.0.1");
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "0"));
        try (ServerSocket server = new ServerSocket()) {
            server.bind(new InetSocketAddress(InetAddress.getByName(host), port), 1024);
            if (kind == Kind.REFUSE) {
                server.accept().close();
            } else {
                serve(server, kind);
            }
        }
        Thread.currentThread().join();
    }

    private static void serve(ServerSocket server, Kind kind) throws IOException {
        while (true) {
            Socket connection = server.accept();
            connection.setTcpNoDelay(true);
            Thread.startVirtualThread(() -> {
                try (connection) {
                    serve(connection, kind);
                } catch (IOException gone) {
                    // the caller gave up
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                }
            });
        }
    }

    /** Requests have no body, so each ends with an empty line. */
    private static void serve(Socket connection, Kind kind) throws IOException, InterruptedException {
        InputStream in = connection.getInputStream();
        byte[] buffer = new byte[8192];
        int newlines = 0;
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
            for (int i = 0; i < read; i++) {
                newlines = buffer[i] == '\n' ? newlines + 1 : buffer[i] == '\r' ? newlines : 0;
                if (newlines == 2 && kind != Kind.HANG) {
                    if (kind == Kind.SLOW) {
                        TimeUnit.MILLISECONDS.sleep(SLOW_MILLIS);
                    }
                    connection.getOutputStream().write(ANSWER);
                }
            }
        }
    }
}
