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
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/**
 * Idle connections to pods, by event loop and address.
 *
 * <p>A connection is used by one request at a time. Those to an address that no service names any more are closed, so
 * that a pod that goes away is not asked again.
 */
final class UpstreamPool {
    private static final int CONNECT_TIMEOUT_MILLIS = 2000;
    private static final int MOST_IDLE = 256;

    private final Map<EventLoop, Map<InetSocketAddress, ConcurrentLinkedDeque<Channel>>> idle =
            new ConcurrentHashMap<>();
    /** How many connections are open or opening, idle ones included. */
    private final Map<InetSocketAddress, Integer> open = new ConcurrentHashMap<>();

    private final Runnable closed;

    /** @param closed called after each connection that has closed */
    UpstreamPool(Runnable closed) {
        this.closed = closed;
    }

    /** An idle connection, or null. */
    @Nullable
    Channel take(EventLoop loop, InetSocketAddress address) {
        ConcurrentLinkedDeque<Channel> list = list(loop, address);
        for (Channel channel = list.pollLast(); channel != null; channel = list.pollLast()) {
            if (channel.isActive()) {
                return channel;
            }
        }
        return null;
    }

    private ConcurrentLinkedDeque<Channel> list(EventLoop loop, InetSocketAddress address) {
        return idle.computeIfAbsent(loop, _ -> new ConcurrentHashMap<>())
                .computeIfAbsent(address, _ -> new ConcurrentLinkedDeque<>());
    }

    /** Opens a connection on the loop; the listener gets the future. */
    void connect(EventLoop loop, InetSocketAddress address, ChannelFutureListener done) {
        open.merge(address, 1, Integer::sum);
        ChannelFuture connecting = new Bootstrap()
                .group(loop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                .option(ChannelOption.TCP_NODELAY, true)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new HttpClientCodec(8192, 65_536, 65_536));
                    }
                })
                .connect(address);
        connecting.channel().closeFuture().addListener(_ -> {
            open.computeIfPresent(address, (_, count) -> count == 1 ? null : count - 1);
            closed.run();
        });
        connecting.addListener(done);
    }

    /** Whether there is a connection to the address, be it opening, in use or idle. */
    boolean connected(InetSocketAddress address) {
        return open.containsKey(address);
    }

    /** Keeps a connection for later; one that is closed meanwhile is forgotten when it is taken. */
    void give(EventLoop loop, InetSocketAddress address, Channel channel, Set<InetSocketAddress> known) {
        ConcurrentLinkedDeque<Channel> list = list(loop, address);
        if (!channel.isActive() || !known.contains(address) || list.size() >= MOST_IDLE) {
            channel.close();
            return;
        }
        list.addLast(channel);
    }

    /** Closes idle connections to addresses that are not known any more. */
    void retain(Set<InetSocketAddress> known) {
        idle.values()
                .forEach(byAddress -> byAddress.forEach((address, list) -> {
                    if (!known.contains(address)) {
                        ArrayDeque<Channel> gone = new ArrayDeque<>();
                        for (Channel channel = list.poll(); channel != null; channel = list.poll()) {
                            gone.add(channel);
                        }
                        gone.forEach(Channel::close);
                    }
                }));
    }
}
