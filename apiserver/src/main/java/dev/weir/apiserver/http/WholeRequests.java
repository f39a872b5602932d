package dev.weir.apiserver.http;

import dev.weir.apiserver.rest.ApiException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;
import java.util.concurrent.TimeUnit;

/** Puts requests together; says what is wrong with one that is too large, and ends its connection. */
final class WholeRequests extends HttpObjectAggregator {
    private static final int LINGER_SECONDS = 2;

    private final int mostBytes;

    WholeRequests(int mostBytes) {
        super(mostBytes);
        this.mostBytes = mostBytes;
    }

    @Override
    protected void handleOversizedMessage(ChannelHandlerContext ctx, HttpMessage oversized) {
        FullHttpResponse refusal =
                HttpApi.refusal(ApiException.tooLarge("Request entity too large: limit is " + mostBytes));
        refusal.headers().set(HttpHeaderNames.CONNECTION, "close");
        // who is still sending learns of the refusal only if it is not cut off; what it sends is thrown away
        ctx.writeAndFlush(refusal)
                .addListener(_ -> ctx.executor().schedule(() -> ctx.close(), LINGER_SECONDS, TimeUnit.SECONDS));
    }
}
