package dev.weir.apiserver;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Runs real command line clients against a server of their own. */
final class Cli implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final ApiServer server;
    private final Path folder;

    /** What a command said: both streams together. */
    record Said(int code, String text) {}

    Cli(Path folder) throws IOException {
        this.folder = folder;
        this.server = ApiServer.start(TestServers.options());
        Files.writeString(folder.resolve("kubeconfig"), server.kubeconfig("test", TestServers.TOKEN));
    }

    /**
     * The program of this name on the PATH; the variable {@code WEIR_HELM} or {@code WEIR_KUBECTL} goes before it.
     * Where there is none the test is skipped, or fails if {@code WEIR_REQUIRE_CLIENTS} is set.
     */
    static String program(String name) {
        String chosen = System.getenv("WEIR_" + name.toUpperCase(java.util.Locale.ROOT));
        if (chosen != null) {
            return chosen;
        }
        String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
        for (String place : path.split(java.io.File.pathSeparator)) {
            Path candidate = Path.of(place, name);
            if (Files.isExecutable(candidate)) {
                return candidate.toString();
            }
        }
        String message = name + " is not on the PATH";
        if (System.getenv("WEIR_REQUIRE_CLIENTS") != null) {
            throw new AssertionError(message);
        }
        return abort(message);
    }

    Path write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    /** Runs a command with this standard input, in the test's folder; its words are not interpreted by a shell. */
    Said run(String input, String... words) throws IOException, InterruptedException {
        Path said = Files.createTempFile(folder, "said", ".txt");
        Process process = builder(said, words).start();
        try (var stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException closed) {
            // a command that does not read its input may be gone already
        }
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(String.join(" ", words) + " did not end; it said:\n" + Files.readString(said));
        }
        return new Said(process.exitValue(), Files.readString(said));
    }

    /** A command that goes on until it is stopped. */
    final class Running implements AutoCloseable {
        private final Process process;
        private final Path said;

        private Running(Process process, Path said) {
            this.process = process;
            this.said = said;
        }

        String text() throws IOException {
            return Files.readString(said);
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    /** Starts a command; both its streams can be read while it runs. */
    Running start(String... words) throws IOException {
        Path said = Files.createTempFile(folder, "said", ".txt");
        return new Running(builder(said, words).start(), said);
    }

    private ProcessBuilder builder(Path said, String... words) {
        ProcessBuilder builder = new ProcessBuilder(Arrays.asList(words)).directory(folder.toFile());
        builder.environment().put("KUBECONFIG", folder.resolve("kubeconfig").toString());
        builder.environment().put("KUBECACHEDIR", folder.resolve("cache").toString());
        builder.environment().put("HOME", folder.toString());
        builder.environment().put("EDITOR", "sed -i s/before/edited/");
        return builder.redirectErrorStream(true).redirectOutput(said.toFile());
    }

    @Override
    public void close() {
        server.close();
    }
}
