package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The answers of docs/dataplane.md to input that means harm; {@link FramingTest} and {@link StreamingTest} have those that
 * are about where bodies end and about time. After each, the server serves on.
 */
class HostileTest {
    private static final int HEADERS = 1;
    private static final int DATA = 0;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int GOAWAY = 7;
    private static final int CONTINUATION = 9;
    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;
    private static final int ENHANCE_YOUR_CALM = 11;

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final Pod pod = Pod.echo();

    @BeforeEach
    void serve() {
        mesh.service("pod", pod.port()).route("[{route: [{destination: {host: pod}}]}]");
    }

    @AfterEach
    void servesOn() throws IOException {
        assertThat(mesh.get("/on")).startsWith("HTTP/1.1 200");
        assertThat(pod.requests().stream().map(Pod.Request::line)).noneMatch(line -> line.contains("smuggled"));
        mesh.close();
        pod.close();
    }

    /** In requests, {@code ^} stands for CR LF, {@code !} for a lone LF, {@code %} for the byte 0xff, {@code $} for a percent sign. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            a folded header becomes one line     | 200 | GET / HTTP/1.1^Host: app.default^X-Folded: a^ b^Connection: close^^
            chunk extensions are left out        | 200 | POST / HTTP/1.1^Host: app.default^Connection: close^Transfer-Encoding: chunked^^5;a=b;c="d"^hello^0;x^^
            a line end within an extension       | 400 | POST / HTTP/1.1^Host: app.default^Transfer-Encoding: chunked^^5;a!b^hello^0^^GET /smuggled HTTP/1.1^Host: app.default^^
            a chunk that is longer than it says  | 400 | POST / HTTP/1.1^Host: app.default^Transfer-Encoding: chunked^^5^helloworld^0^^GET /smuggled HTTP/1.1^Host: app.default^^
            a chunk size beyond all numbers      | 400 | POST / HTTP/1.1^Host: app.default^Transfer-Encoding: chunked^^ffffffffffffffffff^hello^0^^
            a negative chunk size                | 400 | POST / HTTP/1.1^Host: app.default^Transfer-Encoding: chunked^^-5^hello^0^^
            lines that end with LF alone         | 400 | GET / HTTP/1.1!Host: app.default!!
            bytes that are not UTF-8 in a header | 200 | GET / HTTP/1.1^Host: app.default^X-Bytes: a%b^Connection: close^^
            a control character in the path      | 400 | GET /a\u0001b HTTP/1.1^Host: app.default^^
            a NUL in the path, encoded           | 400 | GET /a$00b HTTP/1.1^Host: app.default^^
            a byte in the path that is not ASCII | 400 | GET /a%b HTTP/1.1^Host: app.default^^
            another version of HTTP              | 505 | GET / HTTP/2.0^Host: app.default^^
            a version that does not exist        | 505 | GET / HTTP/9.9^Host: app.default^^
            an upgrade to HTTP/2                 | 200 | GET / HTTP/1.1^Host: app.default^Connection: Upgrade, HTTP2-Settings, close^Upgrade: h2c^HTTP2-Settings: AAMAAABkAAQAAP__^^
            """)
    void http1(String what, int status, String request) throws IOException {
        String sent = request.replace("^", "\r\n")
                .replace('!', '\n')
                .replace('%', '\u00ff')
                .replace('$', '%');
        String answer = mesh.ask(sent);
        assertThat(answer).as(what).startsWith("HTTP/1.1 " + status);
        assertThat(answer.split("HTTP/1.1 ", -1)).as("one answer").hasSize(2);
        assertThat(pod.requests()).as("requests that went on").hasSizeLessThan(2);
        if (status == 200) {
            assertThat(pod.requests().getFirst().head())
                    .doesNotContainIgnoringCase("upgrade")
                    .doesNotContain("\r\n ");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/x/../status/200",
                "/x\\..\\status/200",
                "/%73tatus/200",
                "/./status/200",
                "/x/%2E%2e/status/200"
            })
    void noOtherSpellingPassesARouteBy(String path) throws IOException {
        mesh.route("[{match: [{uri: {prefix: /status}}], fault: {abort: {httpStatus: 418, percentage: {value: 100}}},"
                + " route: [{destination: {host: pod}}]}, {route: [{destination: {host: pod}}]}]");
        assertThat(mesh.get(path)).startsWith("HTTP/1.1 418");
        assertThat(mesh.get("http://app.default" + path)).startsWith("HTTP/1.1 418");
        assertThat(mesh.get(path.replace("tatus", "ee") + "?a=/../\\")).startsWith("HTTP/1.1 200");
        assertThat(pod.requests().getLast().line()).isEqualTo("GET /see/200?a=/../\\ HTTP/1.1");
    }

    @Test
    void manySmallHeadersAreTooMany() throws IOException {
        assertThat(mesh.get("/", "a: b\r\n".repeat(90) + "a: b")).startsWith("HTTP/1.1 200");
        assertThat(mesh.get("/", "a: b\r\n".repeat(100) + "a: b")).startsWith("HTTP/1.1 431");
        assertThat(mesh.get("/", "a: b\r\n".repeat(20_000) + "a: b")).startsWith("HTTP/1.1 431");
    }

    @Test
    void trailersHaveTheSameBoundAsHeaders() throws IOException {
        String trailers = "a: b\r\n".repeat(20_000);
        assertThat(mesh.ask("POST / HTTP/1.1\r\nHost: app.default\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailers
                        + "\r\n"))
                .startsWith("HTTP/1.1 400");
    }

    /** A connection on which the test writes its own frames. */
    private final class Frames implements AutoCloseable {
        private final Socket socket = mesh.connect();
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Frames() throws IOException {
            out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            frame(SETTINGS, 0, 0, new byte[0]);
        }

