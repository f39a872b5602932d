package dev.weir.apiserver.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import org.jspecify.annotations.Nullable;

/**
 * Answers the pings of a WebSocket client; kubectl gives a connection up when no pong has come for a minute. What a client
 * does not read must not pile up: while there is no room only the latest ping is remembered, which is all it needs.
 */
public final class PingReplies extends ChannelInboundHandlerAdapter {
    private @Nullable ByteBuf owed;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof PingWebSocketFrame ping)) {
            ctx.fireChannelRead(message);
            return;
        }
        forget();
        owed = ping.content();
        reply(ctx);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        reply(ctx);
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        forget();
    }

    private void reply(ChannelHandlerContext ctx) {
        ByteBuf bytes = owed;
        if (bytes != null && ctx.channel().isWritable()) {
            owed = null;
            ctx.writeAndFlush(new PongWebSocketFrame(bytes));
        }
    }

    private void forget() {
        if (owed != null) {
            owed.release();
            owed = null;
        }
    }
}
