package dev.weir.dataplane;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The HTTP proxy of a mesh in one process: an outbound proxy for each pod, and gateways.
 *
 * <p>A new configuration replaces the old one at once; requests under way finish on the one that they began with.
 * Request bodies are held in memory while they are sent, up to 16 MiB; answers are streamed.
 */
public final class DataPlane implements AutoCloseable {
    private static final int MOST_REQUEST_BYTES = 16 * 1024 * 1024;
    private static final int MOST_HEADER_BYTES = 60 * 1024;
    private static final long QUIET_POLL_MILLIS = 100;

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(2, new DefaultThreadFactory("dataplane", true), NioIoHandler.newFactory());
    private final EventLoopGroup mirrorGroup =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("mirror", true), NioIoHandler.newFactory());
    private final Object changes = new Object();
    private final UpstreamPool pool = new UpstreamPool(this::changed);
    private final Metrics metrics = new Metrics();
    private final Mirroring mirroring = new Mirroring(mirrorGroup, metrics, new UpstreamPool(this::changed));
    private volatile RouteTable table = new RouteTable(MeshConfig.EMPTY);

    private DataPlane() {}

    public static DataPlane start() {
        return new DataPlane();
    }

    /** Puts a configuration in force. */
    public void update(MeshConfig config) {
        table = new RouteTable(config);
        closeUnknown();
        changed();
    }

    /** A connection that was given back just as its address left the table is idle in vain: looked for again. */
    private Set<InetSocketAddress> closeUnknown() {
        Set<InetSocketAddress> known = table.addresses();
        pool.retain(known);
        mirroring.pool().retain(known);
        return known;
    }

    private void changed() {
        synchronized (changes) {
            changes.notifyAll();
        }
    }

    /**
     * Waits until no service leads to these addresses and no request to them, mirrored ones included, is under way.
     *
     * @return false if that is not so when the time is over
     */
    public boolean awaitQuiet(Set<InetSocketAddress> addresses, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        synchronized (changes) {
            while (true) {
                Set<InetSocketAddress> known = closeUnknown();
                if (addresses.stream()
                        .noneMatch(a -> known.contains(a)
                                || pool.connected(a)
                                || mirroring.pool().connected(a))) {
                    return true;
                }
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    return false;
                }
                changes.wait(Math.min(left, QUIET_POLL_MILLIS));
            }
        }
    }

    /**
     * Opens the outbound proxy of one pod: requests with absolute targets, or for the service that Host names.
     *
     * @throws IOException if the address cannot be bound
     */
    public ProxyListener openSidecar(Workload caller, InetSocketAddress bind) throws IOException {
        return open(bind, () -> proxy(new ProxyHandler.Listening.Sidecar(caller)));
    }

    /** Opens a gateway workload's port: it serves the Gateways that select the workload and listen on {@code port}. */
    public ProxyListener openGateway(Workload gateway, InetSocketAddress bind, int port) throws IOException {
        return open(bind, () -> proxy(new ProxyHandler.Listening.Gateway(gateway, port)));
    }

    /** Serves the metrics at {@code /stats/prometheus}. */
    public ProxyListener openStats(InetSocketAddress bind) throws IOException {
        return open(bind, () -> new Stats(metrics));
    }

    private ProxyHandler proxy(ProxyHandler.Listening listening) {
        return new ProxyHandler(() -> table, pool, mirroring, metrics, listening);
    }

    private ProxyListener open(InetSocketAddress bind, Supplier<ChannelHandler> handler) throws IOException {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection
                                .pipeline()
                                .addLast(new HttpServerCodec(8192, MOST_HEADER_BYTES, 65_536))
                                .addLast(new HttpObjectAggregator(MOST_REQUEST_BYTES))
                                .addLast(handler.get());
                    }
                })
                .bind(bind)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on " + bind + ": " + bound.cause().getMessage());
        }
        return new Open(bound.channel());
    }

    private record Open(Channel channel) implements ProxyListener {
        @Override
        public InetSocketAddress address() {
            return (InetSocketAddress) channel.localAddress();
        }

        @Override
        public void close() {
            channel.close().awaitUninterruptibly();
        }
    }

    private static final class Stats extends SimpleChannelInboundHandler<FullHttpRequest> {
        private final Metrics metrics;

        Stats(Metrics metrics) {
            this.metrics = metrics;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
            boolean known = request.uri().equals("/stats/prometheus");
            byte[] body = (known ? metrics.text() : "not found\n").getBytes(StandardCharsets.UTF_8);
            FullHttpResponse response = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1,
                    known ? HttpResponseStatus.OK : HttpResponseStatus.NOT_FOUND,
                    Unpooled.wrappedBuffer(body));
            response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4");
            ctx.writeAndFlush(response);
        }
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        mirrorGroup.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
