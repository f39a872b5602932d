package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** The real kubectl, talking to one local mode. */
record Kubectl(Path program, Path kubeconfig, Path folder, Map<String, String> variables) {
    private static final long LIMIT_SECONDS = 60;

    /** What a command said, and how it ended. */
    record Said(int code, String out, String err) {}

    /**
     * The kubectl on the PATH. Where there is none the test is skipped, or fails if {@code WEIR_REQUIRE_CLIENTS} is set.
     *
     * @param folder where it keeps its cache and its output
     */
    static Kubectl find(Path kubeconfig, Path folder) {
        for (String place :
                Objects.requireNonNullElse(System.getenv("PATH"), "").split(File.pathSeparator)) {
            Path candidate = Path.of(place, "kubectl");
            if (Files.isExecutable(candidate)) {
                return new Kubectl(candidate, kubeconfig, folder, Map.of());
            }
        }
        String message = "kubectl is not on the PATH";
        if (System.getenv("WEIR_REQUIRE_CLIENTS") != null) {
            throw new AssertionError(message);
        }
        return abort(message);
    }

    /** One that speaks as older ones do, and as API servers do to kubelets. */
    Kubectl overSpdy() {
        return new Kubectl(
                program,
                kubeconfig,
                folder,
                Map.of("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS", "false"));
    }

    /** Runs a command that must succeed; its output. */
    String ok(String... words) throws IOException, InterruptedException {
        Said said = run("", words);
        assertThat(said.code())
                .as("kubectl %s%n%s%s", String.join(" ", words), said.out(), said.err())
                .isZero();
        return said.out();
    }

    /** Runs a command with this standard input to its end. */
    Said run(String input, String... words) throws IOException, InterruptedException {
        try (Running running = start(words)) {
            try (var stdin = running.process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException closed) {
                // a command that does not read its input may be gone already
            }
            if (!running.process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError(
                        String.join(" ", words) + " did not end; it said:\n" + running.out() + running.err());
            }
            return new Said(running.process.exitValue(), running.out(), running.err());
        }
    }

    /** A command that may go on until it is stopped; what it says can be read meanwhile. */
    static final class Running implements AutoCloseable {
        private final Process process;
        private final Path out;
        private final Path err;

        private Running(Process process, Path out, Path err) {
            this.process = process;
            this.out = out;
            this.err = err;
        }

        String out() throws IOException {
            return Files.readString(out);
        }

        String err() throws IOException {
            return Files.readString(err);
        }

        boolean ended() {
            return !process.isAlive();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    Running start(String... words) throws IOException {
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().put("KUBECONFIG", kubeconfig.toString());
        builder.environment().put("KUBECACHEDIR", folder.resolve("cache").toString());
        builder.environment().put("HOME", folder.toString());
        builder.environment().putAll(variables);
        builder.redirectOutput(out.toFile()).redirectError(err.toFile());
        return new Running(builder.start(), out, err);
    }
}