        Frames frame(int type, int flags, int stream, byte[] payload) {
            out.write(payload.length >> 16);
            out.write(payload.length >> 8);
            out.write(payload.length);
            out.write(type);
            out.write(flags);
            for (int shift = 24; shift >= 0; shift -= 8) {
                out.write(stream >> shift);
            }
            out.writeBytes(payload);
            return this;
        }

        /** Sends, and reads until the proxy ends the connection or answers a stream; its error code, or -1. */
        int send() throws IOException {
            try {
                socket.getOutputStream().write(out.toByteArray());
            } catch (IOException alreadyEnded) {
                // what it says first may still be there
            }
            InputStream in = socket.getInputStream();
            try {
                while (true) {
                    byte[] head = in.readNBytes(9);
                    if (head.length < 9) {
                        return -1;
                    }
                    byte[] payload = in.readNBytes((head[0] & 0xff) << 16 | (head[1] & 0xff) << 8 | (head[2] & 0xff));
                    if (head[3] == GOAWAY) {
                        return payload[7] & 0xff;
                    }
                    if (head[3] == RST_STREAM) {
                        return payload[3] & 0xff;
                    }
                    if (head[3] == HEADERS) {
                        return -status(payload[0]);
                    }
                }
            } catch (IOException reset) {
                return -1;
            }
        }

        /** Netty writes the status first, by its place in the static table where it is there. */
        private static int status(byte first) {
            return (first & 0xff) == 0x88 ? 200 : 400;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    /** Literals without indexing, names and values in turns. */
    private static byte[] block(String... namesAndValues) {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        for (int i = 0; i < namesAndValues.length; i++) {
            if (i % 2 == 0) {
                block.write(0);
            }
            block.write(namesAndValues[i].length());
            block.writeBytes(namesAndValues[i].getBytes(StandardCharsets.ISO_8859_1));
        }
        return block.toByteArray();
    }

    private static byte[] get(String path) {
        return block(":method", "GET", ":scheme", "http", ":authority", "app.default", ":path", path);
    }

    @Test
    void streamsThatAreResetAsSoonAsTheyAreOpenedEndTheConnection() throws IOException {
        try (Frames frames = new Frames()) {
            for (int i = 0; i < 500; i++) {
                frames.frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, get("/reset"));
                frames.frame(RST_STREAM, 0, 1 + 2 * i, new byte[] {0, 0, 0, 8});
            }
            assertThat(frames.send()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void headersInCountlessPiecesEndTheConnection() throws IOException {
        try (Frames frames = new Frames()) {
            frames.frame(HEADERS, END_STREAM, 1, get("/"));
            for (int i = 0; i < 2000; i++) {
                frames.frame(CONTINUATION, 0, 1, new byte[0]);
            }
            assertThat(frames.send()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void settingsWithoutEndEndTheConnection() throws IOException {
        try (Frames frames = new Frames()) {
            for (int i = 0; i < 500; i++) {
                frames.frame(SETTINGS, 0, 0, new byte[0]);
            }
            assertThat(frames.send()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void emptyDataWithoutEndEndsTheConnection() throws IOException {
        try (Frames frames = new Frames()) {
            frames.frame(
                    HEADERS,
                    END_HEADERS,
                    1,
                    block(":method", "POST", ":scheme", "http", ":authority", "app.default", ":path", "/"));
            for (int i = 0; i < 500; i++) {
                frames.frame(DATA, 0, 1, new byte[0]);
            }
            assertThat(frames.send()).isEqualTo(ENHANCE_YOUR_CALM);
        }
    }

    /** What HTTP/1 behind the proxy would read as two requests never gets there. */
    @ParameterizedTest(name = "{0} = {1}")
    @CsvSource(delimiter = '|', textBlock = """
            :path             | / HTTP/1.1^^GET /smuggled
            :path             | /a b
            :method           | GET /smuggled HTTP/1.1^X:
            :authority        | app.default^X: y
            x-header          | a^^GET /smuggled HTTP/1.1
            x-header^x        | a
            transfer-encoding | chunked
            connection        | upgrade
            content-length    | 500
            """)
    void http2(String name, String value) throws IOException {
        String[] fields = {":method", "GET", ":scheme", "http", ":authority", "app.default", ":path", "/p"};
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        boolean pseudo = name.startsWith(":");
        for (int i = 0; i < fields.length; i += 2) {
            boolean own = fields[i].equals(name);
            block.writeBytes(block(fields[i], own ? value.replace("^", "\r\n") : fields[i + 1]));
        }
        if (!pseudo) {
            block.writeBytes(block(name.replace("^", "\r\n"), value.replace("^", "\r\n")));
        }
        try (Frames frames = new Frames()) {
            frames.frame(HEADERS, END_STREAM | END_HEADERS, 1, block.toByteArray());
            assertThat(frames.send()).isNotEqualTo(-200);
        }
        assertThat(pod.requests()).isEmpty();
    }

    @Test
    void aGoodRequestInTheTestsOwnFramesIsAnswered() throws IOException {
        try (Frames frames = new Frames()) {
            frames.frame(HEADERS, END_STREAM | END_HEADERS, 1, get("/good"));
            assertThat(frames.send()).isEqualTo(-200);
        }
    }
}
