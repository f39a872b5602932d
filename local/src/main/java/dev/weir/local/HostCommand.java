package dev.weir.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A command of the host, its variables and the folder that it starts in.
 *
 * @param entrance what starts it elsewhere, in a network namespace say; may be empty
 */
record HostCommand(List<String> entrance, List<String> words, Map<String, String> environment, Path folder) {
    /** Opens the terminal, which becomes the session's own, and goes on as the command. */
    private static final String AT_TERMINAL = "exec <>\"$0\" >&0 2>&0; exec \"$@\"";

    /**
     * A process that may be configured further and started.
     *
     * @throws IOException if there is no such command
     */
    ProcessBuilder builder() throws IOException {
        List<String> resolved = new ArrayList<>(entrance);
        resolved.add(program());
        resolved.addAll(words.subList(1, words.size()));
        return builder(resolved);
    }

    private ProcessBuilder builder(List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.directory(folder.toFile());
        return builder;
    }

    /**
     * Starts it in a session of its own that the terminal controls.
     *
     * @throws IOException if there is no such command, or none that makes a session
     */
    Process startAt(Pty terminal) throws IOException {
        List<String> command = new ArrayList<>(entrance);
        command.addAll(List.of("setsid", "/bin/sh", "-c", AT_TERMINAL, terminal.file()));
        command.add(program());
        command.addAll(words.subList(1, words.size()));
        ProcessBuilder builder = builder(command);
        builder.environment().putIfAbsent("TERM", "xterm");
        builder.redirectErrorStream(true);
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            return process;
        } catch (IOException failure) {
            throw new IOException("no terminal can be had: " + failure.getMessage(), failure);
        }
    }

    /** Where the first word is found: processes are looked for on the PATH that they get, not on this one's. */
    private String program() throws IOException {
        String name = words.getFirst();
        if (name.contains("/")) {
            return name;
        }
        for (String place : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
            Path candidate = folder.resolve(place).resolve(name);
            if (!place.isEmpty() && Files.isExecutable(candidate) && !Files.isDirectory(candidate)) {
                return candidate.toString();
            }
        }
        throw new IOException("exec: \"" + name + "\": executable file not found in $PATH");
    }
}
