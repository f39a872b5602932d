package dev.weir.e2e;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** One TCP connection that speaks HTTP/1.1 and never sends a request twice, so that its counts can be trusted. */
final class RawConnection implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 20_000;

    private final Socket socket = new Socket();
    private final InputStream in;
    private boolean closing;

    /** @throws IOException if nobody listens */
    RawConnection(InetSocketAddress server) throws IOException {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.connect(server, TIMEOUT_MILLIS);
        in = new BufferedInputStream(socket.getInputStream());
    }

    /** What a server said; {@code version} is empty without an {@code app-version} header. */
    record Answer(int status, String version) {}

    /** True once the server has said that this connection takes no further request. */
    boolean closing() {
        return closing;
    }

    /** Sends one request, with a body if it is not empty, and reads the whole answer. */
    Answer send(String host, String target, String body) throws IOException {
        return send(host, target, body, "");
    }

    /** @param extra a further header's whole line; empty for none */
    Answer send(String host, String target, String body, String extra) throws IOException {
        String method = body.isEmpty() ? "GET" : "POST";
        String head = method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n"
                + (body.isEmpty() ? "" : "Content-Type: text/plain\r\nContent-Length: " + body.length() + "\r\n")
                + (extra.isEmpty() ? "" : extra + "\r\n")
                + "\r\n";
        socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
        int status = Integer.parseInt(line().split(" ")[1]);
        String version = "";
        long length = -1;
        boolean chunked = false;
        for (String header = line(); !header.isEmpty(); header = line()) {
            String[] sides = header.split(": *", 2);
            switch (sides[0].toLowerCase(Locale.ROOT)) {
                case "app-version" -> version = sides[1];
                case "content-length" -> length = Long.parseLong(sides[1]);
                case "transfer-encoding" -> chunked = sides[1].equalsIgnoreCase("chunked");
                case "connection" -> closing = sides[1].equalsIgnoreCase("close");
                default -> {}
            }
        }
        if (chunked) {
            chunks();
        } else if (length >= 0) {
            in.skipNBytes(length);
        } else {
            in.skip(Long.MAX_VALUE);
            closing = true;
        }
        return new Answer(status, version);
    }

    private void chunks() throws IOException {
        while (true) {
            int size = Integer.parseInt(line(), 16);
            in.skipNBytes(size);
            line();
            if (size == 0) {
                return;
            }
        }
    }

    private String line() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("connection closed after \"" + text + "\"");
            }
            if (c != '\r') {
                text.append((char) c);
            }
        }
        return text.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
