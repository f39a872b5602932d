package dev.weir.e2e.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A process of the stack: how it is started, and how one sees that it is ready.
 *
 * @param version what to show as its version
 * @param address what to show as its address
 * @param folder that it runs in
 * @param ready a command that succeeds inside the namespace once it is ready; empty: it prints a line {@code ready}
 */
record Part(
        String name,
        String version,
        String address,
        Path folder,
        Map<String, String> environment,
        List<String> command,
        List<String> ready) {
    private static final int READY_SECONDS = 180;
    private static final int END_SECONDS = 15;

    /** Its log, beside its other files. */
    Path log() {
        return folder.resolve(name + ".log");
    }

    private Path pidFile() {
        return folder.resolve(name + ".pid");
    }

    /** Starts it inside; it outlives this process, and a terminal's interrupt does not reach it. */
    void start(NetworkNamespace namespace) throws IOException {
        // what an earlier start said is not this one's
        Files.deleteIfExists(log());
        ProcessBuilder builder = new ProcessBuilder(
                        Stream.concat(Stream.of("setsid"), namespace.inside(command).stream())
                                .toList())
                .directory(folder.toFile())
                .redirectInput(new java.io.File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
        builder.environment().putAll(environment);
        // setsid and ip become the program, so its process id stays
        Files.writeString(pidFile(), Long.toString(builder.start().pid()));
    }

    /** Its process, if it runs. */
    Optional<ProcessHandle> process() throws IOException {
        return Files.exists(pidFile())
                ? ProcessHandle.of(Long.parseLong(Files.readString(pidFile()))).filter(Part::runs)
                : Optional.empty();
    }

    /** An ended process that nobody waited for still counts as alive to the JVM. */
    private static boolean runs(ProcessHandle process) {
        return process.isAlive() && Files.exists(Path.of("/proc/" + process.pid() + "/ns/net"));
    }

    /**
     * Waits until it is ready.
     *
     * @throws Trouble if it ends before, or takes too long; with the end of its log
     */
    void await(NetworkNamespace namespace) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(Duration.ofSeconds(READY_SECONDS));
        while (!isReady(namespace)) {
            if (process().isEmpty()) {
                throw new Trouble(name + " ended:\n" + Shell.tail(log()));
            }
            if (Instant.now().isAfter(end)) {
                throw new Trouble(name + " was not ready after " + READY_SECONDS + " s:\n" + Shell.tail(log()));
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    /**
     * Ends its process; nothing happens if it does not run.
     *
     * @param kill at once
     */
    void stop(boolean kill) throws IOException, InterruptedException {
        Optional<ProcessHandle> running = process();
        running.ifPresent(kill ? ProcessHandle::destroyForcibly : ProcessHandle::destroy);
        awaitEnd();
    }

    /** Waits until its process has ended, and ends it if that takes too long. */
    private void awaitEnd() throws IOException, InterruptedException {
        Instant end = Instant.now().plus(Duration.ofSeconds(END_SECONDS));
        while (process().isPresent() && Instant.now().isBefore(end)) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
        process().ifPresent(ProcessHandle::destroyForcibly);
    }

    boolean isReady(NetworkNamespace namespace) throws IOException, InterruptedException {
        if (process().isEmpty()) {
            return false;
        }
        if (ready.isEmpty()) {
            try (Stream<String> lines = Files.lines(log())) {
                return lines.anyMatch("ready"::equals);
            }
        }
        return Shell.run(5, "", namespace.inside(ready)).ok();
    }
}
