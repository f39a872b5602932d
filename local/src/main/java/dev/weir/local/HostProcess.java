package dev.weir.local;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A process of this machine with its children; its output goes to a log, line by line. */
final class HostProcess implements Execution {
    /** A child that goes on may hold the output open; it is not waited for longer. */
    private static final Duration OUTPUT_WAIT = Duration.ofSeconds(1);

    private final Process process;
    private final Thread output;
    private final ProcessLedger ledger;

    private HostProcess(Process process, ContainerLog log, ProcessLedger ledger) {
        this.process = process;
        this.ledger = ledger;
        this.output = Thread.startVirtualThread(() -> {
            try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    log.line(line);
                }
            } catch (IOException ended) {
                // the process is gone
            }
        });
    }

    /** @throws IOException if there is no such command, or it may not be run */
    static HostProcess start(
            List<String> command, Map<String, String> environment, Path folder, ContainerLog log, ProcessLedger ledger)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.directory(folder.toFile());
        builder.redirectErrorStream(true);
        builder.redirectInput(new File("/dev/null"));
        Process started = builder.start();
        ledger.add(started.toHandle());
        return new HostProcess(started, log, ledger);
    }

    @Override
    public int await() throws InterruptedException {
        int code = process.waitFor();
        ledger.remove(process.toHandle());
        output.join(OUTPUT_WAIT);
        return code;
    }

    @Override
    public void stop(Duration grace) throws InterruptedException {
        stop(process, grace);
        ledger.remove(process.toHandle());
    }

    /** Ends a process and its children: all are asked, and killed when the grace period is over. */
    static void stop(Process process, Duration grace) throws InterruptedException {
        List<ProcessHandle> tree = Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .toList();
        if (!grace.isZero()) {
            tree.forEach(ProcessHandle::destroy);
            process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS);
        }
        Stream.concat(tree.stream(), process.descendants()).forEach(ProcessHandle::destroyForcibly);
        process.waitFor();
    }
}
