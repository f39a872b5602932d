package dev.weir.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.metrics.Fetch.Answer;
import java.math.BigDecimal;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The HTTP API of Prometheus, as far as it is about queries. Safe for concurrent use. */
public final class PrometheusApi {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int MOST_TEXT = 300;
    private static final String NAME_LABEL = "__name__";

    private final Access access;

    /** @param access its URL without {@code /api/v1} */
    public PrometheusApi(Access access) {
        this.access = access;
    }

    /**
     * A series over time.
     *
     * @param values by the time of evaluation
     */
    record Series(Counter counter, Map<Instant, Double> values) {}

    /** What a range query gave. */
    sealed interface Result {
        record Found(List<Series> series) implements Result {}

        record Failed(Outcome.Failed failed) implements Result {}
    }

    /**
     * Evaluates a query that gives one number: a scalar, or a vector of one element. An empty vector and NaN are no data;
     * anything else, several elements too, is a failure, since nobody said which of them is meant.
     *
     * @param at milliseconds matter
     */
    public Measurement number(String query, Instant at) throws InterruptedException {
        Map<String, String> form = new TreeMap<>(Map.of("query", query, "time", seconds(at)));
        return switch (ask("/api/v1/query", form)) {
            case Data.Bad(Outcome.Failed failed) -> new Measurement.Failed(failed.reason(), failed.retryable());
            case Data.Good(JsonNode data) -> number(data);
        };
    }

    private Measurement number(JsonNode data) {
        String type = data.path("resultType").asText();
        JsonNode result = data.path("result");
        return switch (type) {
            case "scalar" -> value(result.path(1));
            case "vector" -> one(result);
            default -> failed("the query gives a " + type + " where one number is wanted");
        };
    }

    private Measurement one(JsonNode vector) {
        return switch (vector.size()) {
            case 0 -> new Measurement.NoData();
            case 1 ->
                vector.path(0).has("histogram")
                        ? failed("the query gives a native histogram where one number is wanted")
                        : value(vector.path(0).path("value").path(1));
            default -> failed("the query gives " + vector.size() + " series where one number is wanted");
        };
    }

    private Measurement value(JsonNode text) {
        Optional<Double> number = PageParser.number(text.asText());
        if (number.isEmpty()) {
            return failed("\"" + text.asText() + "\" is no number");
        }
        return number.get().isNaN() ? new Measurement.NoData() : new Measurement.Value(number.get());
    }

    private Measurement failed(String reason) {
        return new Measurement.Failed(access.url() + ": " + reason, false);
    }

    /**
     * Reads series from one time to another.
     *
     * @param step between evaluations, whole milliseconds
     */
    Result range(String selector, Instant from, Instant to, Duration step) throws InterruptedException {
        Map<String, String> form = new TreeMap<>(Map.of(
                "query",
                selector,
                "start",
                seconds(from),
                "end",
                seconds(to),
                "step",
                BigDecimal.valueOf(step.toMillis(), 3).toPlainString()));
        return switch (ask("/api/v1/query_range", form)) {
            case Data.Bad(Outcome.Failed failed) -> new Result.Failed(failed);
            case Data.Good(JsonNode data) -> {
                List<Series> all = new ArrayList<>();
                for (JsonNode one : data.path("result")) {
                    all.add(series(one));
                }
                yield new Result.Found(all);
            }
        };
    }

    private static Series series(JsonNode one) {
        Map<String, String> labels = new HashMap<>();
        one.path("metric")
                .properties()
                .forEach(label -> labels.put(label.getKey(), label.getValue().asText()));
        String name = labels.containsKey(NAME_LABEL) ? labels.remove(NAME_LABEL) : "";
        Map<Instant, Double> values = new TreeMap<>();
        for (JsonNode point : one.path("values")) {
            Instant at = Instant.ofEpochMilli(
                    point.path(0).decimalValue().movePointRight(3).longValue());
            PageParser.number(point.path(1).asText())
                    .filter(number -> !number.isNaN())
                    .ifPresent(number -> values.put(at, number));
        }
        return new Series(new Counter(name, labels), values);
    }

    private sealed interface Data {
        record Good(JsonNode data) implements Data {}

        record Bad(Outcome.Failed failed) implements Data {}
    }

    private Data ask(String path, Map<String, String> form) throws InterruptedException {
        String body = form.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return switch (Fetch.post(access, path, body)) {
            case Answer.Nothing(String reason) -> bad(reason, true);
            case Answer.Response response -> read(response);
        };
    }

    private Data read(Answer.Response response) {
        if (response.status() == UNAUTHORIZED || response.status() == FORBIDDEN) {
            return bad(
                    "answered " + response.status() + ": "
                            + (access.headers().isEmpty() ? "it wants credentials" : "it refuses the credentials"),
                    false);
        }
        JsonNode answer;
        try {
            answer = JSON.readTree(response.body());
        } catch (JsonProcessingException other) {
            answer = JSON.missingNode();
        }
        String error = answer.path("error").asText();
        if (!error.isEmpty()) {
            String text = error.length() > MOST_TEXT ? error.substring(0, MOST_TEXT) + "…" : error;
            return bad(answer.path("errorType").asText("error") + ": " + text, response.retryable());
        }
        if (response.status() != OK) {
            return bad("answered " + response.status(), response.retryable());
        }
        return answer.path("status").asText().equals("success")
                ? new Data.Good(answer.path("data"))
                : bad("what answers there is not Prometheus' API", false);
    }

    private Data bad(String reason, boolean retryable) {
        return new Data.Bad(new Outcome.Failed(access.url() + ": " + reason, retryable));
    }

    /** Unix time as Prometheus takes it, to the millisecond. */
    private static String seconds(Instant at) {
        return BigDecimal.valueOf(at.toEpochMilli(), 3).toPlainString();
    }
}
