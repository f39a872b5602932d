package dev.weir.local;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What a container runs; of a built-in server, its log from now on. */
final class AttachPeer implements Peer {
    private final ContainerRunner container;
    private final boolean stdin;
    private volatile @Nullable HostProcess process;
    private volatile Console.@Nullable Sink sink;
    private volatile boolean gone;

    AttachPeer(ContainerRunner container, boolean stdin) {
        this.container = container;
        this.stdin = stdin;
    }

    @Override
    public void begin(Client client) throws IOException, InterruptedException {
        CompletableFuture<Void> end = container.runEnd();
        switch (container.execution().orElse(null)) {
            case HostProcess running -> {
                process = running;
                Console.Sink attached = bytes -> client.output(false, bytes, bytes.length);
                sink = attached;
                running.console().attach(attached);
            }
            case Execution.BuiltIn _ -> follow(client);
            case null, default -> throw new IOException("container \"" + container.name() + "\" is not running");
        }
        end.thenRun(() -> Thread.startVirtualThread(() -> client.ended(Ending.exit(0))));
    }

    private void follow(Client client) {
        Optional<ContainerLog> log = container.log(false);
        LogRequest fromNow = new LogRequest(true, false, false, Optional.of(0), Instant.EPOCH, Optional.empty());
        Thread.startVirtualThread(() -> {
            try {
                if (log.isPresent()) {
                    fromNow.send(log.get(), text -> {
                        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                        client.output(false, bytes, bytes.length);
                        return !gone;
                    });
                }
            } catch (IOException removed) {
                // the log went with its pod
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void input(byte[] bytes) throws IOException {
        HostProcess running = process;
        if (stdin && running != null) {
            running.input(bytes);
        }
    }

    @Override
    public void endInput() throws IOException {
        HostProcess running = process;
        if (stdin && running != null && once()) {
            running.endInput();
        }
    }

    private boolean once() {
        return Boolean.TRUE.equals(container.container().getStdinOnce());
    }

    @Override
    public void resize(int columns, int rows) {
        HostProcess running = process;
        if (running != null) {
            running.resize(columns, rows);
        }
    }

    @Override
    public void left() {
        gone = true;
        HostProcess running = process;
        Console.Sink attached = sink;
        if (running != null && attached != null) {
            running.console().detach(attached);
            Thread.startVirtualThread(() -> {
                try {
                    endInput();
                } catch (IOException closed) {
                    // it reads no more
                }
            });
        }
    }
}
