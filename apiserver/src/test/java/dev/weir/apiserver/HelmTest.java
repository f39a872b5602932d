package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of a release under an unmodified helm. */
class HelmTest {
    @TempDir
    Path folder;

    @Test
    void installsUpgradesRollsBackAndUninstalls() throws Exception {
        String helm = Cli.program("helm");
        Files.createDirectories(folder.resolve("chart/templates"));
        Files.writeString(folder.resolve("chart/Chart.yaml"), "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
        Files.writeString(folder.resolve("chart/templates/map.yaml"), """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: {{ .Release.Name }}}
                data: {value: {{ .Values.value | default "one" }}}
                """);
        try (Cli cli = new Cli(folder)) {
            assertThat(ok(cli, "", helm, "install", "app", "chart")).contains("STATUS: deployed", "REVISION: 1");
            assertThat(ok(cli, "value: two", helm, "upgrade", "app", "chart", "--install", "-f", "-"))
                    .contains("REVISION: 2");
            assertThat(ok(cli, "", helm, "list")).containsPattern("app\\s+default\\s+2\\s+.*deployed\\s+chart-0.1.0");
            assertThat(ok(cli, "", helm, "status", "app")).contains("STATUS: deployed", "REVISION: 2");
            assertThat(ok(cli, "", helm, "rollback", "app", "1")).contains("Rollback was a success");
            assertThat(ok(cli, "", helm, "history", "app"))
                    .containsSubsequence("superseded", "superseded", "deployed", "Rollback to 1");
            assertThat(ok(cli, "", helm, "get", "manifest", "app")).contains("value: one");
            assertThat(ok(cli, "", helm, "uninstall", "app")).contains("release \"app\" uninstalled");
            assertThat(ok(cli, "", helm, "list", "--all", "-q")).isBlank();
        }
    }

    private static String ok(Cli cli, String input, String... words) throws Exception {
        Cli.Said said = cli.run(input, words);
        assertThat(said.code()).as("%s", said.text()).isZero();
        return said.text();
    }
}
