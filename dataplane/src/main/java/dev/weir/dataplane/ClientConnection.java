package dev.weir.dataplane;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One client connection, or one stream of HTTP/2, which is for one request: hands over one request at a time and of its body no more than is asked for.
 *
 * <p>It always reads until something is there that nobody takes, so that it sees a client go; what is read and not taken
 * is at most one buffer. Everything runs on the connection's event loop.
 */
final class ClientConnection extends ChannelInboundHandlerAdapter implements Acceptor.Draining {
    /** How long a client may go on sending after the last answer, which it would lose if its bytes met a closed port. */
    private static final long LINGER_MILLIS = 1000;

    private final Proxy proxy;
    private final Listening listening;
    private final Peer caller;
    private final String scheme;
    private final @Nullable ClientCodec codec;
    private final Queue<HttpObject> inbound = new ArrayDeque<>();

    @SuppressWarnings("NullAway.Init") // set before anything can be read
    private ChannelHandlerContext ctx;

    private @Nullable Exchange exchange;
    private @Nullable ScheduledFuture<?> watching;
    private boolean reading;
    private boolean pumping;

    private boolean draining;
    private boolean ended;
    private boolean watched;
    private boolean headerWatched;
    private long lastActivity = System.nanoTime();
    /** When the first byte of the request came whose headers are not whole yet; 0 if there is none. */
    private long headerSince;

    /**
     * @param scheme http or https
     * @param codec null for a stream of HTTP/2
     */
    ClientConnection(Proxy proxy, Listening listening, String scheme, @Nullable ClientCodec codec) {
        this.proxy = proxy;
        this.listening = listening;
        this.scheme = scheme;
        this.codec = codec;
        this.caller = Peer.of(listening.caller());
    }

    Channel channel() {
        return ctx.channel();
    }

    Listening listening() {
        return listening;
    }

    Peer caller() {
        return caller;
    }

    String scheme() {
        return scheme;
    }

    /** True for a stream of HTTP/2, which cannot become another protocol. */
    boolean isStream() {
        return codec == null;
    }

    /** Says whether the next answer is to HEAD. */
    void answersHead(boolean head) {
        if (codec != null) {
            codec.answersHead(head);
        }
    }

    /** True once the answer under way should tell the client that it is the last. */
    boolean draining() {
        return draining;
    }

    /** The other end's address without its port. */
    String address() {
        Channel socket = isStream() ? ctx.channel().parent() : ctx.channel();
        return socket.remoteAddress() instanceof InetSocketAddress remote
                ? remote.getAddress().getHostAddress()
                : "unknown";
    }

    /** Sees bytes before they are a request. */
    ChannelInboundHandlerAdapter firstBytes() {
        return first;
    }

    private final ChannelInboundHandlerAdapter first = new FirstBytes();

