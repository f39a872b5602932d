package dev.weir.dataplane;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpMessage;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;

/**
 * Makes a stream of HTTP/2 look like a connection of HTTP/1.
 *
 * <p>A message that is whole at once arrives as a head and an end. A head that is followed by an empty end leaves as one:
 * answers of gRPC that are trailers only must end with their headers.
 */
final class StreamMessages extends ChannelDuplexHandler {
    private @Nullable HttpMessage head;
    private @Nullable ChannelPromise headPromise;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpMessage any) {
            any.headers().remove("x-http2-scheme");
        }
        switch (message) {
            case FullHttpMessage whole -> {
                ctx.fireChannelRead(headOf(whole));
                ctx.fireChannelRead(new DefaultLastHttpContent(whole.content(), whole.trailingHeaders()));
            }
            default -> ctx.fireChannelRead(message);
        }
    }

    private static HttpMessage headOf(FullHttpMessage whole) {
        return switch (whole) {
            case HttpRequest request ->
                new DefaultHttpRequest(request.protocolVersion(), request.method(), request.uri(), request.headers());
            case HttpResponse response ->
                new DefaultHttpResponse(response.protocolVersion(), response.status(), response.headers());
            default -> throw new IllegalArgumentException(whole.getClass().getName());
        };
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (head != null && message instanceof LastHttpContent end && isEmpty(end)) {
            HttpMessage begun = head;
            ChannelPromise earlier = headPromise;
            head = null;
            headPromise = null;
            end.release();
            ctx.write(whole(begun), promise);
            if (earlier != null) {
                earlier.trySuccess();
            }
        } else if (message instanceof HttpMessage begun && !(message instanceof LastHttpContent)) {
            letGo(ctx);
            head = begun;
            headPromise = promise;
        } else {
            letGo(ctx);
            ctx.write(message, promise);
        }
    }

    private static boolean isEmpty(LastHttpContent end) {
        return !end.content().isReadable() && end.trailingHeaders().isEmpty();
    }

    private static FullHttpMessage whole(HttpMessage head) {
        return switch (head) {
            case HttpRequest request ->
                new DefaultFullHttpRequest(
                        request.protocolVersion(),
                        request.method(),
                        request.uri(),
                        Unpooled.EMPTY_BUFFER,
                        request.headers(),
                        EmptyHttpHeaders.INSTANCE);
            case HttpResponse response ->
                new DefaultFullHttpResponse(
                        response.protocolVersion(),
                        response.status(),
                        Unpooled.EMPTY_BUFFER,
                        response.headers(),
                        EmptyHttpHeaders.INSTANCE);
            default -> throw new IllegalArgumentException(head.getClass().getName());
        };
    }

    private void letGo(ChannelHandlerContext ctx) {
        HttpMessage held = head;
        ChannelPromise promise = headPromise;
        head = null;
        headPromise = null;
        if (held != null && promise != null) {
            ctx.write(held, promise);
        }
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        letGo(ctx);
        ctx.flush();
    }
}
