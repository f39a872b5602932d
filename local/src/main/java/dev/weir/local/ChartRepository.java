package dev.weir.local;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executors;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;

/** Weir's charts as a Helm repository on loopback. */
final class ChartRepository implements AutoCloseable {
    private static final List<String> CHARTS = List.of("release", "controller");
    private static final String VERSION = "0.1.0";

    private final HttpServer server;

    ChartRepository(int port) throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        Map<String, byte[]> files = new LinkedHashMap<>();
        StringBuilder index = new StringBuilder("apiVersion: v1\nentries:\n");
        for (String chart : CHARTS) {
            byte[] archive = archive(chart);
            String file = chart + "-" + VERSION + ".tgz";
            files.put("/" + file, archive);
            index.append("  ").append(chart).append(":\n  - apiVersion: v2\n    name: ").append(chart);
            index.append("\n    version: ").append(VERSION).append("\n    appVersion: ").append(VERSION);
            index.append("\n    digest: ").append(digest(archive)).append("\n    urls:\n    - ").append(file).append('\n');
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

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /** The chart's files, packed the same way every time. */
    private static byte[] archive(String chart) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(bytes))) {
            String list = new String(resource("charts/" + chart + "/FILES"), StandardCharsets.UTF_8);
            for (String file : list.lines().filter(line -> !line.isBlank()).toList()) {
                byte[] content = resource("charts/" + chart + "/" + file);
                TarArchiveEntry entry = new TarArchiveEntry(chart + "/" + file);
                entry.setSize(content.length);
                entry.setModTime(0);
                tar.putArchiveEntry(entry);
                tar.write(content);
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = ChartRepository.class.getResourceAsStream("/" + name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        }
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
