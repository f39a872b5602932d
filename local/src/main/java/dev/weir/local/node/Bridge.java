package dev.weir.local.node;

import java.io.IOException;

/**
 * The node's side of its pods' network: a bridge with the router's address, to which pods with a network namespace of
 * their own are connected; and the addresses of pods that this process serves itself, which are those of its loopback
 * device. Needs the rights of root in this process's network namespace. Thread-safe.
 */
public final class Bridge implements AutoCloseable {
    private static final String NAME = "pods0";
    /** A fixed one: else it would change with the devices that come and go, and pods would send to the old one. */
    private static final String HARDWARE_ADDRESS = "02:77:65:69:72:00";

    private final Subnet subnet;

    /**
     * Makes the bridge, in place of one that an earlier process has left.
     *
     * @throws IOException if that is not allowed here, or the {@code ip} command is missing
     */
    public Bridge(Subnet subnet) throws IOException, InterruptedException {
        this.subnet = subnet;
        remove();
        Commands.ip("""
                link add %s address %s type bridge
                addr add %s/%d dev %s
                link set %s up
                """.formatted(NAME, HARDWARE_ADDRESS, subnet.router(), subnet.prefix(), NAME, NAME));
    }

    /** The addresses that pods have. */
    public Subnet subnet() {
        return subnet;
    }

    /** Lets this process listen on an address. */
    public void host(String address) throws IOException, InterruptedException {
        Commands.ip("addr replace " + address + "/32 dev lo\n");
    }

    /** The opposite of {@link #host}. */
    public void unhost(String address) throws IOException, InterruptedException {
        Commands.ip("addr del " + address + "/32 dev lo\n");
    }

    /**
     * Makes a network namespace with this address, connected to the bridge.
     *
     * @throws IOException if that fails; nothing is left then
     */
    public PodNamespace namespace(String address) throws IOException, InterruptedException {
        return PodNamespace.open(subnet, NAME, address);
    }

    private void remove() throws InterruptedException {
        try {
            Commands.ip("link del " + NAME + "\n");
        } catch (IOException absent) {
            // as it should be
        }
        try {
            Commands.ip("addr flush dev lo to " + subnet + "\n");
        } catch (IOException absent) {
            // there were none
        }
    }

    /** Removes the bridge and the addresses. */
    @Override
    public void close() {
        try {
            remove();
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
