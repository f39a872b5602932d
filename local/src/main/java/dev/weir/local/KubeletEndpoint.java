package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.auth.CertificateAuthority;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
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
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** What the API server asks a kubelet for: logs, exec, attach and port-forward, over TLS, with a client certificate required. */
final class KubeletEndpoint implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("kubelet", true), NioIoHandler.newFactory());
    private final Channel channel;

    KubeletEndpoint(Kubelet kubelet, CertificateAuthority authority) throws IOException {
        CertificateAuthority.Identity identity = authority.server("weir-kubelet", List.of("127.0.0.1", Kubelet.NODE));
        SslContext tls = SslContextBuilder.forServer(identity.key(), identity.certificate())
                .trustManager(authority.certificate())
                .clientAuth(ClientAuth.REQUIRE)
                .build();
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection
                                .pipeline()
                                .addLast(tls.newHandler(connection.alloc()))
                                .addLast(new HttpServerCodec())
                                .addLast(new HttpObjectAggregator(1 << 20))
                                .addLast(new Requests(kubelet));
                    }
                })
                .bind(new InetSocketAddress("127.0.0.1", 0))
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException("kubelet endpoint: " + bound.cause().getMessage());
        }
        channel = bound.channel();
    }

    int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    @Override
    public void close() {
        channel.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private static final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
        private final Kubelet kubelet;

        Requests(Kubelet kubelet) {
            this.kubelet = kubelet;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
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
            } else if (Set.of("exec", "attach").contains(parts[1]) && webSocket(request)) {
                stream(ctx, request, runner.get(), container.get(), uri);
            } else {
                refuse(
                        ctx,
                        HttpResponseStatus.NOT_IMPLEMENTED,
                        "NotImplemented",
                        "local mode serves logs, and exec, attach and port-forward over WebSocket");
            }
        }

        /** A whole answer that clients show as an error. */
        private static void refuse(
                ChannelHandlerContext ctx, HttpResponseStatus status, String reason, String message) {
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
                    ? name + " is waiting to start: "
                            + (waiting.message().isEmpty() ? waiting.reason() : waiting.message())
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
            upgrade(ctx, request, "v5.channel.k8s.io,v4.channel.k8s.io", () -> {
                StreamSession session = new StreamSession(peer, tty);
                ctx.pipeline().addLast(session);
                session.start(ctx.pipeline().context(session));
            });
        }

        private static void forward(ChannelHandlerContext ctx, FullHttpRequest request, PodRunner pod) {
            if (!webSocket(request)) {
                refuse(
                        ctx,
                        HttpResponseStatus.NOT_IMPLEMENTED,
                        "NotImplemented",
                        "local mode serves port-forward over WebSocket");
                return;
            }
            upgrade(
                    ctx,
                    request,
                    PortForward.PROTOCOL,
                    () -> ctx.pipeline()
                            .addLast(
                                    new PortForward.Tunnel(),
                                    new SpdyFrameCodec(SpdyVersion.SPDY_3_1),
                                    new PortForward(pod.sandbox())));
        }

        /** Answers a WebSocket handshake; then the session takes over. */
        private static void upgrade(
                ChannelHandlerContext ctx, FullHttpRequest request, String protocols, Runnable session) {
            WebSocketServerHandshaker handshaker = new WebSocketServerHandshakerFactory(
                            "wss://kubelet", protocols, false, 1 << 20)
                    .newHandshaker(request);
            if (handshaker == null) {
                WebSocketServerHandshakerFactory.sendUnsupportedVersionResponse(ctx.channel());
                return;
            }
            handshaker.handshake(ctx.channel(), request).addListener(done -> {
                if (done.isSuccess()) {
                    ctx.pipeline().remove(Requests.class);
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
}
