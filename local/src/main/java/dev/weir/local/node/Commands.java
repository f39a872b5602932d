package dev.weir.local.node;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs short commands of the host. */
final class Commands {
    private static final int SECONDS = 5;

    private Commands() {}

    /**
     * Runs a command to its end, which must come within five seconds.
     *
     * @param input what it reads; little enough for a pipe
     * @throws IOException if it cannot be run, fails or takes too long; the message has what it said
     */
    static void run(List<String> command, String input) throws IOException, InterruptedException {
        File said = File.createTempFile("weir-command", ".out");
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(said)
                    .start();
            try (var to = process.outputWriter(StandardCharsets.UTF_8)) {
                to.write(input);
            } catch (IOException unread) {
                // it ended before it had read all; its exit code says more
            }
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + ": not done within " + SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                String text = java.nio.file.Files.readString(said.toPath()).strip();
                throw new IOException(String.join(" ", command) + ": " + text);
            }
        } finally {
            java.nio.file.Files.deleteIfExists(said.toPath());
        }
    }

    /** Several commands of {@code ip}, one a line. */
    static void ip(String lines) throws IOException, InterruptedException {
        run(List.of("ip", "-batch", "-"), lines);
    }
}
