package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A command beside what a container runs. */
final class ExecPeer implements Peer {
    private static final int BUFFER = 16 * 1024;
    /** What it left in the background may hold its terminal; it is hung up then. */
    private static final Duration REST = Duration.ofSeconds(1);

    private final PodSandbox sandbox;
    private final Container container;
    private final List<String> command;
    private final boolean stdin;
    private final boolean tty;
    private @Nullable Process process;
    private @Nullable Pty terminal;
    private boolean gone;

    ExecPeer(PodSandbox sandbox, Container container, List<String> command, boolean stdin, boolean tty) {
        this.sandbox = sandbox;
        this.container = container;
        this.command = command;
        this.stdin = stdin;
        this.tty = tty;
    }

    @Override
    public void begin(Client client) throws IOException, Misconfigured {
        if (command.isEmpty()) {
            throw new IOException("you must specify at least one command for the container");
        }
        if (tty) {
            beginAtTerminal(client);
        } else {
            beginPlain(client);
        }
    }

    private void beginPlain(Client client) throws IOException, Misconfigured {
        Process started = sandbox.spawn(container, command, false);
        began(started, null);
        if (!stdin) {
            started.getOutputStream().close();
        }
        Thread out = HostProcess.reader("output", () -> pump(client, false, started.getInputStream()));
        Thread err = HostProcess.reader("errors", () -> pump(client, true, started.getErrorStream()));
        Thread.startVirtualThread(() -> {
            try {
                int code = started.waitFor();
                sandbox.ended(started);
                out.join();
                err.join();
                client.ended(Ending.exit(code));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void beginAtTerminal(Client client) throws IOException, Misconfigured {
        Pty opened = Pty.open();
        Process started;
        try {
            started = sandbox.spawnAt(opened, container, command);
        } catch (IOException | Misconfigured failure) {
            opened.close();
            throw failure;
        }
        began(started, opened);
        Thread out = HostProcess.reader("terminal", () -> pump(client, opened));
        Thread.startVirtualThread(() -> {
            try {
                int code = started.waitFor();
                sandbox.ended(started);
                out.join(REST);
                opened.close();
                out.join();
                client.ended(Ending.exit(code));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private synchronized void began(Process started, @Nullable Pty opened) {
        process = started;
        terminal = opened;
        if (gone) {
            end(started, opened);
        }
    }

    private static void pump(Client client, boolean error, InputStream from) {
        byte[] buffer = new byte[BUFFER];
        try (from) {
            for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                client.output(error, buffer, n);
            }
        } catch (IOException ended) {
            // the process is gone
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private static void pump(Client client, Pty from) {
        byte[] buffer = new byte[BUFFER];
        try {
            for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                client.output(false, buffer, n);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized @Nullable Process process() {
        return process;
    }

    private synchronized @Nullable Pty terminal() {
        return terminal;
    }

    @Override
    public void input(byte[] bytes) throws IOException {
        Process running = process();
        Pty at = terminal();
        if (!stdin || running == null) {
            return;
        }
        if (at != null) {
            at.write(bytes);
        } else {
            OutputStream to = running.getOutputStream();
            to.write(bytes);
            to.flush();
        }
    }

    @Override
    public void endInput() throws IOException {
        Process running = process();
        if (running != null && terminal() == null) {
            running.getOutputStream().close();
        }
    }

    @Override
    public void resize(int columns, int rows) {
        Pty at = terminal();
        if (at != null) {
            at.resize(columns, rows);
        }
    }

    @Override
    public synchronized void left() {
        gone = true;
        if (process != null) {
            end(process, terminal);
        }
    }

    private void end(Process running, @Nullable Pty at) {
        Thread.startVirtualThread(() -> {
            try {
                if (at != null) {
                    at.close();
                }
                HostProcess.stop(running, Duration.ofSeconds(1));
                sandbox.ended(running);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }
}
