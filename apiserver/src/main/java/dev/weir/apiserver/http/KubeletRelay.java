package dev.weir.apiserver.http;

import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.ApiResponse;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Lets the kubelet of a pod's node answer: the request goes on with the server's own certificate, and from then on bytes
 * flow both ways unchanged. So the kubelet endpoint speaks whatever protocol the client asked to be upgraded to: WebSocket
 * with channels, SPDY/3.1 by itself or within a WebSocket.
 */
final class KubeletRelay {
    private static final int CONNECT_TIMEOUT_MILLIS = 5000;
    /** Beside those of WebSocket. Names in small letters. */
    private static final Set<String> UPGRADE_HEADERS = Set.of("upgrade", "connection", "x-stream-protocol-version");

    private final SslContext tls;

    KubeletRelay(SslContext tls) {
        this.tls = tls;
    }

    void relay(ChannelHandlerContext ctx, FullHttpRequest request, ApiResponse.Kubelet target) {
        String head = head(request, target);
        Bootstrap bootstrap = new Bootstrap()
                // both ends on one thread: neither can outlive the other's
                .group(ctx.channel().eventLoop())
                .channel(NioSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(tls.newHandler(channel.alloc(), target.host(), target.port()))
                                .addLast(new Copy(ctx.channel()));
                    }
                });
        ChannelFuture connected =
                bootstrap.connect(target.host(), target.port()).awaitUninterruptibly();
        if (!connected.isSuccess()) {
            throw ApiException.internal(
                    "error dialing backend: " + connected.cause().getMessage());
        }
        Channel node = connected.channel();
        ctx.channel().eventLoop().execute(() -> {
            // what the decoder still holds comes out when it is removed, and belongs to the node
            List<ChannelHandler> http = ctx.pipeline().toMap().values().stream()
                    .filter(handler -> !(handler instanceof SslHandler))
                    .toList();
            ctx.pipeline().addLast(new Copy(node));
            node.writeAndFlush(Unpooled.copiedBuffer(head, StandardCharsets.US_ASCII));
            http.forEach(ctx.pipeline()::remove);
            ctx.channel().config().setAutoRead(true);
        });
    }

    private static String head(FullHttpRequest request, ApiResponse.Kubelet target) {
        StringBuilder head = new StringBuilder(request.method().name())
                .append(' ')
                .append(target.path())
                .append(" HTTP/1.1\r\n");
        head.append("Host: ")
                .append(target.host())
                .append(':')
                .append(target.port())
                .append("\r\n");
        boolean upgrade = request.headers().contains(HttpHeaderNames.UPGRADE);
        request.headers().forEach(header -> {
            String name = header.getKey().toLowerCase(Locale.ROOT);
            if (upgrade && (UPGRADE_HEADERS.contains(name) || name.startsWith("sec-websocket"))) {
                head.append(header.getKey())
                        .append(": ")
                        .append(header.getValue())
                        .append("\r\n");
            }
        });
        if (!upgrade) {
            head.append("Connection: close\r\n");
        }
        if (request.method().equals(HttpMethod.POST)) {
            head.append("Content-Length: 0\r\n");
        }
        return head.append("\r\n").toString();
    }

    /** Writes what it reads to the other side; closes it when this side ends. */
    private static final class Copy extends ChannelInboundHandlerAdapter {
        private final Channel other;

        Copy(Channel other) {
            this.other = other;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            boolean room = other.isWritable();
            ctx.channel().config().setAutoRead(room);
            ChannelFuture written = other.writeAndFlush(message);
            if (!room) {
                written.addListener(_ -> ctx.channel().config().setAutoRead(true));
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> other.close());
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}
