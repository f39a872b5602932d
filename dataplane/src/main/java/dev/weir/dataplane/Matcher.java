package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The conditions of a VirtualService route, compiled. Matches are OR-ed, the fields within one are AND-ed. */
final class Matcher {
    private static final List<String> PSEUDO = List.of("uri", "scheme", "method", "authority");

    private Matcher() {}

    /** What a request shows to the conditions. */
    record Subject(FullHttpRequest request, String path, Workload caller, String gateway, int port) {}

    /** An empty or absent list matches everything. */
    static Predicate<Subject> compile(JsonNode matches) {
        if (matches.isEmpty()) {
            return _ -> true;
        }
        List<Predicate<Subject>> any = new ArrayList<>();
        matches.forEach(match -> any.add(one(match)));
        return subject -> any.stream().anyMatch(match -> match.test(subject));
    }

    private static Predicate<Subject> one(JsonNode match) {
        List<Predicate<Subject>> all = new ArrayList<>();
        boolean ignoreCase = match.path("ignoreUriCase").asBoolean();
        text(match.path("uri"), ignoreCase, all, Subject::path);
        text(match.path("method"), false, all, s -> s.request().method().name());
        text(match.path("authority"), false, all, s -> s.request().headers().get("host", ""));
        text(match.path("scheme"), false, all, _ -> "http");
        match.path("headers").properties().forEach(header -> {
            if (!PSEUDO.contains(header.getKey())) {
                Predicate<@Nullable String> condition = string(header.getValue(), false);
                all.add(s -> condition.test(s.request().headers().get(header.getKey())));
            }
        });
        match.path("withoutHeaders").properties().forEach(header -> {
            Predicate<@Nullable String> condition = string(header.getValue(), false);
            all.add(s -> !condition.test(s.request().headers().get(header.getKey())));
        });
        match.path("queryParams").properties().forEach(parameter -> {
            Predicate<@Nullable String> condition = string(parameter.getValue(), false);
            all.add(s -> condition.test(query(s.request().uri(), parameter.getKey())));
        });
        if (match.path("port").isNumber()) {
            all.add(s -> s.port() == match.path("port").asInt());
        }
        if (match.path("gateways").isArray()) {
            List<String> gateways = new ArrayList<>();
            match.path("gateways").forEach(gateway -> gateways.add(gateway.asText()));
            all.add(s -> gateways.contains(s.gateway()));
        } else {
            match.path("sourceLabels")
                    .properties()
                    .forEach(label -> all.add(s ->
                            label.getValue().asText().equals(s.caller().labels().get(label.getKey()))));
            if (match.path("sourceNamespace").isTextual()) {
                all.add(s -> s.caller()
                        .namespace()
                        .equals(match.path("sourceNamespace").asText()));
            }
        }
        return subject -> all.stream().allMatch(condition -> condition.test(subject));
    }

    private static @Nullable String query(String uri, String name) {
        List<String> values = new QueryStringDecoder(uri).parameters().get(name);
        return values == null || values.isEmpty() ? null : values.getFirst();
    }

    private static void text(
            JsonNode match,
            boolean ignoreCase,
            List<Predicate<Subject>> all,
            java.util.function.Function<Subject, String> value) {
        if (match.isObject()) {
            Predicate<@Nullable String> condition = string(match, ignoreCase);
            all.add(subject -> condition.test(value.apply(subject)));
        }
    }

    /** exact, prefix or regex; an empty object asks for presence only. */
    static Predicate<@Nullable String> string(JsonNode match, boolean ignoreCase) {
        if (match.has("exact")) {
            String wanted = fold(match.path("exact").asText(), ignoreCase);
            return value -> value != null && fold(value, ignoreCase).equals(wanted);
        }
        if (match.has("prefix")) {
            String wanted = fold(match.path("prefix").asText(), ignoreCase);
            return value -> value != null && fold(value, ignoreCase).startsWith(wanted);
        }
        if (match.has("regex") && !match.path("regex").asText().equals("*")) {
            Pattern pattern = Pattern.compile(match.path("regex").asText());
            return value -> value != null && pattern.matcher(value).matches();
        }
        return value -> value != null;
    }

    private static String fold(String text, boolean ignoreCase) {
        return ignoreCase ? text.toLowerCase(Locale.ROOT) : text;
    }
}
