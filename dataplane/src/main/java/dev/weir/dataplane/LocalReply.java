package dev.weir.dataplane;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;

/** Answers of the proxy's own. */
final class LocalReply {
    private LocalReply() {}

    static FullHttpResponse of(int code, byte[] body) {
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code), Unpooled.wrappedBuffer(body));
        if (code != 204 && code != 304) {
            response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
        }
        response.headers().set(HttpHeaderNames.SERVER, "weir");
        if (body.length > 0) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain");
        }
        return response;
    }

    static FullHttpResponse of(int code, String text) {
        return of(code, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Answers what is not a request; the connection is of no further use. */
    static void refuse(ChannelHandlerContext ctx, int code, String text) {
        FullHttpResponse response = of(code, text + "\n");
        response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        ctx.writeAndFlush(response);
    }
}
