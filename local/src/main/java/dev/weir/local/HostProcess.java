package dev.weir.local;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A container's process with its children: its output goes to a console, its input may come from those attached. */
final class HostProcess implements Execution {
    /** A child that goes on may hold the output open; it is not waited for longer. */
    private static final Duration OUTPUT_WAIT = Duration.ofSeconds(1);

    private static final int BUFFER = 16 * 1024;
    private static final byte END_OF_INPUT = 4;

    private final Process process;
    private final @Nullable Pty terminal;
    private final boolean input;
    private final Thread output;
    private final Console console;
    private final ProcessLedger ledger;

    /**
     * How a container talks.
     *
     * @param stdin whether somebody may attach to its input
     * @param tty whether it has a terminal
     */
    record Talk(boolean stdin, boolean tty) {}

    private HostProcess(Process process, @Nullable Pty terminal, boolean input, Console console, ProcessLedger ledger) {
        this.process = process;
        this.terminal = terminal;
        this.input = input;
        this.console = console;
        this.ledger = ledger;
        this.output =
                terminal == null ? reader("output", this::readPipe) : reader("terminal", () -> readTerminal(terminal));
    }

    /** @throws IOException if there is no such command, it may not be run, or no terminal can be had */
    static HostProcess start(HostCommand command, Talk talk, ContainerLog log, ProcessLedger ledger)
            throws IOException {
        Console console = new Console(log, talk.stdin());
        if (talk.tty()) {
            Pty terminal = Pty.open();
            try {
                Process started = command.startAt(terminal);
                ledger.add(started.toHandle());
                return new HostProcess(started, terminal, talk.stdin(), console, ledger);
            } catch (IOException failure) {
                terminal.close();
                throw failure;
            }
        }
        ProcessBuilder builder = command.builder().redirectErrorStream(true);
        if (!talk.stdin()) {
            builder.redirectInput(new File("/dev/null"));
        }
        Process started = builder.start();
        ledger.add(started.toHandle());
        return new HostProcess(started, null, talk.stdin(), console, ledger);
    }

    /**
     * Starts to read what a process writes. That holds its thread until there is something: virtual ones would each keep
     * one of the few threads that carry them, until none is left to carry another.
     */
    static Thread reader(String name, Runnable reading) {
        return Thread.ofPlatform().daemon().name(name).start(reading);
    }

    private void readPipe() {
        byte[] buffer = new byte[BUFFER];
        try (InputStream from = process.getInputStream()) {
            for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                console.write(buffer, n);
            }
        } catch (IOException ended) {
            // the process is gone
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        console.end();
    }

    private void readTerminal(Pty from) {
        byte[] buffer = new byte[BUFFER];
        try {
            for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                console.write(buffer, n);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        console.end();
    }

    Console console() {
        return console;
    }

    /** Gives it input, if it takes any; waits while it does not read. */
    void input(byte[] bytes) throws IOException {
        if (!input) {
            return;
        }
        if (terminal != null) {
            terminal.write(bytes);
        } else {
            process.getOutputStream().write(bytes);
            process.getOutputStream().flush();
        }
    }

    /** There is no more input. */
    void endInput() throws IOException {
        if (terminal != null) {
            input(new byte[] {END_OF_INPUT});
        } else if (input) {
            process.getOutputStream().close();
        }
    }

    void resize(int columns, int rows) {
        if (terminal != null) {
            terminal.resize(columns, rows);
        }
    }

    @Override
    public int await() throws InterruptedException {
        int code = process.waitFor();
        ledger.remove(process.toHandle());
        output.join(OUTPUT_WAIT);
        if (terminal != null) {
            terminal.close();
        }
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
