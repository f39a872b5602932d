package dev.weir.dataplane;

import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.util.function.Consumer;

/** Addresses of hosts that are not of the mesh. */
final class Outside {
    private Outside() {}

    /** Asks the system's resolver, which blocks, on a thread of its own; the consumer is called on the loop. */
    static void resolve(EventLoop loop, String host, int port, Consumer<InetSocketAddress> then) {
        Thread.startVirtualThread(() -> {
            InetSocketAddress address = new InetSocketAddress(host, port);
            loop.execute(() -> then.accept(address));
        });
    }
}
