package dev.weir.dataplane;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A server whose every byte the test decides, to see what a proxy makes of it. */
final class Pod implements AutoCloseable {
    private final ServerSocket server;
    private final Script script;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();

    /** Answers one request whose head has been read. */
    interface Script {
        /** @return false to close the connection */
        boolean answer(Request request, InputStream in, OutputStream out) throws IOException, InterruptedException;
    }

    /** @param head as received, with its first line */
    record Request(String head) {
        String line() {
            return head.lines().findFirst().orElse("");
        }

        /** Empty if it is not there. */
        String header(String name) {
            return head.lines()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst()
                    .orElse("");
        }

        /** Reads the body. */
        byte[] body(InputStream in) throws IOException {
            if (header("transfer-encoding").equals("chunked")) {
                return chunks(in);
            }
            String length = header("content-length");
            return length.isEmpty() ? new byte[0] : in.readNBytes(Integer.parseInt(length));
        }

        private static byte[] chunks(InputStream in) throws IOException {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            for (int size = Integer.parseInt(Pod.line(in), 16); size > 0; size = Integer.parseInt(Pod.line(in), 16)) {
                body.write(in.readNBytes(size));
                Pod.line(in);
            }
            StringBuilder trailers = new StringBuilder();
            for (String line = Pod.line(in); !line.isEmpty(); line = Pod.line(in)) {
                trailers.append(line).append('\n');
            }
            body.write(trailers.toString().getBytes(StandardCharsets.ISO_8859_1));
            return body.toByteArray();
        }
    }

    private Pod(ServerSocket server, Script script) {
        this.server = server;
        this.script = script;
    }

    static Pod start(Script script) {
        try {
            Pod pod = new Pod(new ServerSocket(0, 1024, InetAddress.getByName("127.0.0.1")), script);
            Thread.startVirtualThread(pod::accept);
            return pod;
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** Answers everything with 200 and a text. */
    static Pod saying(String text) {
        return start((request, in, out) -> {
            request.body(in);
            out.write(ok(text));
            return true;
        });
    }

    /** Answers with what it got as a body. */
    static Pod echo() {
        return start((request, in, out) -> {
            out.write(ok(new String(request.body(in), StandardCharsets.ISO_8859_1)));
            return true;
        });
    }

    static byte[] ok(String text) {
        return bytes("HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\n\r\n" + text);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    int port() {
        return server.getLocalPort();
    }

    List<Request> requests() {
        return requests;
    }

    int connections() {
        return connections.get();
    }

    /** How many connections are open now. */
    int openConnections() {
        return open.size();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                connections.incrementAndGet();
                open.add(socket);
                Thread.startVirtualThread(() -> serve(socket));
            }
        } catch (IOException closed) {
            // the test is over
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            for (String head = head(in); !head.isEmpty(); head = head(in)) {
                Request request = new Request(head);
                requests.add(request);
                if (!script.answer(request, in, socket.getOutputStream())) {
                    return;
                }
            }
        } catch (IOException gone) {
            // the proxy closed
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(socket);
        }
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            head.append(line).append('\n');
        }
        return head.toString();
    }

    static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : open) {
            socket.close();
        }
    }
}
