package dev.weir.dataplane;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Sends copies of requests and forgets them: on a thread of its own, with a bound on how many are under way. What is over
 * the bound is dropped and counted; nothing here can slow or fail the request that is copied.
 */
final class Mirroring {
    private static final int MOST_IN_FLIGHT = 512;
    private static final int TIMEOUT_SECONDS = 10;

    private final EventLoopGroup group;
    private final Metrics metrics;
    private final UpstreamPool pool;
    private final AtomicInteger inFlight = new AtomicInteger();

    Mirroring(EventLoopGroup group, Metrics metrics, UpstreamPool pool) {
        this.group = group;
        this.metrics = metrics;
        this.pool = pool;
    }

    UpstreamPool pool() {
        return pool;
    }

    void mirror(RouteTable table, List<RouteTable.Mirror> mirrors, FullHttpRequest request, Workload caller) {
        for (RouteTable.Mirror mirror : mirrors) {
            if (ThreadLocalRandom.current().nextDouble(100) < mirror.percent()) {
                send(table, mirror, request, caller);
            }
        }
    }

    private void send(RouteTable table, RouteTable.Mirror mirror, FullHttpRequest request, Workload caller) {
        List<RouteTable.Endpoint> endpoints = table.endpoints(mirror.host(), mirror.port());
        if (endpoints == null || endpoints.isEmpty()) {
            metrics.mirrorDropped();
            return;
        }
        if (inFlight.incrementAndGet() > MOST_IN_FLIGHT) {
            inFlight.decrementAndGet();
            metrics.mirrorDropped();
            return;
        }
        metrics.mirrorSent();
        RouteTable.Endpoint endpoint = endpoints.get(ThreadLocalRandom.current().nextInt(endpoints.size()));
        FullHttpRequest copy = new DefaultFullHttpRequest(
                request.protocolVersion(),
                request.method(),
                request.uri(),
                Unpooled.copiedBuffer(request.content()),
                request.headers().copy(),
                request.trailingHeaders().copy());
        EventLoop loop = group.next();
        new Copy(loop, endpoint, mirror.host(), caller, table).start(copy);
    }

    private final class Copy extends SimpleChannelInboundHandler<HttpObject> {
        private final EventLoop loop;
        private final RouteTable.Endpoint endpoint;
        private final String host;
        private final Workload caller;
        private final RouteTable table;
        private final long startedNanos = System.nanoTime();
        private @Nullable ScheduledFuture<?> timeout;
        private int code;
        private boolean done;

        Copy(EventLoop loop, RouteTable.Endpoint endpoint, String host, Workload caller, RouteTable table) {
            this.loop = loop;
            this.endpoint = endpoint;
            this.host = host;
            this.caller = caller;
            this.table = table;
        }

        void start(FullHttpRequest request) {
            loop.execute(() -> {
                Channel idle = pool.take(loop, endpoint.address());
                if (idle != null) {
                    write(idle, request);
                    return;
                }
                pool.connect(loop, endpoint.address(), connected -> {
                    if (connected.isSuccess()) {
                        write(connected.channel(), request);
                    } else {
                        request.release();
                        finish(503, "UF");
                    }
                });
            });
        }

        private void write(Channel channel, FullHttpRequest request) {
            timeout = loop.schedule(() -> channel.close(), TIMEOUT_SECONDS, TimeUnit.SECONDS);
            channel.pipeline().addLast(this);
            channel.writeAndFlush(request);
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, HttpObject message) {
            if (message instanceof HttpResponse response) {
                code = response.status().code();
            }
            if (message instanceof LastHttpContent) {
                ctx.pipeline().remove(this);
                finish(code, "-");
                pool.give(loop, endpoint.address(), ctx.channel(), table.addresses());
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            finish(503, "UC");
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }

        private void finish(int status, String flags) {
            if (done) {
                return;
            }
            done = true;
            if (timeout != null) {
                timeout.cancel(false);
            }
            inFlight.decrementAndGet();
            metrics.request(caller, endpoint.workload(), host, status, flags, System.nanoTime() - startedNanos);
        }
    }
}