    private final class FirstBytes extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext first, Object message) {
            begun();
            first.fireChannelRead(message);
        }
    }

    /** Something moved, so that the request under way is not given up. */
    void touch() {
        lastActivity = System.nanoTime();
    }

    /** A request may have begun. */
    void begun() {
        touch();
        if (exchange == null && headerSince == 0) {
            headerSince = lastActivity;
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        ctx = added;
        if (added.channel().isActive() && added.channel().isRegistered()) {
            added.executor().execute(this::start);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext active) {
        start();
    }

    private void start() {
        if (!watched && !ended && !ctx.isRemoved()) {
            watched = true;
            watch();
            pump();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext from, Object message) {
        if (ended || !(message instanceof HttpObject object)) {
            ReferenceCountUtil.release(message);
            return;
        }
        inbound.add(object);
        pump();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext from) {
        reading = false;
        pump();
        if (!headerWatched) {
            watchHeader();
        }
    }

    /** Hands over what is wanted, and reads if nothing is left. */
    void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        try {
            for (HttpObject next = inbound.peek(); next != null && wanted(next); next = inbound.peek()) {
                inbound.poll();
                hand(next);
            }
        } finally {
            pumping = false;
        }
        if (inbound.isEmpty() && !reading) {
            reading = true;
            ctx.read();
        }
    }

    private boolean wanted(HttpObject next) {
        return ended || exchange == null || !(next instanceof HttpRequest) && exchange.wantsBody();
    }

    private void hand(HttpObject next) {
        if (ended) {
            ReferenceCountUtil.release(next);
        } else if (exchange != null && next instanceof HttpContent content) {
            exchange.body(content);
        } else if (next instanceof HttpRequest request) {
            headerSince = 0;
            Exchange started = new Exchange(this, proxy, request);
            exchange = started;
            started.begin();
        } else {
            // the rest of a body whose answer is already sent
            boolean failed = next.decoderResult().isFailure();
            headerSince = next instanceof LastHttpContent ? 0 : headerSince;
            ReferenceCountUtil.release(next);
            if (failed) {
                end();
            }
        }
    }

    /**
     * The request is answered.
     *
     * @param again false if the connection is not for another one
     */
    void answered(boolean again) {
        exchange = null;
        touch();
        if (!again) {
            end();
        } else {
            if (draining) {
                endIfIdle();
            }
            pump();
        }
    }

    private void endIfIdle() {
        Runnable end = () -> {
            if (exchange == null) {
                end();
            }
        };
        ctx.executor().schedule(end, LINGER_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Sends what is written, says that nothing follows, and waits a moment for the client to go. */
    void end() {
        if (ended) {
            return;
        }
        ended = true;
        if (isStream()) {
            // what is written goes first; a client that still sends is told to stop
            ctx.close();
            return;
        }
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> {
            if (ctx.channel() instanceof DuplexChannel duplex) {
                duplex.shutdownOutput();
            }
        });
        ctx.executor().schedule(() -> ctx.close(), LINGER_MILLIS, TimeUnit.MILLISECONDS);
        pump();
    }

    /** The listener closes: the request under way is the last; a client that is about to send still gets an answer. */
    @Override
    public void drain() {
        ctx.executor().execute(() -> {
            draining = true;
            endIfIdle();
            ctx.executor()
                    .schedule(
                            () -> ctx.channel().close(),
                            proxy.options().timeouts().drain().toNanos(),
                            TimeUnit.NANOSECONDS);
        });
    }

    /** From here on the bytes are not HTTP; who takes them watches over them, too. */
    void leave() {
        watched = false;
        if (watching != null) {
            watching.cancel(false);
        }
        ctx.pipeline().remove(this);
        inbound.forEach(ReferenceCountUtil::release);
        inbound.clear();
        if (codec != null) {
            codec.removeFrom(ctx.pipeline());
        }
    }

    /** Another protocol takes the connection over before any request. */
    void giveUp() {
        ended = true;
        ctx.pipeline().remove(first);
        leave();
    }

    /** Looks again when the connection could have been idle, or its request stalled, for too long. */
    private void watch() {
        DataPlaneOptions.Timeouts timeouts = proxy.options().timeouts();
        long limit = (exchange == null ? timeouts.idle() : timeouts.stream()).toNanos();
        long left = lastActivity + limit - System.nanoTime();
        if (left <= 0 && exchange != null) {
            exchange.stalled();
        } else if (left <= 0) {
            ctx.close();
        }
        if (watched && ctx.channel().isActive()) {
            long next = Math.min(left <= 0 ? limit : left, timeouts.stream().toNanos());
            watching = ctx.executor().schedule(this::watch, Math.max(next, 1), TimeUnit.NANOSECONDS);
        }
    }

    /** Looks again when the headers that have begun should be whole. */
    private void watchHeader() {
        headerWatched = false;
        if (!watched || exchange != null || headerSince == 0 || ended) {
            return;
        }
        long left = headerSince + proxy.options().timeouts().header().toNanos() - System.nanoTime();
        if (left <= 0) {
            LocalReply.refuse(ctx, 408, "the request's headers did not come in time");
            end();
        } else {
            headerWatched = true;
            ctx.executor().schedule(this::watchHeader, left, TimeUnit.NANOSECONDS);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext from) {
        touch();
        if (exchange != null && from.channel().isWritable()) {
            exchange.clientWritable();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext from) {
        ended = true;
        watched = false;
        if (watching != null) {
            watching.cancel(false);
        }
        Exchange last = exchange;
        exchange = null;
        if (last != null) {
            last.clientGone();
        }
        inbound.forEach(ReferenceCountUtil::release);
        inbound.clear();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
        from.close();
    }
}
