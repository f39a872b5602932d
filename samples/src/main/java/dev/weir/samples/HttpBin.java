package dev.weir.samples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A server that tells its clients what they sent, after httpbin; one access line per request in common log format. */
public final class HttpBin implements AutoCloseable {
    private static final DateTimeFormatter COMMON_LOG =
            DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private final Consumer<String> log;
    private final AtomicInteger inFlight = new AtomicInteger();

    private HttpBin(HttpServer server, Consumer<String> log) {
        this.server = server;
        this.log = log;
    }

    /**
     * Starts a server.
     *
     * @param log gets each access line; called before the answer is complete, so that counts never lag behind clients
     * @throws IOException if the address cannot be bound
     */
    public static HttpBin start(InetSocketAddress bind, Consumer<String> log) throws IOException {
        HttpServer server = HttpServer.create(bind, 1024);
        HttpBin bin = new HttpBin(server, log);
        server.createContext("/", bin::handle);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return bin;
    }

    public InetSocketAddress address() {
        return server.getAddress();
    }

    private void handle(HttpExchange exchange) throws IOException {
        inFlight.incrementAndGet();
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            String path = exchange.getRequestURI().getPath();
            Answer answer = answer(exchange, path, body);
            String line = "%s - - [%s] \"%s %s HTTP/1.1\" %d %d"
                    .formatted(
                            exchange.getRemoteAddress().getAddress().getHostAddress(),
                            COMMON_LOG.format(ZonedDateTime.now(ZoneOffset.UTC)),
                            exchange.getRequestMethod(),
                            exchange.getRequestURI(),
                            answer.code(),
                            answer.body().length);
            log.accept(line);
            send(exchange, answer);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } finally {
            inFlight.decrementAndGet();
        }
    }

    private record Answer(int code, String contentType, byte[] body) {
        static Answer json(ObjectNode node) {
            return new Answer(200, "application/json", (node.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
        }

        static Answer empty(int code) {
            return new Answer(code, "text/html; charset=utf-8", new byte[0]);
        }
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", answer.contentType());
        boolean head = exchange.getRequestMethod().equals("HEAD");
        boolean none = head || answer.body().length == 0;
        exchange.sendResponseHeaders(answer.code(), none ? -1 : answer.body().length);
        if (!none) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(answer.body());
            }
        }
    }

    private static Answer answer(HttpExchange exchange, String path, byte[] body) throws InterruptedException {
        String method = exchange.getRequestMethod();
        String[] parts = path.split("/");
        String first = parts.length > 1 ? parts[1] : "";
        return switch (first) {
            case "" ->
                new Answer(
                        200,
                        "text/html; charset=utf-8",
                        "<!DOCTYPE html><html><head><title>httpbin</title></head><body>httpbin</body></html>\n"
                                .getBytes(StandardCharsets.UTF_8));
            case "get" -> onlyFor(method, List.of("GET", "HEAD"), describe(exchange, null));
            case "post" -> onlyFor(method, List.of("POST"), describe(exchange, body));
            case "headers" -> onlyFor(method, List.of("GET", "HEAD"), headersOnly(exchange));
            case "ip" ->
                onlyFor(method, List.of("GET", "HEAD"), JSON.createObjectNode().put("origin", origin(exchange)));
            case "anything" -> Answer.json(describe(exchange, body).put("method", method));
            case "status" ->
                parts.length == 3 && parts[2].matches("[1-5]\\d\\d")
                        ? Answer.empty(Integer.parseInt(parts[2]))
                        : Answer.empty(400);
            case "delay" -> {
                double seconds =
                        parts.length == 3 && parts[2].matches("\\d{1,3}(\\.\\d+)?") ? Double.parseDouble(parts[2]) : 0;
                Thread.sleep((long) (Math.min(10, seconds) * 1000));
                yield Answer.json(describe(exchange, body));
            }
            default -> Answer.empty(404);
        };
    }

    private static Answer onlyFor(String method, List<String> methods, ObjectNode node) {
        return methods.contains(method) ? Answer.json(node) : Answer.empty(405);
    }

    private static String origin(HttpExchange exchange) {
        return exchange.getRemoteAddress().getAddress().getHostAddress();
    }

    private static ObjectNode headersOnly(HttpExchange exchange) {
        ObjectNode node = JSON.createObjectNode();
        headers(exchange.getRequestHeaders(), node.putObject("headers"));
        return node;
    }

    private static void headers(Headers headers, ObjectNode into) {
        headers.forEach((name, values) -> into.put(name, String.join(",", values)));
    }

    private static ObjectNode describe(HttpExchange exchange, byte @org.jspecify.annotations.Nullable [] body) {
        ObjectNode node = JSON.createObjectNode();
        ObjectNode args = node.putObject("args");
        String query = exchange.getRequestURI().getRawQuery();
        if (query != null) {
            for (String pair : query.split("&")) {
                String[] sides = pair.split("=", 2);
                args.put(decode(sides[0]), sides.length == 2 ? decode(sides[1]) : "");
            }
        }
        if (body != null) {
            node.put("data", new String(body, StandardCharsets.UTF_8));
            node.putObject("files");
            node.putObject("form");
        }
        headers(exchange.getRequestHeaders(), node.putObject("headers"));
        if (body != null) {
            node.putNull("json");
        }
        node.put("origin", origin(exchange));
        node.put("url", "http://" + exchange.getRequestHeaders().getFirst("Host") + exchange.getRequestURI());
        return node;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    /** Stops accepting, lets requests under way finish for up to five seconds, then closes every connection. */
    @Override
    public void close() {
        server.stop(inFlight.get() > 0 ? 5 : 0);
    }
}
