package dev.weir.dataplane;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Speaks HTTP/2: a server that answers as one of gRPC does, and clients. */
final class Http2Peer implements AutoCloseable {
    private static final int SECONDS = 20;
    private static final int MOST = 1 << 20;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

    /** An answer with its trailers. */
    record Answer(int status, String headers, String body, String trailers) {}

    /** Starts a server that echoes bodies and ends them with trailers; {@code /only} is answered by trailers only. */
    InetSocketAddress serve() throws InterruptedException {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection
                                .pipeline()
                                .addLast(Http2FrameCodecBuilder.forServer().build())
                                .addLast(new Http2MultiplexHandler(streams(true, new ServerHandlers())));
                    }
                });
        return (InetSocketAddress)
                bootstrap.bind("127.0.0.1", 0).sync().channel().localAddress();
    }

    /** Makes one handler for each stream. */
    private interface Handlers {
        ChannelHandler make();
    }

    private static final class ServerHandlers implements Handlers {
        @Override
        public ChannelHandler make() {
            return new Echo();
        }
    }

    private static ChannelHandler streams(boolean server, Handlers handlers) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel stream) {
                stream.pipeline()
                        .addLast(new Http2StreamFrameToHttpObjectCodec(server))
                        .addLast(new HttpObjectAggregator(MOST))
                        .addLast(handlers.make());
            }
        };
    }

    private static final class Echo extends SimpleChannelInboundHandler<FullHttpRequest> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
            DefaultHttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
            head.headers().set("content-type", "application/grpc");
            head.headers().set("x-authority", request.headers().get("host", ""));
            head.headers().set("x-te", request.headers().get("te", ""));
            if (request.uri().equals("/only")) {
                io.netty.handler.codec.http.DefaultFullHttpResponse only =
                        new io.netty.handler.codec.http.DefaultFullHttpResponse(
                                HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
                only.headers().set("grpc-status", "14");
                ctx.writeAndFlush(only);
                return;
            }
            ctx.write(head);
            ctx.write(new DefaultHttpContent(request.content().retain()));
            DefaultLastHttpContent end = new DefaultLastHttpContent();
            end.trailingHeaders().set("grpc-status", "0");
            ctx.writeAndFlush(end);
        }
    }

    /** A connection of a client. */
    final class Client {
        private final Channel connection;

        private Client(Channel connection) {
            this.connection = connection;
        }

        /** Asks on a stream of its own. */
        CompletableFuture<Answer> ask(String authority, String path, String body, String... headers)
                throws InterruptedException {
            CompletableFuture<Answer> answer = new CompletableFuture<>();
            Http2StreamChannel stream = new Http2StreamChannelBootstrap(connection)
                    .handler(streams(false, () -> new Receiver(answer)))
                    .open()
                    .sync()
                    .getNow();
            HttpMethod method = body.isEmpty() ? HttpMethod.GET : HttpMethod.POST;
            FullHttpRequest request = new DefaultFullHttpRequest(
                    HttpVersion.HTTP_1_1, method, path, Unpooled.copiedBuffer(body, StandardCharsets.UTF_8));
            request.headers().set("host", authority);
            for (String header : headers) {
                int colon = header.indexOf(':');
                request.headers()
                        .add(
                                header.substring(0, colon),
                                header.substring(colon + 1).strip());
            }
            stream.writeAndFlush(request);
            return answer.orTimeout(SECONDS, TimeUnit.SECONDS);
        }
    }

    private static final class Receiver extends ChannelInboundHandlerAdapter {
        private final CompletableFuture<Answer> answer;

        Receiver(CompletableFuture<Answer> answer) {
            this.answer = answer;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            FullHttpResponse response = (FullHttpResponse) message;
            answer.complete(new Answer(
                    response.status().code(),
                    response.headers().toString(),
                    response.content().toString(StandardCharsets.UTF_8),
                    response.trailingHeaders().toString()));
            response.release();
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            answer.completeExceptionally(new IllegalStateException("the stream ended"));
        }
    }

    /** @param serverName what TLS asks for, or null for cleartext */
    Client connect(InetSocketAddress address, @Nullable String serverName) throws InterruptedException, SSLException {
        SslContext context = SslContextBuilder.forClient()
                .trustManager(InsecureTrustManagerFactory.INSTANCE)
                .endpointIdentificationAlgorithm(null)
                .applicationProtocolConfig(new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        "h2"))
                .build();
        Channel channel = new Bootstrap()
                .group(group)
                .channel(NioSocketChannel.class)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        if (serverName != null) {
                            connection.pipeline().addLast(context.newHandler(connection.alloc(), serverName, 443));
                        }
                        connection
                                .pipeline()
                                .addLast(Http2FrameCodecBuilder.forClient().build())
                                .addLast(new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()));
                    }
                })
                .connect(address)
                .sync()
                .channel();
        SslHandler tls = channel.pipeline().get(SslHandler.class);
        if (tls != null) {
            tls.handshakeFuture().sync();
        }
        return new Client(channel);
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
