package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.marcnuri.helm.Helm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the charts render: {@code charts/CHART/CASE/in-values.yaml} becomes {@code out-manifests.yaml}. Written anew with
 * {@code -Dgolden.update}.
 */
class GoldenChartTest {
    private static final Path CASES = Path.of("src", "test", "resources", "charts");
    private static final String IN = "in-values.yaml";
    private static final String OUT = "out-manifests.yaml";

    static List<Path> cases() throws IOException {
        try (Stream<Path> files = Files.walk(CASES)) {
            return files.filter(file -> file.endsWith(IN))
                    .map(Path::getParent)
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void renders(Path folder) throws Exception {
        String chart = folder.getParent().getFileName().toString();
        String rendered;
        if (chart.equals("release")) {
            rendered = new Helm(Path.of("..", "charts", chart))
                    .template()
                    .withName("httpbin")
                    .withNamespace("default")
                    .withValuesFile(folder.resolve(IN))
                    .call();
        } else {
            // it looks things up, which the library does with a cluster only
            RealHelm.require();
            rendered = RealHelm.template(chart, Files.readString(folder.resolve(IN)))
                    .output();
        }
        // the definitions have a test of their own
        String manifests = Stream.of(rendered.split("(?m)^---\\n"))
                .filter(manifest -> !manifest.contains("kind: CustomResourceDefinition"))
                .map(manifest -> manifest.replaceAll("(?m)^\\s*\\n", "").stripTrailing() + "\n")
                .filter(manifest -> !manifest.isBlank())
                .reduce("", (all, one) -> all + "---\n" + one);
        if (System.getProperty("golden.update") != null) {
            Files.writeString(folder.resolve(OUT), manifests);
        }
        assertThat(manifests).isEqualTo(Files.readString(folder.resolve(OUT)));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(IN, OUT);
        }
    }
}
