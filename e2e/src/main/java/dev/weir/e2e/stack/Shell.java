package dev.weir.e2e.stack;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Runs commands of this machine to their end. */
final class Shell {
    private static final int TAIL = 15;

    private Shell() {}

    /** What a command came to; both streams in one. */
    record Result(int code, String output) {
        boolean ok() {
            return code == 0;
        }
    }

    /**
     * Runs a command for at most as many seconds.
     *
     * @throws IOException if there is no such command
     */
    static Result run(int seconds, String input, List<String> command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("weir-e2e", ".out");
        Path in = Files.createTempFile("weir-e2e", ".in");
        try {
            Files.writeString(in, input);
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectInput(in.toFile())
                    .redirectOutput(output.toFile())
                    .start();
            boolean ended = waitFor(process, seconds);
            String text = new String(Files.readAllBytes(output), StandardCharsets.UTF_8).strip();
            return ended ? new Result(process.exitValue(), text) : new Result(-1, "not done after " + seconds + " s");
        } finally {
            Files.delete(output);
            Files.delete(in);
        }
    }

    /**
     * Runs a command that must work.
     *
     * @return what it printed
     */
    static String must(List<String> command) throws IOException, InterruptedException {
        return must("", command);
    }

    static String must(String input, List<String> command) throws IOException, InterruptedException {
        Result result = run(120, input, command);
        if (!result.ok()) {
            throw new Trouble(String.join(" ", command) + ": " + result.output());
        }
        return result.output();
    }

    /** Runs a command that may take long, in a folder, with its output in a file. */
    static void build(Path folder, Map<String, String> environment, Path log, int minutes, List<String> command)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        if (!waitFor(process, minutes * 60) || process.exitValue() != 0) {
            throw new Trouble(String.join(" ", command) + " failed:\n" + tail(log));
        }
    }

    private static boolean waitFor(Process process, int seconds) throws InterruptedException {
        try {
            return process.waitFor(seconds, TimeUnit.SECONDS);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            process.waitFor();
        }
    }

    /** A file's last lines. */
    static String tail(Path file) throws IOException {
        if (!Files.exists(file)) {
            return "";
        }
        List<String> lines = new String(Files.readAllBytes(file), StandardCharsets.UTF_8)
                .lines()
                .toList();
        return lines.stream().skip(Math.max(0, lines.size() - TAIL)).collect(Collectors.joining("\n"));
    }

    /** Where PATH has a program; empty if nowhere. */
    static java.util.Optional<Path> which(String program) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
