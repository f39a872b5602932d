package dev.weir.apiserver;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Locale;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A connection on which a test says exactly what it likes. */
final class RawSocket implements AutoCloseable {
    static final String AUTHORIZED = "Host: x\r\nAuthorization: Bearer " + TestServers.TOKEN + "\r\n";

    private final SSLSocket socket;

    /** An answer; {@code head} ends with an empty line. */
    record Answer(int code, String head, String body) {}

    RawSocket(ApiServer server) throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", server.authority().certificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        socket = (SSLSocket)
                tls.getSocketFactory().createSocket("127.0.0.1", server.url().getPort());
        socket.setSoTimeout(30_000);
        socket.startHandshake();
    }

    RawSocket send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.UTF_8));
    }

    RawSocket send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        return this;
    }

    /** A request with a body. */
    Answer exchange(String method, String path, String type, byte[] body) throws IOException {
        send(method + " " + path + " HTTP/1.1\r\n" + AUTHORIZED + "Content-Type: " + type + "\r\nContent-Length: "
                + body.length + "\r\n\r\n");
        send(body);
        return answer();
    }

    InputStream in() throws IOException {
        return socket.getInputStream();
    }

    /** The next answer; one of known length. */
    Answer answer() throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in().read();
            if (next < 0) {
                throw new EOFException("after: " + head);
            }
            head.append((char) next);
        }
        int length = 0;
        for (String line : head.toString().split("\r\n")) {
            if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(line.substring(line.indexOf(':') + 1).strip());
            }
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.write(in().readNBytes(length));
        return new Answer(
                Integer.parseInt(head.substring(9, 12)), head.toString(), body.toString(StandardCharsets.UTF_8));
    }

    /** True if the server has cut the connection, for one that does not read what comes. */
    boolean isCut() {
        try {
            // an empty line before a request means nothing
            send("\r\n");
            return false;
        } catch (IOException cut) {
            return true;
        }
    }

    /** True if the server ends the connection before the socket's patience is over. */
    boolean ends() {
        try {
            while (in().read() >= 0) {
                // what is still on the way
            }
            return true;
        } catch (java.net.SocketTimeoutException open) {
            return false;
        } catch (IOException cut) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
