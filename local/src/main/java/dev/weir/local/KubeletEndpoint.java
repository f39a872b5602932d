package dev.weir.local;

import dev.weir.apiserver.auth.CertificateAuthority;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
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
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** What the API server asks a kubelet for: logs and exec, over TLS, with a client certificate required. */
final class KubeletEndpoint implements AutoCloseable {
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
            Optional<PodRunner> runner = parts.length == 5 ? kubelet.runner(parts[2], parts[3]) : Optional.empty();
            if (runner.isEmpty()) {
                text(ctx, HttpResponseStatus.NOT_FOUND, "pod is not running here\n");
            } else if (parts[1].equals("containerLogs")) {
                Thread.startVirtualThread(() -> logs(ctx, runner.get(), uri.parameters()));
            } else if (parts[1].equals("exec") && request.headers().contains(HttpHeaderNames.UPGRADE)) {
                exec(ctx, request, runner.get(), uri.parameters().getOrDefault("command", List.of()));
            } else {
                text(ctx, HttpResponseStatus.NOT_IMPLEMENTED, "local mode serves logs, and exec over WebSocket\n");
            }
        }

        private static void text(ChannelHandlerContext ctx, HttpResponseStatus status, String text) {
            start(ctx, status);
            ctx.write(new DefaultHttpContent(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8)));
            ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(_ -> ctx.close());
        }

        private static void start(ChannelHandlerContext ctx, HttpResponseStatus status) {
            HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, status);
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain");
            response.headers().set(HttpHeaderNames.CONNECTION, "close");
            HttpUtil.setTransferEncodingChunked(response, true);
            ctx.writeAndFlush(response);
        }

        private static void logs(ChannelHandlerContext ctx, PodRunner runner, Map<String, List<String>> query) {
            ContainerLog log = runner.log();
            start(ctx, HttpResponseStatus.OK);
            boolean follow =
                    query.getOrDefault("follow", List.of("false")).getFirst().equals("true");
            boolean stamps = query.getOrDefault("timestamps", List.of("false"))
                    .getFirst()
                    .equals("true");
            String tail = query.getOrDefault("tailLines", List.of("")).getFirst();
            String since = query.getOrDefault("sinceTime", List.of("")).getFirst();
            try {
                if (log != null) {
                    ContainerLog.Chunk chunk = log.read(0);
                    List<String> lines = chunk.lines();
                    if (tail.matches("\\d{1,9}")) {
                        lines = lines.subList(Math.max(0, lines.size() - Integer.parseInt(tail)), lines.size());
                    }
                    lines = lines.stream()
                            .filter(line -> line.compareTo(since) >= 0)
                            .toList();
                    write(ctx, lines, stamps);
                    long next = chunk.next();
                    while (follow && ctx.channel().isActive() && log.awaitMore(next)) {
                        chunk = log.read(next);
                        next = chunk.next();
                        write(ctx, chunk.lines(), stamps);
                    }
                }
            } catch (IOException gone) {
                // the log was removed with its pod
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
            ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener(_ -> ctx.close());
        }

        private static void write(ChannelHandlerContext ctx, List<String> lines, boolean stamps) {
            StringBuilder text = new StringBuilder();
            for (String line : lines) {
                text.append(stamps ? line : line.substring(line.indexOf(' ') + 1))
                        .append('\n');
            }
            ctx.writeAndFlush(new DefaultHttpContent(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8)));
        }

        private static void exec(
                ChannelHandlerContext ctx, FullHttpRequest request, PodRunner runner, List<String> command) {
            WebSocketServerHandshaker handshaker = new WebSocketServerHandshakerFactory(
                            "wss://kubelet", "v5.channel.k8s.io,v4.channel.k8s.io", false, 1 << 20)
                    .newHandshaker(request);
            if (handshaker == null) {
                WebSocketServerHandshakerFactory.sendUnsupportedVersionResponse(ctx.channel());
                return;
            }
            handshaker.handshake(ctx.channel(), request).addListener(_ -> {
                ctx.pipeline().remove(Requests.class);
                ExecSession session = new ExecSession(runner, command);
                ctx.pipeline().addLast(session);
                session.start(ctx.pipeline().context(session));
            });
        }
    }

    /** One command in a pod: stdin, stdout, stderr and the end on their channels. */
    private static final class ExecSession extends SimpleChannelInboundHandler<WebSocketFrame> {
        private static final int STDIN = 0;
        private static final int STDOUT = 1;
        private static final int STDERR = 2;
        private static final int ERROR = 3;
        private static final int CLOSE = 255;

        private final PodRunner runner;
        private final List<String> command;
        private volatile @org.jspecify.annotations.Nullable Process process;

        ExecSession(PodRunner runner, List<String> command) {
            this.runner = runner;
            this.command = command;
        }

        void start(ChannelHandlerContext ctx) {
            try {
                ProcessBuilder builder = new ProcessBuilder(command);
                builder.environment().clear();
                builder.environment().putAll(runner.environment());
                builder.directory(runner.workingDirectory().toFile());
                Process started = builder.start();
                process = started;
                Thread out = Thread.startVirtualThread(() -> pump(ctx, started.getInputStream(), STDOUT));
                Thread err = Thread.startVirtualThread(() -> pump(ctx, started.getErrorStream(), STDERR));
                Thread.startVirtualThread(() -> finish(ctx, started, out, err));
            } catch (IOException failure) {
                end(ctx, status("InternalError", String.valueOf(failure.getMessage()), ""));
            }
        }

        private static void pump(ChannelHandlerContext ctx, InputStream from, int number) {
            byte[] buffer = new byte[16_384];
            try (from) {
                for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                    ByteBuf frame = Unpooled.buffer(n + 1).writeByte(number).writeBytes(buffer, 0, n);
                    ctx.writeAndFlush(new BinaryWebSocketFrame(frame));
                }
            } catch (IOException ended) {
                // the process is gone
            }
        }

        private static void finish(ChannelHandlerContext ctx, Process started, Thread out, Thread err) {
            try {
                int code = started.waitFor();
                out.join();
                err.join();
                end(
                        ctx,
                        code == 0
                                ? "{\"metadata\":{},\"status\":\"Success\"}"
                                : status(
                                        "NonZeroExitCode",
                                        "command terminated with non-zero exit code: exit status " + code,
                                        Integer.toString(code)));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        }

        private static String status(String reason, String message, String exitCode) {
            String cause = exitCode.isEmpty()
                    ? ""
                    : ",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"" + exitCode + "\"}]}";
            return "{\"metadata\":{},\"status\":\"Failure\",\"reason\":\"" + reason + "\",\"message\":\""
                    + message.replace("\\", "\\\\").replace("\"", "\\\"") + "\"" + cause + "}";
        }

        private static void end(ChannelHandlerContext ctx, String status) {
            byte[] text = status.getBytes(StandardCharsets.UTF_8);
            ctx.write(new BinaryWebSocketFrame(
                    Unpooled.buffer(text.length + 1).writeByte(ERROR).writeBytes(text)));
            ctx.writeAndFlush(new CloseWebSocketFrame(1000, "")).addListener(_ -> ctx.close());
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, WebSocketFrame frame) throws IOException {
            Process running = process;
            if (!(frame instanceof BinaryWebSocketFrame)
                    || running == null
                    || !frame.content().isReadable()) {
                if (frame instanceof CloseWebSocketFrame) {
                    ctx.close();
                }
                return;
            }
            int number = frame.content().readUnsignedByte();
            OutputStream stdin = running.getOutputStream();
            if (number == STDIN) {
                byte[] bytes = new byte[frame.content().readableBytes()];
                frame.content().readBytes(bytes);
                stdin.write(bytes);
                stdin.flush();
            } else if (number == CLOSE) {
                stdin.close();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            Process running = process;
            if (running != null) {
                running.destroy();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}
