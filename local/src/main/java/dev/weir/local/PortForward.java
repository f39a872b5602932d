package dev.weir.local;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyFrame;
import io.netty.handler.codec.spdy.SpdyPingFrame;
import io.netty.handler.codec.spdy.SpdyRstStreamFrame;
import io.netty.handler.codec.spdy.SpdySynStreamFrame;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Connections to ports of a pod over one connection of a client: SPDY/3.1 streams in pairs, one for errors and one for
 * data, as kubectl opens them. Everything runs on the connection's event loop.
 */
final class PortForward extends SimpleChannelInboundHandler<SpdyFrame> {
    /** Plain SPDY. */
    static final String STREAMS = "portforward.k8s.io";

    /** SPDY within WebSocket messages. */
    static final String PROTOCOL = "SPDY/3.1+portforward.k8s.io";

    private static final int CONNECT_MILLIS = 5000;
    private static final int MOST_CONNECTIONS = 1000;
    /** What one connection may send before its port has accepted. */
    private static final int MOST_EARLY_BYTES = 256 * 1024;

    private final PodSandbox pod;
    /** Error streams by the number that both streams of a pair carry. */
    private final Map<String, Integer> errors = new HashMap<>();

    private final Map<Integer, Connection> connections = new HashMap<>();

    PortForward(PodSandbox pod) {
        this.pod = pod;
    }

    /** SPDY's bytes in binary messages. */
    static final class Tunnel extends ChannelDuplexHandler {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            switch ((WebSocketFrame) message) {
                case BinaryWebSocketFrame frame -> ctx.fireChannelRead(frame.content());
                case ContinuationWebSocketFrame frame -> ctx.fireChannelRead(frame.content());
                case CloseWebSocketFrame frame -> {
                    frame.release();
                    ctx.close();
                }
                case WebSocketFrame other -> other.release();
            }
        }

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            ctx.write(message instanceof ByteBuf bytes ? new BinaryWebSocketFrame(bytes) : message, promise);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, SpdyFrame frame) {
        switch (frame) {
            case SpdySynStreamFrame opened -> open(ctx, opened);
            case SpdyDataFrame data -> {
                Connection connection = connections.get(data.streamId());
                if (connection != null) {
                    connection.send(data.content().retain(), data.isLast());
                }
            }
            case SpdyRstStreamFrame reset -> {
                Connection connection = connections.remove(reset.streamId());
                if (connection != null) {
                    connection.close();
                }
            }
            case SpdyPingFrame ping -> ctx.writeAndFlush(ping);
            default -> {
                // settings, windows and farewells change nothing here
            }
        }
    }

    private void open(ChannelHandlerContext ctx, SpdySynStreamFrame opened) {
        ctx.writeAndFlush(SpdyFrames.accept(opened.streamId()));
        String request = String.valueOf(opened.headers().getAsString("requestid"));
        if ("error".equals(opened.headers().getAsString("streamtype"))) {
            if (errors.size() >= MOST_CONNECTIONS) {
                ctx.close();
                return;
            }
            errors.put(request, opened.streamId());
            return;
        }
        Integer error = errors.remove(request);
        String port = String.valueOf(opened.headers().getAsString("port"));
        if (error == null || !port.matches("\\d{1,5}") || connections.size() >= MOST_CONNECTIONS) {
            ctx.close();
            return;
        }
        Connection connection = new Connection(ctx, opened.streamId(), error);
        connections.put(opened.streamId(), connection);
        connection.connect(Integer.parseInt(port));
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        boolean room = ctx.channel().isWritable();
        connections.values().forEach(connection -> connection.read(room));
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        connections.values().forEach(Connection::close);
        connections.clear();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }

    /** One connection to a port. */
    private final class Connection extends ChannelInboundHandlerAdapter {
        private final ChannelHandlerContext client;
        private final int stream;
        private final int errorStream;
        private @Nullable Channel target;
        /** What came before the port had accepted. */
        private final Queue<ByteBuf> early = new ArrayDeque<>();

        private long earlyBytes;

        private boolean inputEnded;
        private boolean ended;

        Connection(ChannelHandlerContext client, int stream, int errorStream) {
            this.client = client;
            this.stream = stream;
            this.errorStream = errorStream;
        }

        void connect(int port) {
            InetSocketAddress at = pod.where(port);
            ChannelFuture connecting = new Bootstrap()
                    .group(client.channel().eventLoop())
                    .channel(NioSocketChannel.class)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                    .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
                    .handler(this)
                    .connect(at);
            connecting.addListener((ChannelFutureListener) done -> {
                if (!done.isSuccess()) {
                    fail("failed to connect to port " + port + " of pod "
                            + pod.pod().getMetadata().getName() + ": "
                            + done.cause().getMessage());
                } else if (ended) {
                    done.channel().close();
                } else {
                    connected(done.channel());
                }
            });
        }

        private void connected(Channel channel) {
            target = channel;
            channel.config().setAutoRead(client.channel().isWritable());
            for (ByteBuf bytes = early.poll(); bytes != null; bytes = early.poll()) {
                channel.write(bytes);
            }
            channel.flush();
            client.channel().config().setAutoRead(channel.isWritable());
            if (inputEnded) {
                shutDownOutput(channel);
            }
        }

        void send(ByteBuf bytes, boolean last) {
            Channel channel = target;
            inputEnded |= last;
            if (ended) {
                bytes.release();
            } else if (channel == null) {
                early.add(bytes);
                earlyBytes += bytes.readableBytes();
                if (earlyBytes > MOST_EARLY_BYTES) {
                    client.channel().config().setAutoRead(false);
                }
            } else {
                channel.writeAndFlush(bytes);
                // one client's connections share its reading: a port that takes nothing holds them up
                client.channel().config().setAutoRead(channel.isWritable());
                if (last) {
                    shutDownOutput(channel);
                }
            }
        }

        private static void shutDownOutput(Channel channel) {
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> ((SocketChannel) channel).shutdownOutput());
        }

        void read(boolean room) {
            Channel channel = target;
            if (channel != null) {
                channel.config().setAutoRead(room);
            }
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext ctx) {
            client.channel().config().setAutoRead(ctx.channel().isWritable());
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object bytes) {
            if (ended) {
                ((ByteBuf) bytes).release();
            } else {
                client.writeAndFlush(new DefaultSpdyDataFrame(stream, (ByteBuf) bytes));
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event instanceof io.netty.channel.socket.ChannelInputShutdownEvent) {
                end();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            end();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            end();
        }

        private void fail(String message) {
            if (!ended) {
                client.write(SpdyFrames.text(errorStream, message));
                end();
            }
        }

        /** The port sends nothing more. */
        private void end() {
            if (ended) {
                return;
            }
            client.write(SpdyFrames.end(stream));
            client.writeAndFlush(SpdyFrames.end(errorStream));
            client.channel().config().setAutoRead(true);
            connections.remove(stream);
            close();
        }

        void close() {
            ended = true;
            early.forEach(ByteBuf::release);
            early.clear();
            Channel channel = target;
            if (channel != null) {
                channel.close();
            }
        }
    }
}
