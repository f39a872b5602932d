package dev.weir.dataplane;

import dev.weir.dataplane.Series.Result;
import dev.weir.dataplane.Series.ServiceName;
import dev.weir.dataplane.ServiceTable.Endpoint;
import dev.weir.dataplane.ServiceTable.Service;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Sends copies of requests and forgets them.
 *
 * <p>Nothing here can slow or fail the request that is copied: a copy is sent after it, by a thread of its own, once. How
 * many are under way and how much they hold is bounded; what is over the bounds is dropped and counted. To an address that
 * lets copies wait until their time is over, fewer and fewer are sent at once, since each takes a connection of its own;
 * with each answer one more.
 */
final class Mirroring {
    private final EventLoopGroup group;
    private final Metrics metrics;
    private final DataPlaneOptions options;
    private final UpstreamPool pool;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final Map<InetSocketAddress, CopyWindow> windows = new ConcurrentHashMap<>();
    private final AtomicLong held = new AtomicLong();

    /** Where a copy goes. */
    record Target(Endpoint endpoint, ServiceName service, RouteTable table) {}

    Mirroring(EventLoopGroup group, Metrics metrics, DataPlaneOptions options, UpstreamPool pool) {
        this.pool = pool;
        this.group = group;
        this.metrics = metrics;
        this.options = options;
    }

    UpstreamPool pool() {
        return pool;
    }

    /** Forgets addresses that are not known any more. */
    void retain(Set<InetSocketAddress> known) {
        pool.retain(known);
        windows.keySet().retainAll(known);
    }

    private CopyWindow window(Target target) {
        return windows.computeIfAbsent(
                target.endpoint().address(),
                _ -> new CopyWindow(options.mirrors().inFlight()));
    }

    private boolean full(CopyWindow window) {
        return window.full() || inFlight.get() >= options.mirrors().inFlight();
    }

    private boolean take(CopyWindow window) {
        if (inFlight.incrementAndGet() <= options.mirrors().inFlight() && window.take()) {
            return true;
        }
        inFlight.decrementAndGet();
        return false;
    }

    /**
     * Draws for each mirror, independently, whether the request is copied to it.
     *
     * @return null if there is nothing to copy
     */
    @Nullable
    CopiedRequest copy(List<Route.Mirror> mirrors, Exchange exchange, int port) {
        if (mirrors.isEmpty()) {
            return null;
        }
        List<Target> targets = new ArrayList<>(mirrors.size());
        for (Route.Mirror mirror : mirrors) {
            if (ThreadLocalRandom.current().nextDouble(100) < mirror.percent()) {
                Target target = target(mirror, exchange, port);
                if (target == null) {
                    dropped("no_endpoint", 1);
                } else if (full(window(target))) {
                    dropped("in_flight", 1);
                } else {
                    targets.add(target);
                }
            }
        }
        return targets.isEmpty()
                ? null
                : new CopiedRequest(this, targets, exchange.connection().caller(), exchange.request());
    }

    private static @Nullable Target target(Route.Mirror mirror, Exchange exchange, int port) {
        RouteTable table = exchange.table();
        String caller = exchange.connection().listening().caller().namespace();
        List<Endpoint> endpoints = table.endpoints(mirror.host(), mirror.subset(), mirror.port(), port, caller);
        Service service = table.services().service(mirror.host());
        if (endpoints == null || endpoints.isEmpty() || service == null) {
            return null;
        }
        Endpoint chosen = endpoints.get(ThreadLocalRandom.current().nextInt(endpoints.size()));
        return new Target(chosen, new ServiceName(service.fqdn(), service.name(), service.namespace()), table);
    }

    int mostBodyBytes() {
        return options.mirrors().bodyBytes();
    }

