package dev.weir.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** A proxy, or the server behind it, that runs in a process of its own. */
record ProxyProcess(Process process, InetSocketAddress address) implements AutoCloseable {
    private static final int WAIT_MILLIS = 20_000;
    private static final int POLL_MILLIS = 20;

    /**
     * Starts a class of this build that prints its port on a line of its own, and ends when its input does.
     *
     * @throws IOException if it does not
     */
    static ProxyProcess java(Class<?> main, List<String> options, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader out = process.inputReader(StandardCharsets.US_ASCII);
        String line = out.readLine();
        while (line != null && !line.matches("\\d+")) {
            line = out.readLine();
        }
        if (line == null) {
            process.destroy();
            throw new IOException(main.getSimpleName() + " did not start");
        }
        return new ProxyProcess(process, new InetSocketAddress("127.0.0.1", Integer.parseInt(line)));
    }

    /**
     * Starts a command that listens on a port that it is told, and waits until it accepts.
     *
     * @param log gets what the command prints
     * @throws IOException if it does not within 20 s
     */
    static ProxyProcess command(List<String> command, int port, Path log) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", port);
        for (int i = 0; i < WAIT_MILLIS / POLL_MILLIS && process.isAlive(); i++) {
            try (Socket socket = new Socket()) {
                socket.connect(address);
                return new ProxyProcess(process, address);
            } catch (IOException notYet) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            }
        }
        process.destroyForcibly();
        throw new IOException(command.getFirst() + " did not start: "
                + Files.readString(log).lines().reduce("", (_, last) -> last));
    }

    /** Ends this process when the one that started it is gone. */
    static void endWithParent() {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                if (System.in.read() < 0) {
                    Runtime.getRuntime().halt(0);
                }
            } catch (IOException gone) {
                Runtime.getRuntime().halt(0);
            }
        });
    }

    static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress("127.0.0.1", 0));
            return probe.getLocalPort();
        }
    }

    /** Resident memory of the process and its children in bytes, where the system tells. */
    OptionalLong memory() throws IOException {
        long sum = resident(process.toHandle());
        for (ProcessHandle child : process.descendants().toList()) {
            sum += resident(child);
        }
        return sum > 0 ? OptionalLong.of(sum) : OptionalLong.empty();
    }

    private static long resident(ProcessHandle process) throws IOException {
        Path status = Path.of("/proc", Long.toString(process.pid()), "status");
        if (!Files.isReadable(status)) {
            return 0;
        }
        try (var lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .sum();
        }
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
    }
}
