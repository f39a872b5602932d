package dev.weir.dataplane;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connection to a pod, used by one request at a time. Everything runs on its event loop. */
final class UpstreamConnection extends ChannelInboundHandlerAdapter {
    /**
     * Shorter than the keep-alive of common servers (2 and 5 s): a request must not meet a connection that its server
     * is about to close, because it cannot be sent again.
     */
    private static final long MOST_IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(1500);

    private final InetSocketAddress address;
    private final Channel channel;
    private @Nullable User user;
    private long idleSince;
    private boolean watched;

    /** Who uses the connection. */
    interface User {
        /** @param message of the answer; the user releases it */
        void read(Object message);

        /** No more messages for now. */
        void readComplete();

        /** Whether more can be written has changed. */
        void writabilityChanged();

        /** The connection ended; nothing more is called. */
        void closed();
    }

    UpstreamConnection(InetSocketAddress address, Channel channel) {
        this.address = address;
        this.channel = channel;
    }

    InetSocketAddress address() {
        return address;
    }

    Channel channel() {
        return channel;
    }

    /** True for a stream of HTTP/2, which is for one request. */
    boolean isStream() {
        return channel instanceof Http2StreamChannel;
    }

    void use(User next) {
        user = next;
    }

    /** Nobody is told any more what happens here. */
    void leave() {
        user = null;
    }

    void close() {
        user = null;
        channel.close();
    }

    /** Begins to wait for the next request; a connection that waits too long is closed. */
    void idle() {
        user = null;
        idleSince = System.nanoTime();
        if (!watched) {
            watched = true;
            watch(MOST_IDLE_NANOS);
        }
    }

    boolean usable() {
        return channel.isActive() && System.nanoTime() - idleSince < MOST_IDLE_NANOS;
    }

    private void watch(long nanos) {
        channel.eventLoop()
                .schedule(
                        () -> {
                            long left = idleSince + MOST_IDLE_NANOS - System.nanoTime();
                            if (user != null || !channel.isActive()) {
                                watched = false;
                            } else if (left <= 0) {
                                channel.close();
                            } else {
                                watch(left);
                            }
                        },
                        nanos,
                        TimeUnit.NANOSECONDS);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (user == null) {
            // an answer that nobody asked for
            ReferenceCountUtil.release(message);
            ctx.close();
        } else {
            user.read(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (user != null) {
            user.readComplete();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (user != null) {
            user.writabilityChanged();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        User last = user;
        user = null;
        if (last != null) {
            last.closed();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
