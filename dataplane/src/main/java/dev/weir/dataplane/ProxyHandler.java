package dev.weir.dataplane;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One client connection: one request at a time is routed, sent to a pod, and its answer streamed back. */
final class ProxyHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final int MOST_ATTEMPTS = 3;
    private static final List<String> HOP_BY_HOP = List.of(
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authorization",
            "te",
            "trailer",
            "upgrade");

    private final Supplier<RouteTable> table;
    private final UpstreamPool pool;
    private final Mirroring mirroring;
    private final Metrics metrics;
    private final Listening listening;

    /** Where the connection came in: as the proxy of one pod, or at a gateway's port. */
    sealed interface Listening {
        record Sidecar(Workload caller) implements Listening {}

        record Gateway(Workload gateway, int port) implements Listening {}
    }

    ProxyHandler(
            Supplier<RouteTable> table, UpstreamPool pool, Mirroring mirroring, Metrics metrics, Listening listening) {
        super(false);
        this.table = table;
        this.pool = pool;
        this.mirroring = mirroring;
        this.metrics = metrics;
        this.listening = listening;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        ctx.channel().config().setAutoRead(false);
        Exchange exchange = new Exchange(ctx, request, table.get());
        if (request.decoderResult().isFailure()) {
            exchange.reply(400, "", "-");
        } else if (request.method().equals(HttpMethod.CONNECT)
                || request.headers().contains(HttpHeaderNames.UPGRADE, "websocket", true)) {
            exchange.reply(501, "tunnels and protocol upgrades are not served", "-");
        } else {
            exchange.route();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }

    private Workload caller() {
        return switch (listening) {
            case Listening.Sidecar(Workload caller) -> caller;
            case Listening.Gateway(Workload gateway, int _) -> gateway;
        };
    }

    /** One request and its answer. Everything runs on the client connection's event loop. */
    private final class Exchange {
        private final ChannelHandlerContext ctx;
        private final FullHttpRequest request;
        private final RouteTable routes;
        private final boolean keepAlive;
        private final long startedNanos = System.nanoTime();
        private String host = "";
        private Workload destination = Workload.UNKNOWN;
        private List<RouteTable.HeaderChanges> responseChanges = List.of();
        private int attempt;

        Exchange(ChannelHandlerContext ctx, FullHttpRequest request, RouteTable routes) {
            this.ctx = ctx;
            this.request = request;
            this.routes = routes;
            this.keepAlive = HttpUtil.isKeepAlive(request);
        }

        void route() {
            String authority = authority();
            int colon = authority.lastIndexOf(':');
            host = (colon > 0 ? authority.substring(0, colon) : authority).toLowerCase(Locale.ROOT);
            int port = port(authority, colon);
            String path = request.uri().split("\\?", 2)[0];
            List<RouteTable.Route> candidates = candidates();
            if (candidates == null) {
                RouteTable.Service service = routes.service(host, caller().namespace());
                if (service == null || service.aliasOf() != null) {
                    reply(502, "no service is known by the name " + host, "NR");
                } else {
                    host = service.fqdn();
                    send(routes.endpoints(service.fqdn(), port));
                }
                return;
            }
            String gateway = listening instanceof Listening.Sidecar ? "mesh" : "";
            Matcher.Subject subject = new Matcher.Subject(request, path, caller(), gateway, port);
            for (RouteTable.Route route : candidates) {
                if (route.match().test(subject)) {
                    follow(route);
                    return;
                }
            }
            reply(404, "", "NR");
        }

        private @Nullable List<RouteTable.Route> candidates() {
            return switch (listening) {
                case Listening.Sidecar(Workload caller) -> routes.meshRoutes(host, caller.namespace());
                case Listening.Gateway(Workload gateway, int open) -> routes.gatewayRoutes(gateway, open, host);
            };
        }

        private int port(String authority, int colon) {
            if (listening instanceof Listening.Gateway(Workload _, int open)) {
                return open;
            }
            String text = colon > 0 ? authority.substring(colon + 1) : "";
            return text.matches("\\d{1,5}") ? Integer.parseInt(text) : 80;
        }

        /** Takes the host from an absolute request target, as a forward proxy gets it, and leaves the path. */
        private String authority() {
            String uri = request.uri();
            if (uri.regionMatches(true, 0, "http://", 0, 7)) {
                try {
                    URI target = URI.create(uri);
                    int slash = uri.indexOf('/', 7);
                    int query = uri.indexOf('?', 7);
                    request.setUri(slash >= 0 ? uri.substring(slash) : query >= 0 ? "/" + uri.substring(query) : "/");
                    String authority = String.valueOf(target.getRawAuthority());
                    request.headers().set(HttpHeaderNames.HOST, authority);
                    return authority;
                } catch (IllegalArgumentException malformed) {
                    return "";
                }
            }
            return request.headers().get(HttpHeaderNames.HOST, "");
        }

        private void follow(RouteTable.Route route) {
            RouteTable.Destination chosen = choose(route.destinations());
            if (chosen == null) {
                reply(404, "", "NR");
                return;
            }
            prepareHeaders(chosen.request());
            responseChanges = chosen.response();
            host = chosen.host();
            mirroring.mirror(routes, route.mirrors(), request, caller());
            send(routes.endpoints(chosen.host(), chosen.port()));
        }

        private static RouteTable.@Nullable Destination choose(List<RouteTable.Destination> destinations) {
            if (destinations.size() <= 1) {
                return destinations.isEmpty() ? null : destinations.getFirst();
            }
            int total = destinations.stream()
                    .mapToInt(RouteTable.Destination::weight)
                    .sum();
            if (total <= 0) {
                return null;
            }
            int at = ThreadLocalRandom.current().nextInt(total);
            for (RouteTable.Destination destination : destinations) {
                at -= destination.weight();
                if (at < 0) {
                    return destination;
                }
            }
            return destinations.getLast();
        }

        private void prepareHeaders(List<RouteTable.HeaderChanges> changes) {
            HttpHeaders headers = request.headers();
            HOP_BY_HOP.forEach(headers::remove);
            if (!headers.contains("x-request-id")) {
                headers.set("x-request-id", UUID.randomUUID().toString());
            }
            headers.set("x-forwarded-proto", "http");
            headers.remove(HttpHeaderNames.TRANSFER_ENCODING);
            if (request.content().isReadable() || headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
                headers.set(HttpHeaderNames.CONTENT_LENGTH, request.content().readableBytes());
            }
            changes.forEach(change -> apply(change, headers));
        }

        private static void apply(RouteTable.HeaderChanges change, HttpHeaders headers) {
            change.remove().forEach(headers::remove);
            change.set().forEach((name, value) -> headers.set(name, value));
            change.add().forEach((name, value) -> headers.add(name, value));
        }

        private void send(@Nullable List<RouteTable.Endpoint> endpoints) {
            if (endpoints == null) {
                reply(503, "", "NC");
                return;
            }
            if (endpoints.isEmpty()) {
                reply(503, "no healthy upstream", "UH");
                return;
            }
            request.headers().set("x-envoy-attempt-count", ++attempt);
            RouteTable.Endpoint endpoint =
                    endpoints.get(ThreadLocalRandom.current().nextInt(endpoints.size()));
            Channel idle = pool.take(ctx.channel().eventLoop(), endpoint.address());
            if (idle != null) {
                write(idle, endpoint);
                return;
            }
            pool.connect(ctx.channel().eventLoop(), endpoint.address(), connected -> {
                if (connected.isSuccess()) {
                    write(connected.channel(), endpoint);
                } else if (attempt < MOST_ATTEMPTS) {
                    // nothing was sent, so another pod may be asked whatever the method
                    List<RouteTable.Endpoint> others = new ArrayList<>(endpoints);
                    if (others.size() > 1) {
                        others.remove(endpoint);
                    }
                    send(others);
                } else {
                    reply(
                            503,
                            "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
                            "UF,URX");
                }
            });
        }

        private void write(Channel upstream, RouteTable.Endpoint endpoint) {
            destination = endpoint.workload();
            upstream.pipeline().addLast(new Answer(this, endpoint));
            upstream.writeAndFlush(request.retain());
        }

        void reply(int code, String text, String flags) {
            byte[] body = text.getBytes(StandardCharsets.UTF_8);
            FullHttpResponse response = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code), Unpooled.wrappedBuffer(body));
            response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
            response.headers().set(HttpHeaderNames.SERVER, "weir");
            if (body.length > 0) {
                response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain");
            }
            start(response);
            ctx.write(response);
            finish(code, flags);
        }

        void start(HttpResponse response) {
            responseChanges.forEach(change -> apply(change, response.headers()));
            response.headers()
                    .set(HttpHeaderNames.CONNECTION, keepAlive ? HttpHeaderValues.KEEP_ALIVE : HttpHeaderValues.CLOSE);
        }

        void finish(int code, String flags) {
            metrics.request(caller(), destination, host, code, flags, System.nanoTime() - startedNanos);
            ReferenceCountUtil.release(request);
            ctx.flush();
            if (keepAlive) {
                ctx.channel().config().setAutoRead(true);
            } else {
                ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> ctx.close());
            }
        }

        void abort() {
            ReferenceCountUtil.release(request);
            ctx.close();
        }
    }

    /** Reads one answer from a pod and passes it on. */
    private final class Answer extends SimpleChannelInboundHandler<HttpObject> {
        private final Exchange exchange;
        private final RouteTable.Endpoint endpoint;
        private @Nullable HttpResponse head;
        private boolean done;

        Answer(Exchange exchange, RouteTable.Endpoint endpoint) {
            super(false);
            this.exchange = exchange;
            this.endpoint = endpoint;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext upstream, HttpObject message) {
            Channel client = exchange.ctx.channel();
            if (message instanceof HttpResponse response) {
                head = response;
                HttpResponse copy = new DefaultHttpResponse(
                        HttpVersion.HTTP_1_1,
                        response.status(),
                        response.headers().copy());
                long millis = (System.nanoTime() - exchange.startedNanos) / 1_000_000;
                copy.headers().set("x-envoy-upstream-service-time", millis);
                exchange.start(copy);
                exchange.ctx.write(copy);
            }
            if (message instanceof HttpContent content) {
                boolean last = content instanceof LastHttpContent;
                exchange.ctx.write(content);
                if (last) {
                    complete(upstream);
                    return;
                }
                exchange.ctx.flush();
                if (!client.isWritable()) {
                    upstream.channel().config().setAutoRead(false);
                    exchange.ctx
                            .writeAndFlush(Unpooled.EMPTY_BUFFER)
                            .addListener(_ -> upstream.channel().config().setAutoRead(true));
                }
            }
        }

        private void complete(ChannelHandlerContext upstream) {
            done = true;
            upstream.pipeline().remove(this);
            boolean reusable = head != null && HttpUtil.isKeepAlive(head);
            if (reusable) {
                pool.give(
                        exchange.ctx.channel().eventLoop(),
                        endpoint.address(),
                        upstream.channel(),
                        table.get().addresses());
            } else {
                upstream.close();
            }
            exchange.finish(head == null ? 502 : head.status().code(), "-");
        }

        @Override
        public void channelInactive(ChannelHandlerContext upstream) {
            if (done) {
                return;
            }
            done = true;
            if (head == null) {
                exchange.reply(
                        503,
                        "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
                        "UC");
            } else {
                exchange.abort();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext upstream, Throwable cause) {
            upstream.close();
        }
    }
}
