package dev.weir.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrometheusTest extends MetricProviderContract {
    @Override
    MetricProvider provider(Path golden) throws IOException {
        Path in = golden.resolve("in.json");
        return Files.exists(in)
                ? new Prometheus(Clock.fixed(
                        Instant.parse(new ObjectMapper()
                                .readTree(in.toFile())
                                .path("now")
                                .asText()),
                        ZoneOffset.UTC))
                : new Prometheus();
    }

    /** Each query was recorded with its answer; one that was not recorded is refused. */
    @Override
    Behaviour recorded(Path golden) {
        return exchange -> {
            String form = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String query = Arrays.stream(form.split("&"))
                    .filter(field -> field.startsWith("query="))
                    .map(field -> URLDecoder.decode(field.substring("query=".length()), StandardCharsets.UTF_8))
                    .findFirst()
                    .orElse("");
            Optional<Path> found;
            try (Stream<Path> files = Files.list(golden)) {
                found = files.filter(file -> file.toString().endsWith(".query"))
                        .filter(file -> isQuery(file, query))
                        .findFirst();
            }
            if (found.isPresent()) {
                answer(
                        exchange,
                        200,
                        Files.readString(Path.of(found.get().toString().replace(".query", ".json"))));
            } else {
                answer(exchange, 404, "not recorded: " + query);
            }
        };
    }

    private static boolean isQuery(Path file, String query) {
        try {
            return Files.readString(file).strip().equals(query);
        } catch (IOException unreadable) {
            throw new java.io.UncheckedIOException(unreadable);
        }
    }

    private static Measurement number(int status, String answer) throws IOException, InterruptedException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext(
                "/",
                exchange -> answer(
                        exchange,
                        exchange.getRequestURI().getPath().equals("/prefix/api/v1/query") ? status : 404,
                        answer));
        server.start();
        try {
            URI url = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/prefix/");
            return new PrometheusApi(Access.to(url)).number("x", Instant.EPOCH);
        } finally {
            server.stop(0);
        }
    }

    private static String success(String type, String result) {
        return "{\"status\":\"success\",\"data\":{\"resultType\":\"" + type + "\",\"result\":" + result + "}}";
    }

    @ParameterizedTest
    @CsvSource({"0.25, 0.25", "-1e-3, -0.001", "+Inf, Infinity"})
    void aNumberIsAScalarOrTheOnlyElementOfAVector(String text, double value) throws IOException, InterruptedException {
        Measurement expected = new Measurement.Value(value);
        assertThat(number(200, success("scalar", "[1.5,\"" + text + "\"]"))).isEqualTo(expected);
        assertThat(number(200, success("vector", "[{\"metric\":{},\"value\":[1.5,\"" + text + "\"]}]")))
                .isEqualTo(expected);
    }

    @Test
    void nothingAndNotANumberAreNoValue() throws IOException, InterruptedException {
        assertThat(number(200, success("vector", "[]"))).isEqualTo(new Measurement.NoData());
        assertThat(number(200, success("scalar", "[1,\"NaN\"]"))).isEqualTo(new Measurement.NoData());
        assertThat(number(200, success("vector", "[{\"metric\":{},\"value\":[1,\"NaN\"]}]")))
                .isEqualTo(new Measurement.NoData());
    }

    @Test
    void severalSeriesAreAFailureBecauseNobodySaidWhichIsMeant() throws IOException, InterruptedException {
        String two = "[{\"metric\":{},\"value\":[1,\"1\"]},{\"metric\":{\"a\":\"b\"},\"value\":[1,\"1\"]}]";
        assertThat(((Measurement.Failed) number(200, success("vector", two))).reason())
                .endsWith(": the query gives 2 series where one number is wanted");
        assertThat(((Measurement.Failed) number(200, success("matrix", "[]"))).reason())
                .endsWith(": the query gives a matrix where one number is wanted");
        assertThat(((Measurement.Failed) number(200, success("string", "[1,\"1\"]"))).reason())
                .endsWith(": the query gives a string where one number is wanted");
    }

    @Test
    void namesWhatPrometheusSaysIsWrong() throws IOException, InterruptedException {
        String error = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error at char 2\"}";
        Measurement.Failed bad = (Measurement.Failed) number(400, error);
        assertThat(bad.reason()).endsWith("/prefix/: bad_data: parse error at char 2");
        assertThat(bad.retryable()).isFalse();
        Measurement.Failed busy = (Measurement.Failed) number(503, error.replace("bad_data", "timeout"));
        assertThat(busy.retryable()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ftp://host",
                "http:///path",
                "http://user:pass@host",
                "http://host?token=abc",
                "http://host#part",
                "host"
            })
    void aUrlThatMayHoldASecretIsRefusedWithoutSayingIt(String url) {
        assertThatThrownBy(() -> Access.to(URI.create(url)))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .doesNotContain("pass", "abc");
    }

    @Test
    void headersThatWouldBreakARequestAreRefused() {
        Access access = Access.to(URI.create("http://host"));
        for (List<String> header : List.of(
                List.of("Content-Length", "1"),
                List.of("a b", "1"),
                List.of("Authorization", "Bearer s3cret\r\nX: y"))) {
            assertThatThrownBy(() -> access.withHeader(header.getFirst(), header.getLast()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .message()
                    .doesNotContain("s3cret");
        }
        assertThat(access.withBasic("Aladdin", "open sesame").headers())
                .containsEntry("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
