package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.http.PingReplies;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.codec.spdy.SpdyFrameCodec;
import io.netty.handler.codec.spdy.SpdyVersion;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.security.auth.x500.X500Principal;

/** Answers the API server's requests, one for each connection. */
final class KubeletRequests extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STREAM_PROTOCOL = "X-Stream-Protocol-Version";

    private final Kubelet kubelet;
    private final KubeletEndpoint.Authorizer authorizer;

    KubeletRequests(Kubelet kubelet, KubeletEndpoint.Authorizer authorizer) {
        this.kubelet = kubelet;
        this.authorizer = authorizer;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        Optional<X500Principal> subject = subject(ctx);
        request.retain();
        // to ask whether the client may takes a while
        Thread.startVirtualThread(() -> {
            boolean allowed = subject.isPresent() && authorizer.allows(subject.get());
            ctx.executor().execute(() -> {
                try {
                    if (allowed) {
                        answer(ctx, request);
                    } else {
                        refuse(ctx, HttpResponseStatus.FORBIDDEN, "Forbidden", "the client may not use this node");
                    }
                } finally {
                    request.release();
                }
            });
        });
    }

    private static Optional<X500Principal> subject(ChannelHandlerContext ctx) {
        try {
            var shown =
                    ctx.pipeline().get(SslHandler.class).engine().getSession().getPeerCertificates();
            return Optional.of(((X509Certificate) shown[0]).getSubjectX500Principal());
        } catch (SSLPeerUnverifiedException unknown) {
            return Optional.empty();
        }
    }

    private void answer(ChannelHandlerContext ctx, FullHttpRequest request) {
        QueryStringDecoder uri = new QueryStringDecoder(request.uri());
        String[] parts = uri.path().split("/");
        Optional<PodRunner> runner = parts.length >= 4 ? kubelet.runner(parts[2], parts[3]) : Optional.empty();
        if (runner.isPresent() && parts.length == 4 && parts[1].equalsIgnoreCase("portForward")) {
            forward(ctx, request, runner.get());
            return;
        }
        Optional<ContainerRunner> container =
                parts.length == 5 ? runner.flatMap(pod -> pod.container(parts[4])) : Optional.empty();
        if (container.isEmpty()) {
            refuse(ctx, HttpResponseStatus.NOT_FOUND, "NotFound", "the pod or container is not on this node");
        } else if (parts[1].equals("containerLogs")) {
            Thread.startVirtualThread(() -> logs(ctx, parts[3], container.get(), uri.parameters()));
        } else if (!Set.of("exec", "attach").contains(parts[1])) {
            refuse(ctx, HttpResponseStatus.NOT_FOUND, "NotFound", "a kubelet has no " + uri.path());
        } else if (webSocket(request) || spdy(request)) {
            stream(ctx, request, runner.get(), container.get(), uri);
        } else {
            refuseWithoutUpgrade(ctx);
        }
    }

    private static void refuseWithoutUpgrade(ChannelHandlerContext ctx) {
        refuse(
                ctx,
                HttpResponseStatus.BAD_REQUEST,
                "BadRequest",
                "unable to upgrade: a stream needs the headers that ask for WebSocket or SPDY/3.1");
    }

    /** A whole answer that clients show as an error. */
    private static void refuse(ChannelHandlerContext ctx, HttpResponseStatus status, String reason, String message) {
        ObjectNode body = JSON.createObjectNode();
        body.put("kind", "Status").put("apiVersion", "v1");
        body.putObject("metadata");
        body.put("status", "Failure").put("message", message).put("reason", reason);
        body.put("code", status.code());
        start(ctx, status, "application/json");
        ctx.write(new DefaultHttpContent(Unpooled.copiedBuffer(body.toString(), StandardCharsets.UTF_8)));
        ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(_ -> ctx.close());
    }

    private static void start(ChannelHandlerContext ctx, HttpResponseStatus status, String type) {
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, status);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, type);
        response.headers().set(HttpHeaderNames.CONNECTION, "close");
        HttpUtil.setTransferEncodingChunked(response, true);
        ctx.writeAndFlush(response);
    }

    private static void logs(
            ChannelHandlerContext ctx, String pod, ContainerRunner container, Map<String, List<String>> query) {
        LogRequest wanted;
        try {
            wanted = LogRequest.of(query, Instant.now());
        } catch (IllegalArgumentException malformed) {
            refuse(ctx, HttpResponseStatus.BAD_REQUEST, "BadRequest", String.valueOf(malformed.getMessage()));
            return;
        }
        Optional<ContainerLog> log = container.log(wanted.previous());
        if (log.isEmpty()) {
            refuse(ctx, HttpResponseStatus.BAD_REQUEST, "BadRequest", absent(pod, container, wanted.previous()));
            return;
        }
        start(ctx, HttpResponseStatus.OK, "text/plain");
        try {
            wanted.send(log.get(), text -> write(ctx, text));
        } catch (IOException gone) {
            // the log was removed with its pod
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(_ -> ctx.close());
    }

    private static String absent(String pod, ContainerRunner container, boolean previous) {
        String name = "container \"" + container.name() + "\" in pod \"" + pod + "\"";
        if (previous) {
            return "previous terminated " + name + " not found";
        }
        return container.view().state() instanceof ContainerView.State.Waiting waiting
                ? name + " is waiting to start: " + (waiting.message().isEmpty() ? waiting.reason() : waiting.message())
                : name + " is not available";
    }

    private static boolean write(ChannelHandlerContext ctx, String text) throws InterruptedException {
        if (!text.isEmpty()) {
            ctx.writeAndFlush(new DefaultHttpContent(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8)))
                    .await();
        }
        return ctx.channel().isActive();
    }

    private static boolean webSocket(FullHttpRequest request) {
        return "websocket".equalsIgnoreCase(request.headers().get(HttpHeaderNames.UPGRADE));
    }

    private static boolean spdy(FullHttpRequest request) {
        return "SPDY/3.1".equalsIgnoreCase(request.headers().get(HttpHeaderNames.UPGRADE));
    }

    private static boolean flag(QueryStringDecoder uri, String name) {
        return List.of("1", "true")
                .contains(uri.parameters().getOrDefault(name, List.of("0")).getFirst());
    }

    /** Exec or attach. */
    private static void stream(
            ChannelHandlerContext ctx,
            FullHttpRequest request,
            PodRunner pod,
            ContainerRunner container,
            QueryStringDecoder uri) {
        if (!container.view().running()) {
            refuse(
                    ctx,
                    HttpResponseStatus.INTERNAL_SERVER_ERROR,
                    "InternalError",
                    "container not found (\"" + container.name() + "\")");
            return;
        }
        boolean stdin = flag(uri, "input");
        boolean tty = flag(uri, "tty");
        Peer peer = uri.path().startsWith("/attach/")
                ? new AttachPeer(container, stdin)
                : new ExecPeer(
                        pod.sandbox(),
                        container.container(),
                        uri.parameters().getOrDefault("command", List.of()),
                        stdin,
                        tty);
        PeerSession shared = new PeerSession(peer);
        if (spdy(request)) {
            upgradeToSpdy(ctx, request, SpdySession.PROTOCOL, new SpdySession(shared, streams(uri, stdin, tty)));
            return;
        }
        upgrade(ctx, request, "v5.channel.k8s.io,v4.channel.k8s.io", () -> {
            StreamSession session = new StreamSession(shared);
            ctx.pipeline().addLast(session);
            session.start(ctx.pipeline().context(session));
        });
    }

    /** What a client of exec or attach over SPDY is going to open. */
    private static Set<String> streams(QueryStringDecoder uri, boolean stdin, boolean tty) {
        Set<String> streams = new HashSet<>();
        if (stdin) {
            streams.add("stdin");
        }
        if (flag(uri, "output")) {
            streams.add("stdout");
        }
        if (flag(uri, "error") && !tty) {
            streams.add("stderr");
        }
        if (tty) {
            streams.add("resize");
        }
        return streams;
    }

    private static void forward(ChannelHandlerContext ctx, FullHttpRequest request, PodRunner pod) {
        if (spdy(request)) {
            upgradeToSpdy(ctx, request, PortForward.STREAMS, new PortForward(pod.sandbox()));
        } else if (webSocket(request)) {
            upgrade(
                    ctx,
                    request,
                    PortForward.PROTOCOL,
                    () -> ctx.pipeline()
                            .addLast(
                                    new PortForward.Tunnel(),
                                    new SpdyFrameCodec(SpdyVersion.SPDY_3_1),
                                    new PortForward(pod.sandbox())));
        } else {
            refuseWithoutUpgrade(ctx);
        }
    }

    /** Answers that the connection goes on as SPDY; then the session takes over. */
    private static void upgradeToSpdy(
            ChannelHandlerContext ctx, FullHttpRequest request, String protocol, ChannelHandler session) {
        boolean offered = request.headers().getAll(STREAM_PROTOCOL).stream()
                .anyMatch(line -> List.of(line.split("\\s*,\\s*")).contains(protocol));
        if (!offered) {
            refuse(ctx, HttpResponseStatus.FORBIDDEN, "Forbidden", "the client does not speak " + protocol);
            return;
        }
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.SWITCHING_PROTOCOLS);
        response.headers()
                .set(HttpHeaderNames.CONNECTION, HttpHeaderNames.UPGRADE)
                .set(HttpHeaderNames.UPGRADE, "SPDY/3.1")
                .set(STREAM_PROTOCOL, protocol);
        ctx.writeAndFlush(response).addListener(done -> {
            if (done.isSuccess()) {
                ctx.pipeline().addLast(new SpdyFrameCodec(SpdyVersion.SPDY_3_1), session);
                ctx.pipeline().remove(HttpObjectAggregator.class);
                ctx.pipeline().remove(KubeletRequests.class);
                // last: what it has read already goes to those behind it
                ctx.pipeline().remove(HttpServerCodec.class);
            }
        });
    }

    /** Answers a WebSocket handshake; then the session takes over. */
    private static void upgrade(
            ChannelHandlerContext ctx, FullHttpRequest request, String protocols, Runnable session) {
        WebSocketServerHandshaker handshaker =
                new WebSocketServerHandshakerFactory("wss://kubelet", protocols, false, 1 << 20).newHandshaker(request);
        if (handshaker == null) {
            WebSocketServerHandshakerFactory.sendUnsupportedVersionResponse(ctx.channel());
            return;
        }
        handshaker.handshake(ctx.channel(), request).addListener(done -> {
            if (done.isSuccess()) {
                ctx.pipeline().remove(KubeletRequests.class);
                ctx.pipeline().addLast(new PingReplies());
                session.run();
            }
        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // the client went
        ctx.close();
    }
}
