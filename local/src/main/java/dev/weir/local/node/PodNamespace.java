package dev.weir.local.node;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A network namespace with one address, held by a process of its own.
 *
 * <p>The holder ends when this process does, however that ends, and takes all processes of the namespace with it.
 */
public final class PodNamespace implements AutoCloseable {
    private static final int CLOSE_SECONDS = 3;
    /** It waits for the end of its input; then it kills what runs beside it. */
    private static final String HOLDER = """
            trap '' INT HUP
            ip link set lo up && echo up
            cat >/dev/null
            number=$(stat -L -c %i /proc/$$/ns/net)
            for place in $(find -L /proc/[0-9]*/ns/net -maxdepth 0 -inum "$number" 2>/dev/null); do
              pid=${place#/proc/}; pid=${pid%%/*}
              [ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null
            done
            """;

    private final Process holder;

    private PodNamespace(Process holder) {
        this.holder = holder;
    }

    static PodNamespace open(Subnet subnet, String bridge, String address) throws IOException, InterruptedException {
        Process holder = new ProcessBuilder("unshare", "--net", "/bin/sh", "-c", HOLDER)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        PodNamespace namespace = new PodNamespace(holder);
        try {
            String line = holder.inputReader(StandardCharsets.UTF_8).readLine();
            if (line == null) {
                throw new IOException("no network namespace can be made: that needs the rights of root");
            }
            String device = device(address);
            Commands.ip("""
                    link add %s type veth peer name eth0 netns %d
                    link set %s master %s up
                    """.formatted(device, holder.pid(), device, bridge));
            List<String> inside = new java.util.ArrayList<>(namespace.entrance());
            inside.addAll(List.of("ip", "-batch", "-"));
            Commands.run(inside, """
                    addr add %s/%d dev eth0
                    link set eth0 up
                    route add default via %s
                    """.formatted(address, subnet.prefix(), subnet.router()));
            return namespace;
        } catch (IOException | InterruptedException failure) {
            namespace.close();
            throw failure;
        }
    }

    /** The name of the device on the node's side. */
    private static String device(String address) {
        StringBuilder name = new StringBuilder("veth");
        for (String number : address.split("\\.")) {
            name.append("%02x".formatted(Integer.parseInt(number)));
        }
        return name.toString();
    }

    /** What to put in front of a command's words, so that it runs in the namespace. */
    public List<String> entrance() {
        return List.of("nsenter", "--net=/proc/" + holder.pid() + "/ns/net", "--");
    }

    /** Kills what runs in it; it is gone then. */
    @Override
    public void close() {
        try {
            holder.getOutputStream().close();
            if (!holder.waitFor(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                holder.destroyForcibly();
            }
        } catch (IOException gone) {
            holder.destroyForcibly();
        } catch (InterruptedException hurried) {
            holder.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
