package dev.weir.dataplane;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Idle connections to pods, by event loop and address.
 *
 * <p>Those to an address that no service names any more are closed, so that a pod that goes away is not asked again;
 * requests under way finish. Nothing else takes an address out: ejecting pods that fail is the business of Istio's
 * outlier detection, which is off unless a DestinationRule asks for it.
 */
final class UpstreamPool {
    private static final int CONNECT_TIMEOUT_MILLIS = 2000;
    private static final int MOST_IDLE = 256;
    private static final int MOST_LINE = 8192;
    private static final int MOST_HEADERS = 65_536;
    private static final int CHUNK = 65_536;

    /** The lists of a loop are touched on it alone. */
    private final Map<EventLoop, Map<InetSocketAddress, Deque<UpstreamConnection>>> idle = new ConcurrentHashMap<>();
    /** How many connections are open or opening, idle ones included. */
    private final Map<InetSocketAddress, Integer> open = new ConcurrentHashMap<>();

    private final Runnable closed;
    private final UpstreamStreams streams = new UpstreamStreams(this::counted);

    /** @param closed called after each connection that has closed */
    UpstreamPool(Runnable closed) {
        this.closed = closed;
    }

    /** Whether there is a connection to the address, be it opening, in use or idle. */
    boolean connected(InetSocketAddress address) {
        return open.containsKey(address);
    }

    /**
     * A connection for one request: an idle one, a stream of one that speaks HTTP/2, or a new one.
     *
     * <p>Called on the loop.
     *
     * @param http2 whether the pod speaks HTTP/2
     * @param done gets it on the loop, perhaps at once, or null if none can be opened
     */
    void acquire(
            EventLoop loop, InetSocketAddress address, boolean http2, Consumer<@Nullable UpstreamConnection> done) {
        if (http2) {
            streams.open(loop, address, done);
            return;
        }
        UpstreamConnection free = take(loop, address);
        if (free != null) {
            done.accept(free);
        } else {
            connect(loop, address, done);
        }
    }

    private @Nullable UpstreamConnection take(EventLoop loop, InetSocketAddress address) {
        Deque<UpstreamConnection> list = list(loop, address);
        for (UpstreamConnection next = list.pollLast(); next != null; next = list.pollLast()) {
            if (next.usable()) {
                return next;
            }
            next.close();
        }
        return null;
    }

    private Deque<UpstreamConnection> list(EventLoop loop, InetSocketAddress address) {
        return idle.computeIfAbsent(loop, _ -> new HashMap<>()).computeIfAbsent(address, _ -> new ArrayDeque<>());
    }

    private ChannelFuture counted(EventLoop loop, InetSocketAddress address) {
        open.merge(address, 1, Integer::sum);
        ChannelFuture connecting = open(loop, address);
        connecting.channel().closeFuture().addListener(_ -> {
            open.computeIfPresent(address, (_, count) -> count == 1 ? null : count - 1);
            closed.run();
        });
        return connecting;
    }

    private void connect(EventLoop loop, InetSocketAddress address, Consumer<@Nullable UpstreamConnection> done) {
        counted(loop, address).addListener((ChannelFutureListener) future -> {
            if (!future.isSuccess()) {
                done.accept(null);
                return;
            }
            Channel channel = future.channel();
            UpstreamConnection connection = new UpstreamConnection(address, channel);
            channel.pipeline()
                    .addLast(new HttpClientCodec(MOST_LINE, MOST_HEADERS, CHUNK))
                    .addLast(connection);
            channel.config().setAutoRead(true);
            done.accept(connection);
        });
    }

    /** Opens a connection without a codec that reads only when told to. */
    static ChannelFuture open(EventLoop loop, InetSocketAddress address) {
        return new Bootstrap()
                .group(loop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.AUTO_READ, false)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        // the one who asked adds what the connection is for
                    }
                })
                .connect(address);
    }

    /** Keeps a connection for later, on its loop; one that is closed meanwhile is forgotten when it is taken. */
    void give(UpstreamConnection connection, Set<InetSocketAddress> known) {
        if (connection.isStream()) {
            connection.close();
            return;
        }
        Deque<UpstreamConnection> list = list(connection.channel().eventLoop(), connection.address());
        if (!connection.channel().isActive() || !known.contains(connection.address()) || list.size() >= MOST_IDLE) {
            connection.close();
            return;
        }
        connection.idle();
        list.removeIf(other -> !other.channel().isActive());
        list.addLast(connection);
    }

    /**
     * Closes idle connections to addresses that are not known any more, each on its loop: until then one may still be
     * taken for a request that chose its pod before, and must not be closed under it.
     */
    void retain(Set<InetSocketAddress> known) {
        streams.retain(known);
        idle.forEach((loop, byAddress) -> {
            if (!loop.isShuttingDown()) {
                loop.execute(() -> byAddress.entrySet().removeIf(entry -> {
                    if (known.contains(entry.getKey())) {
                        return false;
                    }
                    entry.getValue().forEach(UpstreamConnection::close);
                    return true;
                }));
            }
        });
    }
}
