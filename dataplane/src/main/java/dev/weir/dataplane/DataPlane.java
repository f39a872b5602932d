package dev.weir.dataplane;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP proxy of a mesh in one process: an outbound proxy for each pod, and gateways.
 *
 * <p>A new configuration replaces the old one at once; requests under way finish on the one that they began with. Bodies
 * are streamed in both directions, as fast as the slower side takes them. Safe for concurrent use.
 */
public final class DataPlane implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(DataPlane.class);
    private static final int BACKLOG = 1024;
    private static final long QUIET_POLL_MILLIS = 100;
    private static final int MOST_READ = 65_536;

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(2, new DefaultThreadFactory("dataplane", true), NioIoHandler.newFactory());
    private final EventLoopGroup mirrorGroup =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("mirror", true), NioIoHandler.newFactory());
    private final Object changes = new Object();
    private final UpstreamPool pool = new UpstreamPool(this::changed);
    private final Metrics metrics;
    private final Mirroring mirroring;
    private final Proxy proxy;
    private volatile RouteTable table = new RouteTable(MeshConfig.EMPTY);
    /** The version of each object whose findings were logged. Guarded by this. */
    private Map<String, String> reported = Map.of();

    private DataPlane(DataPlaneOptions options) {
        metrics = new Metrics(options.series(), System::nanoTime);
        mirroring = new Mirroring(mirrorGroup, metrics, options, new UpstreamPool(this::changed));
        proxy = new Proxy(() -> table, pool, mirroring, metrics, options);
    }

    public static DataPlane start() {
        return start(DataPlaneOptions.standard());
    }

    public static DataPlane start(DataPlaneOptions options) {
        return new DataPlane(options);
    }

    /** Puts a configuration in force; what it asks for in vain is logged, once for each version of an object. */
    public synchronized void update(MeshConfig config) {
        RouteTable next = new RouteTable(config);
        table = next;
        closeUnknown();
        changed();
        TlsIdentity.retain(next.secrets().all());
        metrics.live(next.services().workloads());
        Map<String, String> seen = new HashMap<>();
        for (RouteTable.ObjectFindings found : next.findings()) {
            seen.put(found.object(), found.version());
            if (!found.version().equals(reported.get(found.object()))) {
                found.texts().forEach(text -> LOGGER.warn("{}: {}", found.object(), text));
            }
        }
        reported = seen;
    }

    /** The Gateways of Gateway API that are to be opened, as the configuration in force says. */
    public List<GatewayPorts> gateways() {
        return GatewayApiStatus.ports(table.gatewayApi());
    }

    /**
     * What is to be said about the objects of Gateway API, as the configuration in force has it.
     *
     * @param bound where the ports of Gateways listen, by {@code namespace/name} and the listener's port
     */
    public List<ObjectStatus> statuses(Map<String, Map<Integer, InetSocketAddress>> bound) {
        return new GatewayApiStatus(table.gatewayApi(), bound).all();
    }

    /** A connection that was given back just as its address left the table is idle in vain: looked for again. */
    private Set<InetSocketAddress> closeUnknown() {
        Set<InetSocketAddress> known = table.services().addresses();
        pool.retain(known);
        mirroring.retain(known);
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
        while (true) {
            Set<InetSocketAddress> known = closeUnknown();
            if (addresses.stream().noneMatch(known::contains)) {
                settle();
                if (addresses.stream()
                        .noneMatch(a -> pool.connected(a) || mirroring.pool().connected(a))) {
                    return true;
                }
            }
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                return false;
            }
            synchronized (changes) {
                changes.wait(Math.min(left, QUIET_POLL_MILLIS));
            }
        }
    }

    /** After this, every request that was looking at an older table has begun to open its connection. */
    private void settle() throws InterruptedException {
        for (EventExecutor loop : group) {
            loop.submit(() -> {}).await();
        }
        for (EventExecutor loop : mirrorGroup) {
            loop.submit(() -> {}).await();
        }
    }

    /**
     * Opens the outbound proxy of one pod: requests with absolute targets, or for the service that Host names.
     *
     * @throws IOException if the address cannot be bound
     */
    public ProxyListener openSidecar(Workload caller, InetSocketAddress bind) throws IOException {
        return openProxy(new Listening.Sidecar(caller), bind);
    }

    /**
     * Opens a gateway workload's port: it serves the Gateways that select the workload and listen on {@code port}.
     *
     * @throws IOException if the address cannot be bound
     */
    public ProxyListener openGateway(Workload gateway, InetSocketAddress bind, int port) throws IOException {
        return openProxy(new Listening.Gateway(gateway, port), bind);
    }

    /**
     * Serves the metrics at {@code /stats/prometheus}.
     *
     * @throws IOException if the address cannot be bound
     */
    public ProxyListener openStats(InetSocketAddress bind) throws IOException {
        Channel channel = open(bind, connection -> StatsPage.addTo(connection.pipeline(), metrics));
        return new Open(channel, () -> {});
    }

    private ProxyListener openProxy(Listening listening, InetSocketAddress bind) throws IOException {
        Acceptor acceptor = new Acceptor(proxy, listening);
        return new Open(open(bind, acceptor::accept), acceptor::drain);
    }

    private Channel open(InetSocketAddress bind, Consumer<Channel> pipeline) throws IOException {
        AdaptiveRecvByteBufAllocator buffers = new AdaptiveRecvByteBufAllocator(256, 2048, MOST_READ);
        buffers.maxMessagesPerRead(1);
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.RECVBUF_ALLOCATOR, buffers)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        pipeline.accept(connection);
                    }
                })
                .bind(bind)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on " + bind + ": " + bound.cause().getMessage());
        }
        return bound.channel();
    }

    private record Open(Channel channel, Runnable drain) implements ProxyListener {
        @Override
        public InetSocketAddress address() {
            return (InetSocketAddress) channel.localAddress();
        }

        @Override
        public void close() {
            channel.close().awaitUninterruptibly();
            drain.run();
        }
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        mirrorGroup.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
