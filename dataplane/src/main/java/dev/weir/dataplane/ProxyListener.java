package dev.weir.dataplane;

import java.net.InetSocketAddress;

/**
 * An open port of the data plane. Closing stops accepting and returns at once; requests under way finish, clients are told
 * that the connection ends, and what is still open after the drain time is cut off.
 */
public interface ProxyListener extends AutoCloseable {
    InetSocketAddress address();

    @Override
    void close();
}
