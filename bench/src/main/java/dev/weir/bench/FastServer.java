package dev.weir.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A server that takes next to nothing to answer, in a process of its own: what it costs is the same for all proxies. */
final class FastServer {
    private static final byte[] ANSWER = """
            HTTP/1.1 200 OK\r
            Content-Type: application/json\r
            Content-Length: 91\r
            \r
            {"args": {}, "headers": {"Accept": "*/*"}, "origin": "127.0.0.1", "url": "http://app/get"}
            """.getBytes(StandardCharsets.US_ASCII);

    private static final int BUFFER = 16_384;

    private FastServer() {}

    /** Prints the port and serves until it is killed. */
    public static void main(String[] arguments) throws IOException {
        ProxyProcess.endWithParent();
        try (Selector selector = Selector.open();
                ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress("127.0.0.1", 0), 1024);
            server.configureBlocking(false);
            server.register(selector, SelectionKey.OP_ACCEPT);
            System.out.println(((InetSocketAddress) server.getLocalAddress()).getPort());
            ByteBuffer in = ByteBuffer.allocateDirect(BUFFER);
            while (true) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.isAcceptable()) {
                        accept(server, selector);
                    } else {
                        serve(key, in);
                    }
                }
                selector.selectedKeys().clear();
            }
        }
    }

    private static void accept(ServerSocketChannel server, Selector selector) throws IOException {
        SocketChannel client = server.accept();
        if (client != null) {
            client.setOption(StandardSocketOptions.TCP_NODELAY, true);
            client.configureBlocking(false);
            client.register(selector, SelectionKey.OP_READ, new int[1]);
        }
    }

    /** Requests have no bodies, so each ends with an empty line; how much of that was read is kept with the connection. */
    private static void serve(SelectionKey key, ByteBuffer in) throws IOException {
        SocketChannel client = (SocketChannel) key.channel();
        int[] matched = (int[]) key.attachment();
        in.clear();
        int read;
        try {
            read = client.read(in);
        } catch (IOException reset) {
            read = -1;
        }
        if (read < 0) {
            client.close();
            return;
        }
        in.flip();
        while (in.hasRemaining()) {
            byte next = in.get();
            boolean expected = next == (matched[0] % 2 == 0 ? '\r' : '\n');
            matched[0] = expected ? matched[0] + 1 : next == '\r' ? 1 : 0;
            if (matched[0] == 4) {
                matched[0] = 0;
                ByteBuffer answer = ByteBuffer.wrap(ANSWER);
                while (answer.hasRemaining()) {
                    client.write(answer);
                }
            }
        }
    }
}
