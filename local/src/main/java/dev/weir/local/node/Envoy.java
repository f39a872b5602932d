package dev.weir.local.node;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An Envoy beside a pod, which is started again when it ends by itself. */
public final class Envoy implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Envoy.class);
    private static final int POLL_MILLIS = 50;
    private static final int CONNECT_MILLIS = 1000;
    private static final int PAUSE_SECONDS = 1;
    private static final int STOP_SECONDS = 2;

    private final List<String> command;
    private final Path log;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread keeper;
    private volatile @Nullable Process process;

    /**
     * Starts one.
     *
     * @param entrance what starts it in the pod's network
     * @param log where its output goes
     */
    public Envoy(List<String> entrance, List<String> words, Path log) {
        this.command = new ArrayList<>(entrance);
        this.command.addAll(words);
        this.log = log;
        this.keeper = Thread.ofVirtual().name("envoy").start(this::keep);
    }

    /**
     * The words of the command that runs an Envoy.
     *
     * @param folder where its configuration is written
     */
    public static List<String> command(Path program, EnvoyBootstrap bootstrap, Path folder) throws IOException {
        Path file = Files.createDirectories(folder).resolve("envoy.json");
        Files.writeString(file, bootstrap.json());
        return List.of(
                program.toString(),
                "--config-path",
                file.toString(),
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--log-level",
                "warning");
    }

    private void keep() {
        try {
            do {
                try {
                    Process started = new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                            .start();
                    process = started;
                    int code = started.waitFor();
                    if (closing.getCount() > 0) {
                        LOGGER.warn("an Envoy ended with code {}, see {}", code, log);
                    }
                } catch (IOException failure) {
                    LOGGER.warn("no Envoy can be started", failure);
                }
            } while (!closing.await(PAUSE_SECONDS, TimeUnit.SECONDS));
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Waits until it has its first configuration, which it does not get while istiod is away.
     *
     * @param accepts where it listens from then on
     * @throws IOException if it is closed meanwhile
     */
    public void awaitReady(InetSocketAddress accepts) throws IOException, InterruptedException {
        while (!closing.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            try (Socket socket = new Socket()) {
                socket.connect(accepts, CONNECT_MILLIS);
                return;
            } catch (IOException notYet) {
                // it is asked again soon
            }
        }
        throw new IOException("closed before it was ready");
    }

    @Override
    public void close() {
        closing.countDown();
        Process running = process;
        if (running == null) {
            keeper.interrupt();
            return;
        }
        running.destroy();
        try {
            if (!running.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                running.destroyForcibly();
            }
        } catch (InterruptedException hurried) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
