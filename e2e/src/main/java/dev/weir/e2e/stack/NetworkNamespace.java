package dev.weir.e2e.stack;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A network of its own on this machine. Pods' networks hang on it, and end with the node's process.
 *
 * @param name as {@code ip netns} knows it
 */
record NetworkNamespace(String name) {
    /** Where everything of the stack listens that pods talk to. */
    static final String ADDRESS = "10.0.0.1";

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Makes it, with its address. API servers refuse those of 127.0.0.0/8 for nodes and pods. */
    void create() throws IOException, InterruptedException {
        ip("netns", "add", name);
        ip("-n", name, "link", "set", "lo", "up");
        ip("-n", name, "addr", "add", ADDRESS + "/32", "dev", "lo");
    }

    /** The command that runs another one inside. */
    List<String> inside(List<String> command) {
        return Stream.concat(Stream.of("ip", "netns", "exec", name), command.stream())
                .toList();
    }

    boolean exists() throws IOException, InterruptedException {
        return Shell.must(List.of("ip", "netns", "list")).lines().anyMatch(line -> line.split(" ", 2)[0].equals(name));
    }

    /** Ends what runs inside, first politely, and removes it; nothing happens if it is not there. */
    void delete() throws IOException, InterruptedException {
        if (!exists()) {
            return;
        }
        processes().forEach(ProcessHandle::destroy);
        awaitEnd();
        // what started meanwhile ends at once
        for (List<ProcessHandle> left = processes(); !left.isEmpty(); left = processes()) {
            left.forEach(ProcessHandle::destroyForcibly);
            awaitEnd();
        }
        ip("netns", "del", name);
    }

    /** Asks for the namespace's processes and not for each one's end, since one that nobody waited for seems alive. */
    private void awaitEnd() throws IOException, InterruptedException {
        Instant end = Instant.now().plus(PATIENCE);
        while (!processes().isEmpty() && Instant.now().isBefore(end)) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private List<ProcessHandle> processes() throws IOException, InterruptedException {
        Shell.Result pids = Shell.run(10, "", List.of("ip", "netns", "pids", name));
        return pids.output()
                .lines()
                .filter(line -> pids.ok() && line.matches("\\d+"))
                .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream())
                .toList();
    }

    private static void ip(String... arguments) throws IOException, InterruptedException {
        Shell.must(Stream.concat(Stream.of("ip"), Stream.of(arguments)).toList());
    }
}
