package dev.weir.local;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;

/** Weir's charts as a Helm repository on loopback. */
public final class ChartRepository implements AutoCloseable {
    private static final List<String> CHARTS = List.of("release", "controller");
    private static final String VERSION = "0.1.0";

    private final HttpServer server;

    /**
     * Serves them until closed.
     *
     * @param port of 127.0.0.1; 0 for a free one
     */
    public ChartRepository(int port) throws IOException {
        server = listen(port);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        Map<String, byte[]> files = new LinkedHashMap<>();
        StringBuilder index = new StringBuilder("apiVersion: v1\nentries:\n");
        for (String chart : CHARTS) {
            byte[] archive = archive(chart);
            String file = chart + "-" + VERSION + ".tgz";
            files.put("/" + file, archive);
            index.append("  ")
                    .append(chart)
                    .append(":\n  - apiVersion: v2\n    name: ")
                    .append(chart);
            index.append("\n    version: ")
                    .append(VERSION)
                    .append("\n    appVersion: ")
                    .append(VERSION);
            index.append("\n    digest: ")
                    .append(digest(archive))
                    .append("\n    urls:\n    - ")
                    .append(file)
                    .append('\n');
        }
        files.put("/index.yaml", index.toString().getBytes(StandardCharsets.UTF_8));
        server.createContext("/", exchange -> {
            try (exchange) {
                byte[] body = files.get(exchange.getRequestURI().getPath());
                exchange.sendResponseHeaders(body == null ? 404 : 200, body == null ? -1 : body.length);
                if (body != null) {
                    exchange.getResponseBody().write(body);
                }
            }
        });
        server.start();
    }

    private static HttpServer listen(int port) throws IOException {
        try {
            return HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        } catch (IOException taken) {
            throw new IOException("cannot listen on 127.0.0.1:" + port + ": " + taken.getMessage(), taken);
        }
    }

    /** What to give to {@code helm --repo}. */
    public URI url() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /** The chart's files, packed the same way every time. */
    private static byte[] archive(String chart) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(bytes))) {
            for (Map.Entry<String, byte[]> file : files(chart).entrySet()) {
                TarArchiveEntry entry = new TarArchiveEntry(chart + "/" + file.getKey());
                entry.setSize(file.getValue().length);
                entry.setModTime(0);
                tar.putArchiveEntry(entry);
                tar.write(file.getValue());
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    /** The chart's files by relative name, from the class path. */
    private static SortedMap<String, byte[]> files(String chart) throws IOException {
        URI root =
                URI.create(Objects.requireNonNull(ChartRepository.class.getResource("/charts/" + chart + "/Chart.yaml"))
                        .toString()
                        .replaceFirst("/Chart\\.yaml$", ""));
        if (!root.getScheme().equals("jar")) {
            return read(Path.of(root));
        }
        try (FileSystem jar = FileSystems.newFileSystem(root, Map.of())) {
            return read(jar.getPath("/charts/" + chart));
        }
    }

    private static SortedMap<String, byte[]> read(Path folder) throws IOException {
        SortedMap<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> found = Files.walk(folder)) {
            for (Path file : found.filter(Files::isRegularFile).toList()) {
                files.put(folder.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
