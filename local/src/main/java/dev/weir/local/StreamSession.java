package dev.weir.local;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Exec or attach over WebSocket, as {@code v4.channel.k8s.io} and {@code v5.channel.k8s.io} have it. */
final class StreamSession extends SimpleChannelInboundHandler<WebSocketFrame> {
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int RESIZE = 4;
    private static final int CLOSE = 255;
    private static final int NORMAL_CLOSE = 1000;
    private static final int CLOSE_SECONDS = 2;

    private final PeerSession session;

    StreamSession(PeerSession session) {
        this.session = session;
    }

    void start(ChannelHandlerContext ctx) {
        session.start(new Peer.Client() {
            @Override
            public void output(boolean error, byte[] bytes, int n) throws InterruptedException {
                ByteBuf frame = Unpooled.buffer(n + 1)
                        .writeByte(error ? STDERR : STDOUT)
                        .writeBytes(bytes, 0, n);
                ctx.writeAndFlush(new BinaryWebSocketFrame(frame)).await();
            }

            @Override
            public void ended(Peer.Ending ending) {
                finish(ctx, ending);
            }
        });
    }

    private static void finish(ChannelHandlerContext ctx, Peer.Ending ending) {
        byte[] text = ending.status().toString().getBytes(StandardCharsets.UTF_8);
        ctx.write(new BinaryWebSocketFrame(
                Unpooled.buffer(text.length + 1).writeByte(ERROR).writeBytes(text)));
        // a client that is still sending learns of the end only if it is not cut off: it closes, or time is up
        ctx.writeAndFlush(new CloseWebSocketFrame(NORMAL_CLOSE, "")).addListener(_ -> {
            ctx.channel().config().setAutoRead(true);
            ctx.executor().schedule(() -> ctx.close(), CLOSE_SECONDS, TimeUnit.SECONDS);
        });
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, WebSocketFrame frame) {
        if (frame instanceof CloseWebSocketFrame) {
            ctx.close();
        } else if (frame instanceof BinaryWebSocketFrame && frame.content().isReadable()) {
            int number = frame.content().readUnsignedByte();
            byte[] bytes = new byte[frame.content().readableBytes()];
            frame.content().readBytes(bytes);
            session.input(ctx, input(number, bytes));
        }
    }

    private static PeerSession.Input input(int number, byte[] bytes) {
        return switch (number) {
            case STDIN -> peer -> peer.input(bytes);
            case RESIZE -> PeerSession.size(bytes);
            case CLOSE ->
                peer -> {
                    if (bytes.length > 0 && bytes[0] == STDIN) {
                        peer.endInput();
                    }
                };
            default ->
                _ -> {
                    // a channel that nobody reads
                };
        };
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        session.left();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
