package dev.weir.dataplane;

import java.net.InetSocketAddress;

/** An open port of the data plane. Closing stops accepting; requests under way finish. */
public interface ProxyListener extends AutoCloseable {
    InetSocketAddress address();

    @Override
    void close();
}
