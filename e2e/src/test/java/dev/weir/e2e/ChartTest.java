package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values that the release chart refuses, through the real Helm: the message names field, value and what is allowed. */
class ChartTest {
    private static final Path CHART = Path.of("..", "charts", "release");

    private record Ran(int code, String output) {}

    @BeforeAll
    static void helmIsThere() {
        boolean found = Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(folder -> Path.of(folder, "helm").toFile().canExecute());
        if (System.getenv("WEIR_REQUIRE_CLIENTS") != null) {
            assertThat(found).as("helm is on PATH").isTrue();
        }
        assumeTrue(found, "helm is not on PATH: the chart is not tried with it");
    }

    private static Ran template(String values) throws IOException, InterruptedException {
        Process helm = new ProcessBuilder(List.of("helm", "template", "httpbin", CHART.toString(), "-f", "-"))
                .redirectErrorStream(true)
                .start();
        try (var in = helm.getOutputStream()) {
            in.write(values.getBytes(StandardCharsets.UTF_8));
        }
        String output = new String(helm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(helm.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return new Ran(helm.exitValue(), output);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{environment: moon, application: {versions: [{image: a}]}} | environment: \"moon\" is not supported; allowed: deployment-istio",
                "{environment: deployment-istio, application: {strategy: miror, versions: [{image: a}]}} | \"miror\" is not supported in environment \"deployment-istio\"; allowed: none, mirror",
                "{environment: deployment-istio, application: {strategy: mirror, versions: [{image: a}, {image: a, weight: 150}]}} | application.versions[1].weight: 150 is not allowed for strategy mirror; allowed: 0 to 100",
                "{environment: deployment-istio, application: {versions: [{image: a}, {image: a, weight: half}]}} | /application/versions/1/weight",
                "{environment: deployment-istio, application: {versions: [{image: a, wieght: 1}]}} | wieght",
                "{environment: deployment-istio, application: {versions: [{image: a, metadata: {name: x}}, {image: a, metadata: {name: x}}]}} | \"x\" is the name of another version",
                "{environment: deployment-istio, application: {versions: [{image: a, metadata: {name: httpbin}}]}} | \"httpbin\" is the name of the application",
                "{environment: deployment-istio, application: {versions: [{port: 80}]}} | application.versions[0].image is required",
                "{environment: deployment-istio, application: {versions: [{image: a, port: 70000}]}} | /application/versions/0/port",
            })
    void refuses(String values, String message) throws Exception {
        Ran ran = template(values);
        assertThat(ran.code()).isNotZero();
        assertThat(ran.output()).contains(message);
    }

    @Test
    void weightZeroIsZeroAndAbsentIsFifty() throws Exception {
        Ran ran = template(
                "{environment: deployment-istio, application: {strategy: mirror, versions: [{image: a}, {image: b,"
                        + " weight: 0}, {image: c}]}}");
        assertThat(ran.output()).contains("mirrorPercent: 0").contains("mirrorPercent: 50");
        assertThat(ran.code()).isZero();
    }
}