    /** Takes room for a part of a body; false if there is none. */
    boolean reserve(int bytes) {
        if (held.addAndGet(bytes) > options.mirrors().totalBytes()) {
            held.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    void release(int bytes) {
        held.addAndGet(-bytes);
    }

    void dropped(String reason, int copies) {
        for (int i = 0; i < copies; i++) {
            metrics.mirrorDropped(reason);
        }
    }

    /**
     * Sends a copy, or drops it if too many are under way.
     *
     * @param request released here
     * @param ended called once, when the copy holds nothing any more
     */
    void send(Target target, Peer caller, FullHttpRequest request, Runnable ended) {
        CopyWindow window = window(target);
        if (!take(window)) {
            dropped("in_flight", 1);
            request.release();
            ended.run();
            return;
        }
        metrics.mirrorSent();
        EventLoop loop = group.next();
        Copy copy = new Copy(loop, target, window, caller, request.content().readableBytes(), ended);
        loop.execute(() -> copy.start(request));
    }

    /** One copy under way, on the mirrors' event loop. */
    private final class Copy implements UpstreamConnection.User {
        private final EventLoop loop;
        private final Target target;
        private final CopyWindow window;
        private final Peer caller;
        private final long bytesIn;
        private final Runnable ended;
        private final long startedNanos = System.nanoTime();
        private @Nullable ScheduledFuture<?> timeout;
        private @Nullable UpstreamConnection connection;
        private int code;
        private long bytesOut;
        private boolean reusable;
        private boolean interim;
        private boolean done;

        Copy(EventLoop loop, Target target, CopyWindow window, Peer caller, long bytesIn, Runnable ended) {
            this.loop = loop;
            this.target = target;
            this.window = window;
            this.caller = caller;
            this.bytesIn = bytesIn;
            this.ended = ended;
        }

        void start(FullHttpRequest request) {
            boolean http2 = target.endpoint().http2(false);
            pool.acquire(loop, target.endpoint().address(), http2, opened -> {
                if (opened == null) {
                    request.release();
                    finish(503, "UF");
                } else {
                    write(opened, request);
                }
            });
        }

        private void write(UpstreamConnection opened, FullHttpRequest request) {
            connection = opened;
            opened.use(this);
            long nanos = options.timeouts().mirror().toNanos();
            timeout = loop.schedule(() -> finish(504, "UT"), nanos, TimeUnit.NANOSECONDS);
            opened.channel().writeAndFlush(request);
        }

        @Override
        public void read(Object message) {
            if (message instanceof HttpResponse response) {
                code = response.status().code();
                interim = code < 200;
                reusable = !interim && HttpUtil.isKeepAlive(response);
            }
            if (message instanceof HttpContent content) {
                bytesOut += content.content().readableBytes();
            }
            boolean last = message instanceof LastHttpContent;
            boolean broken = !(message instanceof io.netty.handler.codec.http.HttpObject object)
                    || object.decoderResult().isFailure();
            ReferenceCountUtil.release(message);
            if (broken) {
                finish(502, "UPE");
            } else if (last && !interim) {
                finish(code, "-");
            }
        }

        @Override
        public void readComplete() {
            // answers to copies are not passed on
        }

        @Override
        public void writabilityChanged() {
            // a copy is written at once
        }

        @Override
        public void closed() {
            finish(503, "UC");
        }

        private void finish(int status, String flags) {
            if (done) {
                return;
            }
            done = true;
            if (timeout != null) {
                timeout.cancel(false);
            }
            if (connection != null && flags.equals("-") && reusable) {
                pool.give(connection, target.table().services().addresses());
            } else if (connection != null) {
                connection.close();
            }
            inFlight.decrementAndGet();
            window.give(
                    switch (flags) {
                        case "-" -> CopyWindow.End.ANSWERED;
                        case "UT" -> CopyWindow.End.GIVEN_UP;
                        default -> CopyWindow.End.BROKEN;
                    });
            metrics.mirrorEnded();
            ended.run();
            Peer destination = Peer.of(target.endpoint().workload());
            long nanos = System.nanoTime() - startedNanos;
            // as in Istio, only the pod that is copied to reports a copy
            metrics.atDestination(
                    new Metrics.Request(caller, destination, target.service(), "", bytesIn, bytesOut, nanos),
                    new Result(status, flags));
        }
    }
}
