package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The {@code helm} on PATH. */
final class RealHelm {
    private RealHelm() {}

    /** @param output of both streams */
    record Ran(int code, String output) {}

    /** Skips the calling test where there is no helm, or fails it where clients are required. */
    static void require() {
        boolean found = Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(folder -> Path.of(folder, "helm").toFile().canExecute());
        if (System.getenv("WEIR_REQUIRE_CLIENTS") != null) {
            assertThat(found).as("helm is on PATH").isTrue();
        }
        assumeTrue(found, "helm is not on PATH: the chart is not tried with it");
    }

    /** {@code helm template httpbin charts/CHART -f -}. */
    static Ran template(String chart, String values) throws IOException, InterruptedException {
        Process helm = new ProcessBuilder(List.of(
                        "helm",
                        "template",
                        "httpbin",
                        Path.of("..", "charts", chart).toString(),
                        "-n",
                        "default",
                        "-f",
                        "-"))
                .redirectErrorStream(true)
                .start();
        try (var in = helm.getOutputStream()) {
            in.write(values.getBytes(StandardCharsets.UTF_8));
        }
        String output = new String(helm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(helm.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return new Ran(helm.exitValue(), output);
    }
}
