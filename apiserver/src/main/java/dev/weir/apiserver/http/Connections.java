package dev.weir.apiserver.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoopGroup;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections of a server, and how long it waits for each: for the rest of a request, for the next one, for a client
 * that does not read what it is sent. One timer looks after all of them. Safe for concurrent use.
 */
final class Connections {
    private static final Logger LOGGER = LoggerFactory.getLogger(Connections.class);
    private static final long NEVER = Long.MAX_VALUE;
    /** How often the timer looks while the shortest patience lasts. */
    private static final int LOOKS = 4;

    private final HttpLimits limits;
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();

    Connections(HttpLimits limits, EventLoopGroup group) {
        this.limits = limits;
        long every = limits.shortest().toMillis() / LOOKS;
        group.next().scheduleWithFixedDelay(this::look, every, every, TimeUnit.MILLISECONDS);
    }

    /** Null if there are too many connections already; the new one should be closed then. */
    @Nullable
    Connection add(Channel channel) {
        if (open.size() >= limits.connections()) {
            LOGGER.warn("there are {} connections; a new one is refused", limits.connections());
            return null;
        }
        Connection connection = new Connection(channel);
        open.add(connection);
        channel.closeFuture().addListener(_ -> open.remove(connection));
        return connection;
    }

    private void look() {
        long now = System.nanoTime();
        open.forEach(connection -> connection.look(now));
    }

    /** Closes every connection and waits until they are closed. */
    void closeAll() {
        open.stream()
                .map(connection -> connection.channel.close())
                .toList()
                .forEach(ChannelFuture::awaitUninterruptibly);
    }

    /** One connection, as the first to see its bytes. Its state is written by its event loop and read by the timer. */
    final class Connection extends ChannelInboundHandlerAdapter {
        private final Channel channel;
        private volatile long due;
        private volatile boolean idle;
        private volatile boolean released;
        private long unread;
        private long unreadSince;

        private Connection(Channel channel) {
            this.channel = channel;
            wait(limits.request());
        }

        private void wait(Duration atMost) {
            due = System.nanoTime() + atMost.toNanos();
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (idle) {
                idle = false;
                wait(limits.request());
            }
            ctx.fireChannelRead(message);
        }

        /** From now on it is the server that takes its time. */
        void requestIsWhole() {
            due = NEVER;
        }

        void answered() {
            idle = true;
            wait(limits.idle());
        }

        /** From now on it is between the client and a pod: whoever follows a log may stop reading for as long as they like. */
        void release() {
            released = true;
        }

        private void look(long now) {
            if (released) {
                return;
            }
            if (due != NEVER && now - due > 0) {
                LOGGER.debug("{} is closed: no request in time", channel);
                channel.close();
            } else if (isStuck(now)) {
                LOGGER.debug("{} is closed: it does not read", channel);
                channel.close();
            }
        }

        /** True if something has been waiting to be read for long, and nothing of it was. */
        private boolean isStuck(long now) {
            ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
            long pending = buffer == null ? 0 : buffer.totalPendingWriteBytes();
            if (pending == 0 || pending != unread) {
                unread = pending;
                unreadSince = now;
            }
            return pending > 0 && now - unreadSince > limits.unread().toNanos();
        }
    }
}
