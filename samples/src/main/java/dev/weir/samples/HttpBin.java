package dev.weir.samples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Tells its clients what they sent, after httpbin: the shapes are those of httpbin 0.9, keys sorted as it sorts them. */
public final class HttpBin extends Sample {
    private static final double MOST_DELAY_SECONDS = 10;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern STATUS = Pattern.compile("/status/([2-5]\\d\\d)/?");
    private static final Pattern DELAY = Pattern.compile("/delay/(\\d{1,9}(?:\\.\\d{1,9})?)/?");
    /** Those that httpbin hides because proxies add them. */
    private static final Set<String> HIDDEN =
            Set.of("X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Ssl", "X-Forwarded-Port", "Via");

    private static final List<String> READ = List.of("GET", "HEAD", "OPTIONS");
    private static final List<String> ANY =
            List.of("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS");

    @Override
    String server() {
        return "weir-httpbin";
    }

    @Override
    Answer answer(Asked asked) {
        return to(asked).with("Access-Control-Allow-Origin", "*").with("Access-Control-Allow-Credentials", "true");
    }

    private static Answer to(Asked asked) {
        String path = asked.path();
        Matcher status = STATUS.matcher(path);
        if (status.matches()) {
            int code = Integer.parseInt(status.group(1));
            return only(asked, ANY, _ -> Answer.of(code, "text/html; charset=utf-8", ""));
        }
        Matcher delay = DELAY.matcher(path);
        if (delay.matches()) {
            double seconds = Math.min(MOST_DELAY_SECONDS, Double.parseDouble(delay.group(1)));
            return only(
                    asked,
                    ANY,
                    a -> json(sent(a, "args", "data", "files", "form", "headers", "origin", "url"))
                            .after((long) (seconds * 1000)));
        }
        if (path.equals("/anything") || path.startsWith("/anything/")) {
            return only(
                    asked,
                    ANY,
                    a -> json(sent(a, "args", "data", "files", "form", "headers", "json", "method", "origin", "url")));
        }
        return switch (path) {
            case "/" ->
                only(
                        asked,
                        READ,
                        _ -> Answer.of(
                                200,
                                "text/html; charset=utf-8",
                                "<!DOCTYPE html>\n<html><head><title>httpbin</title></head><body><h1>httpbin</h1></body></html>\n"));
            case "/get" -> only(asked, READ, a -> json(sent(a, "args", "headers", "origin", "url")));
            case "/headers" -> only(asked, READ, a -> json(sent(a, "headers")));
            case "/ip" -> only(asked, READ, a -> json(sent(a, "origin")));
            case "/post", "/put", "/patch", "/delete" ->
                only(
                        asked,
                        List.of(path.substring(1).toUpperCase(Locale.ROOT), "OPTIONS"),
                        a -> json(sent(a, "args", "data", "files", "form", "headers", "json", "origin", "url")));
            default ->
                path.startsWith("/status/") || path.startsWith("/delay/")
                        ? Answer.of(400, "text/html; charset=utf-8", "Invalid status code or delay")
                        : Answer.of(
                                404,
                                "text/html",
                                "<!DOCTYPE HTML>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n");
        };
    }

    private static Answer only(Asked asked, List<String> methods, Function<Asked, Answer> answer) {
        if (!methods.contains(asked.method())) {
            return Answer.of(
                            405,
                            "text/html",
                            "<!DOCTYPE HTML>\n<title>405 Method Not Allowed</title>\n<h1>Method Not Allowed</h1>\n")
                    .with("Allow", String.join(", ", methods));
        }
        return asked.method().equals("OPTIONS")
                ? Answer.of(200, "text/html; charset=utf-8", "").with("Allow", String.join(", ", methods))
                : answer.apply(asked);
    }

    private static Answer json(Map<String, @Nullable Object> body) {
        return Answer.of(200, "application/json", PrettyJson.of(body) + "\n");
    }

    private static Map<String, @Nullable Object> sent(Asked asked, String... keys) {
        Map<String, @Nullable Object> body = new LinkedHashMap<>();
        boolean form = asked.header("content-type").startsWith("application/x-www-form-urlencoded");
        String text = new String(asked.body(), StandardCharsets.UTF_8);
        for (String key : keys) {
            switch (key) {
                case "args" -> body.put(key, pairs(query(asked.target())));
                case "data" -> body.put(key, form ? "" : text);
                case "files" -> body.put(key, Map.of());
                case "form" -> body.put(key, form ? pairs(text) : Map.of());
                case "headers" -> body.put(key, headers(asked));
                case "json" -> body.put(key, parsed(text));
                case "method" -> body.put(key, asked.method());
                case "origin" -> body.put(key, origin(asked));
                default -> body.put("url", "http://" + asked.header("host") + asked.target());
            }
        }
        return body;
    }

    private static String query(String target) {
        int mark = target.indexOf('?');
        return mark < 0 ? "" : target.substring(mark + 1);
    }

    private static String origin(Asked asked) {
        String forwarded = asked.header("x-forwarded-for");
        return forwarded.isEmpty() ? asked.peer() : forwarded;
    }

    /** A name that occurs once has its value, one that occurs more often the list of them. */
    private static Map<String, Object> pairs(String encoded) {
        Map<String, List<String>> all = new QueryStringDecoder("?" + encoded).parameters();
        Map<String, Object> pairs = new TreeMap<>();
        all.forEach((name, values) -> pairs.put(name, values.size() == 1 ? values.getFirst() : values));
        return pairs;
    }

    private static Map<String, String> headers(Asked asked) {
        Map<String, String> headers = new TreeMap<>();
        asked.headers().forEach((name, values) -> headers.put(titled(name), String.join(",", values)));
        headers.keySet().removeAll(HIDDEN);
        return headers;
    }

    /** As a WSGI server spells it: {@code user-agent} becomes {@code User-Agent}. */
    private static String titled(String name) {
        return Pattern.compile("-")
                .splitAsStream(name)
                .map(part -> part.isEmpty()
                        ? part
                        : part.substring(0, 1).toUpperCase(Locale.ROOT)
                                + part.substring(1).toLowerCase(Locale.ROOT))
                .collect(Collectors.joining("-"));
    }

    private static @Nullable JsonNode parsed(String text) {
        try {
            JsonNode node = JSON.readTree(text);
            return node.isMissingNode() ? null : node;
        } catch (JsonProcessingException notJson) {
            return null;
        }
    }
}
