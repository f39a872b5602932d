package dev.weir.e2e.stack;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A network of its own on this machine. The stack's has a bridge; the pods' are named after it and hang on that bridge.
 *
 * @param name as {@code ip netns} knows it
 */
record NetworkNamespace(String name) {
    /** Where everything of the stack listens that pods talk to. */
    static final String ADDRESS = "10.0.0.1";

    static final String BRIDGE = "weir0";
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Makes it, with the bridge and its address. */
    void create() throws IOException, InterruptedException {
        ip("netns", "add", name);
        ip("-n", name, "link", "set", "lo", "up");
        ip("-n", name, "link", "add", BRIDGE, "type", "bridge");
        ip("-n", name, "addr", "add", ADDRESS + "/16", "dev", BRIDGE);
        ip("-n", name, "link", "set", BRIDGE, "up");
    }

    /** The command that runs another one inside. */
    List<String> inside(List<String> command) {
        return Stream.concat(Stream.of("ip", "netns", "exec", name), command.stream())
                .toList();
    }

    boolean exists() throws IOException, InterruptedException {
        return all().contains(name);
    }

    /** Ends what runs inside and in its pods' namespaces, first politely, and removes them. */
    void delete() throws IOException, InterruptedException {
        List<String> family = all().stream()
                .filter(other -> other.equals(name) || other.startsWith(name + "-"))
                .toList();
        processes(family).forEach(ProcessHandle::destroy);
        awaitEnd(family);
        // what started meanwhile ends at once
        for (List<ProcessHandle> left = processes(family); !left.isEmpty(); left = processes(family)) {
            left.forEach(ProcessHandle::destroyForcibly);
            awaitEnd(family);
        }
        for (String each : family) {
            if (all().contains(each)) {
                ip("netns", "del", each);
            }
        }
    }

    /** Asks for the namespace's processes and not for each one's end, since one that nobody waited for seems alive. */
    private static void awaitEnd(List<String> namespaces) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(PATIENCE);
        while (!processes(namespaces).isEmpty() && Instant.now().isBefore(end)) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private static List<ProcessHandle> processes(List<String> namespaces) throws IOException, InterruptedException {
        List<ProcessHandle> processes = new ArrayList<>();
        for (String each : namespaces) {
            Shell.Result pids = Shell.run(10, "", List.of("ip", "netns", "pids", each));
            pids.output()
                    .lines()
                    .filter(line -> pids.ok() && line.matches("\\d+"))
                    .forEach(pid -> ProcessHandle.of(Long.parseLong(pid)).ifPresent(processes::add));
        }
        return processes;
    }

    private static List<String> all() throws IOException, InterruptedException {
        return Shell.must(List.of("ip", "netns", "list"))
                .lines()
                .map(line -> line.split(" ", 2)[0])
                .toList();
    }

    private static void ip(String... arguments) throws IOException, InterruptedException {
        Shell.must(Stream.concat(Stream.of("ip"), Stream.of(arguments)).toList());
    }
}
