package dev.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weir.cli.cluster.Problem;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MainTest {
    @TempDir
    private Path folder;

    @Test
    void everyCommandTellsItsExitCodesAndDescribesItsOptions() {
        List<String> silent = new ArrayList<>();
        check(Main.commandLine(), silent);
        assertThat(silent).isEmpty();
        assertThat(Weir.run("get", "--help").out())
                .contains("Exit codes:", "the cluster could not be reached, or refused", "--context", "--kubeconfig");
        assertThat(Weir.run("diff", "--help").out()).contains("0   nothing would change", "1   something would");
    }

    private static void check(CommandLine line, List<String> silent) {
        String name = line.getCommandSpec().qualifiedName();
        if (line.getCommandSpec().usageMessage().exitCodeList().isEmpty()) {
            silent.add(name);
        }
        line.getCommandSpec().args().stream()
                .filter(argument -> argument.description().length == 0)
                .forEach(argument -> silent.add(name + " " + argument.paramLabel()));
        line.getSubcommands().values().forEach(below -> check(below, silent));
    }

    @Test
    void wrongUsageHasItsOwnExitCode() {
        assertThat(Weir.run("get", "--no-such-option").exitCode()).isEqualTo(2);
        assertThat(Weir.run("lint", "no-such-file.yaml"))
                .isEqualTo(new Weir.Result(2, "", "weir: no-such-file.yaml: there is no such file\n"));
        assertThat(Weir.run("completion", "tcsh").exitCode()).isEqualTo(2);
        assertThat(Weir.run("get", "--kubeconfig=no-such-file"))
                .isEqualTo(new Weir.Result(2, "", "weir: --kubeconfig: no-such-file: there is no such file\n"));
    }

    @Test
    void optionsBeforeACommandThatHasNoneAreRefused() {
        Weir.Result refused = Weir.run("-n", "test", "lint", "release.yaml");
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).startsWith("--namespace: \"weir lint\" has no such option\n");
        assertThat(Weir.run("--context", "test", "local", "status").err())
                .startsWith("--context: \"weir local status\" has no such option\n");
        assertThat(Weir.run("--help").out()).contains("--namespace", "--kubeconfig");
    }

    @Test
    void theOperatorRunsOnTheClusterThatIsNamed() {
        assertThat(Weir.run("operator", "--yes", "--kubeconfig=no-such-file"))
                .isEqualTo(new Weir.Result(2, "", "weir: --kubeconfig: no-such-file: there is no such file\n"));
    }

    @Test
    void theVersionIsToldInWordsAndToPrograms() {
        assertThat(Weir.run("version", "--client").out()).contains("imitates Kubernetes  1.");
        assertThat(Weir.run("version", "--client", "-o", "json").out()).contains("\"imitatesKubernetes\"");
    }

    @Test
    void bashCompletesCommandsAndValues() throws IOException, InterruptedException {
        Path script = folder.resolve("weir.bash");
        Files.writeString(script, Weir.run("completion", "bash").out());
        assertThat(completions(script, "weir", "wh")).containsExactly("why");
        assertThat(completions(script, "weir", "get", "-o", "")).contains("table", "wide", "yaml", "json", "name");
        assertThat(completions(script, "weir", "history", "--rev")).containsExactly("--revision");
        assertThat(completions(script, "weir", "-n", "test", "wh")).containsExactly("why");
        assertThat(completions(script, "weir", "-n", "test", "history", "--rev"))
                .containsExactly("--revision");
    }

    private List<String> completions(Path script, String... words) throws IOException, InterruptedException {
        String command = "source " + script + "; COMP_WORDS=("
                + String.join(" ", words).replaceAll(" $", " ''") + "); COMP_CWORD=" + (words.length - 1)
                + "; _complete_weir; printf '%s\\n' \"${COMPREPLY[@]}\"";
        Path output = folder.resolve("completions");
        // bash warns that this is no real completion
        Process bash = new ProcessBuilder("bash", "-c", command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .redirectOutput(output.toFile())
                .start();
        assertThat(bash.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return Files.readAllLines(output).stream().map(String::strip).toList();
    }

    @Test
    void fishCompletesCommandsAndValues() throws IOException, InterruptedException {
        requireShell("fish");
        Path script = folder.resolve("weir.fish");
        Files.writeString(script, Weir.run("completion", "fish").out());
        assertThat(fish(script, "weir wh")).containsExactly("why");
        assertThat(fish(script, "weir get -o ")).containsExactlyInAnyOrder("table", "wide", "yaml", "json", "name");
        assertThat(fish(script, "weir get -n test -o w")).containsExactly("wide");
        assertThat(fish(script, "weir history --rev")).containsExactly("--revision");
        assertThat(fish(script, "weir -n test wh")).containsExactly("why");
        assertThat(fish(script, "weir --context=a -n test get -o w")).containsExactly("wide");
        // a namespace is no file
        assertThat(fish(script, "weir get -n ")).isEmpty();
        assertThat(fish(script, "weir lint " + folder + "/weir.f")).containsExactly(script.toString());
    }

    private static void requireShell(String shell) {
        boolean present = Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(entry -> Files.isExecutable(Path.of(entry, shell)));
        assumeTrue(present, "there is no " + shell + " on the PATH");
    }

    /** The words, without what they mean. */
    private List<String> fish(Path script, String typed) throws IOException, InterruptedException {
        String command = "source " + script + "; complete --do-complete '" + typed + "'";
        return said("fish", "--no-config", "-c", command).stream()
                .map(line -> line.replaceFirst("\t.*", ""))
                .toList();
    }

    private List<String> said(String... command) throws IOException, InterruptedException {
        Path output = folder.resolve("said");
        Process shell = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(shell.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return Files.readAllLines(output).stream().map(String::strip).toList();
    }

    /** zsh completes only while somebody types, so there is a terminal, and a key that shows what was made of it. */
    @Test
    void zshCompletesCommandsAndValues() throws IOException, InterruptedException {
        requireShell("zsh");
        Path script = folder.resolve("weir.zsh");
        Files.writeString(script, Weir.run("completion", "zsh").out());
        assertThat(zsh(script, "weir hi")).isEqualTo("weir history ");
        assertThat(zsh(script, "weir get -o wi")).isEqualTo("weir get -o wide ");
        assertThat(zsh(script, "weir -n test hi")).isEqualTo("weir -n test history ");
        assertThat(zsh(script, "weir local star")).isEqualTo("weir local start ");
    }

    private String zsh(Path script, String typed) throws IOException, InterruptedException {
        String terminal = """
                zmodload zsh/zpty
                zpty shell "HOME=%1$s zsh -f -i"
                zpty -w shell 'show() { print -r -- "{{$BUFFER}}" }; zle -N show; bindkey "^X" show; source %2$s; print re""ady'
                zpty -r shell seen '*ready*'
                zpty -w -n shell $'%3$s\\t\\x18'
                zpty -r shell seen '*{{*}}*'
                print -r -- "$seen"
                """.formatted(folder, script, typed);
        String seen = String.join("\n", said("timeout", "20", "zsh", "-f", "-c", terminal));
        return seen.replaceFirst("(?s).*\\{\\{(.*)}}.*", "$1");
    }

    @Test
    void fishAndZshHaveEveryCommand() {
        String fish = Weir.run("completion", "fish").out();
        String zsh = Weir.run("completion", "zsh").out();
        for (String command : List.of("get", "describe", "why", "watch", "lint", "diff", "history", "version")) {
            assertThat(fish).contains(" -a " + command + " -d '");
            assertThat(zsh).contains(command);
        }
        assertThat(fish)
                .contains("complete -c weir -n '__weir_at 1 get' -s o -l output -x -a 'table wide yaml json name'");
        assertThat(zsh).contains("bashcompinit");
    }

    @Test
    void asksBeforeAChangeElsewhere() {
        try (KubernetesClient elsewhere = new KubernetesClientBuilder()
                .withConfig(new ConfigBuilder(io.fabric8.kubernetes.client.Config.empty())
                        .withMasterUrl("https://192.0.2.1:6443")
                        .build())
                .build()) {
            List<String> asked = new ArrayList<>();
            Map<String, Boolean> answers = Map.of("y", true, "Yes", true, "", false, "n", false, "nay", false);
            answers.forEach((answer, may) -> {
                Consent consent = new Consent(false, question -> {
                    asked.add(question);
                    return answer;
                });
                if (may) {
                    consent.require(elsewhere, "drop it");
                } else {
                    assertThatThrownBy(() -> consent.require(elsewhere, "drop it"))
                            .isInstanceOf(Problem.class)
                            .hasMessage("not done");
                }
            });
            assertThat(asked)
                    .containsOnly("This is not local mode (the server https://192.0.2.1:6443). drop it? [y/N] ")
                    .hasSize(5);
            assertThatThrownBy(() -> new Consent(false, null).require(elsewhere, "drop it"))
                    .hasMessageContaining("say --yes if you want it");
            new Consent(true, null).require(elsewhere, "drop it");
        }
    }
}
