package dev.weir.operator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Answers {@code /healthz}, {@code /readyz} and {@code /metrics} over plain HTTP, to whoever can reach the address.
 * Nothing that it says is secret: names of releases and numbers.
 */
public final class OperatorEndpoint implements AutoCloseable {
    private static final int OK = 200;
    private static final int UNAVAILABLE = 503;

    private final HttpServer server;
    private final ExecutorService threads;

    private OperatorEndpoint(HttpServer server, ExecutorService threads) {
        this.server = server;
        this.threads = threads;
    }

    /** @throws IOException if the address cannot be bound; the message names it */
    public static OperatorEndpoint start(InetSocketAddress address) throws IOException {
        HttpServer server;
        try {
            server = HttpServer.create(address, 0);
        } catch (IOException taken) {
            throw new IOException(address.getHostString() + ":" + address.getPort() + ": " + taken.getMessage(), taken);
        }
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        server.setExecutor(threads);
        server.start();
        return new OperatorEndpoint(server, threads);
    }

    public InetSocketAddress address() {
        return server.getAddress();
    }

    /** @param problem why it is not so; empty if all is well */
    public OperatorEndpoint probe(String path, Supplier<Optional<String>> problem) {
        server.createContext(path, exchange -> {
            Optional<String> words = problem.get();
            respond(
                    exchange,
                    words.isEmpty() ? OK : UNAVAILABLE,
                    "text/plain; charset=utf-8",
                    (words.orElse("ok") + "\n").getBytes(StandardCharsets.UTF_8));
        });
        return this;
    }

    /** Serves what a process counts, in the format that the scraper asks for. */
    public OperatorEndpoint metrics(OperatorMetrics metrics) {
        ExpositionFormats formats = ExpositionFormats.init();
        server.createContext("/metrics", exchange -> {
            var writer = formats.findWriter(exchange.getRequestHeaders().getFirst("Accept"));
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            writer.write(body, metrics.registry().scrape());
            respond(exchange, OK, writer.getContentType(), body.toByteArray());
        });
        return this;
    }

    private static void respond(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        try (exchange) {
            exchange.getResponseHeaders().set("Content-Type", type);
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(status, head ? -1 : body.length);
            if (!head) {
                exchange.getResponseBody().write(body);
            }
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.close();
    }
}
