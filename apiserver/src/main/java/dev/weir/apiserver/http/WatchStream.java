package dev.weir.apiserver.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiResponse;
import dev.weir.apiserver.rest.Reads;
import dev.weir.apiserver.store.VersionedStore;
import dev.weir.apiserver.store.Watch;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;

/** Writes the events of one watch until its time is over or the client goes. */
final class WatchStream {
    private static final Duration BOOKMARK_EVERY = Duration.ofMinutes(1);
    /** How often a slow client is looked after; one that never reads is closed by {@link Connections}. */
    private static final int LOOK_MILLIS = 20;

    private final ChannelHandlerContext ctx;
    private final ApiResponse.Stream stream;
    private final boolean frames;

    /** @param frames true after a WebSocket handshake */
    WatchStream(ChannelHandlerContext ctx, ApiResponse.Stream stream, boolean frames) {
        this.ctx = ctx;
        this.stream = stream;
        this.frames = frames;
    }

    void run() {
        if (!frames) {
            HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
            head.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/json");
            head.headers().set(HttpHeaderNames.CACHE_CONTROL, "no-cache, private");
            head.headers().set(HttpHeaderNames.CONNECTION, "close");
            HttpUtil.setTransferEncodingChunked(head, true);
            ctx.write(head);
        }
        Watch watch = stream.watch();
        if (watch != null) {
            // reading on is how a client that goes away is noticed
            ctx.channel().closeFuture().addListener(_ -> watch.close());
            ctx.channel().config().setAutoRead(true);
        }
        try (watch) {
            for (ObjectNode event : stream.initial()) {
                send(HttpApi.line(event));
                if (!ctx.channel().isWritable()) {
                    flushAndWait();
                }
            }
            ctx.flush();
            if (watch != null) {
                follow(watch, Instant.now().plus(stream.length()));
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        Object end = frames ? new CloseWebSocketFrame(1000, "") : LastHttpContent.EMPTY_LAST_CONTENT;
        ctx.writeAndFlush(end).addListener(_ -> ctx.close());
    }

    private void follow(Watch watch, Instant end) throws InterruptedException {
        while (ctx.channel().isActive()) {
            Duration left = Duration.between(Instant.now(), end);
            if (!left.isPositive()) {
                return;
            }
            Duration patience = left.compareTo(BOOKMARK_EVERY) < 0 ? left : BOOKMARK_EVERY;
            Optional<VersionedStore.Event> next = watch.poll(stream.bookmark() == null ? left : patience);
            if (next == null) {
                bookmark(watch);
            } else if (next.isEmpty()) {
                return;
            } else {
                visible(next.get());
                if (!watch.hasNext() || !ctx.channel().isWritable()) {
                    flushAndWait();
                }
            }
        }
    }

    /** A slow client slows its own watch only; what piles up is bounded by the watch's queue. */
    private void flushAndWait() throws InterruptedException {
        ctx.flush();
        while (ctx.channel().isActive() && !ctx.channel().isWritable()) {
            ctx.channel().closeFuture().await(LOOK_MILLIS);
        }
    }

    /** Tells a quiet client how far it is, so that it need not start over when it comes back. */
    private void bookmark(Watch watch) {
        if (stream.bookmark() != null) {
            send(HttpApi.line(Reads.event("BOOKMARK", stream.bookmark().apply(watch.position()))));
            ctx.flush();
        }
    }

    private void visible(VersionedStore.Event event) {
        ObjectNode now = event.entry().object();
        boolean matches = stream.selector().test(now);
        boolean matched = event.previous() != null
                && stream.selector().test(event.previous().object());
        switch (event.change()) {
            case ADDED -> {
                if (matches) {
                    send(event, "ADDED", now);
                }
            }
            case DELETED -> {
                if (matched) {
                    send(event, "DELETED", now);
                }
            }
            case MODIFIED -> {
                if (matches) {
                    send(event, matched ? "MODIFIED" : "ADDED", now);
                } else if (matched) {
                    send(event, "DELETED", leaving(event));
                }
            }
        }
    }

    /** An object that leaves the selection is shown as it last matched, at the new revision. */
    private static ObjectNode leaving(VersionedStore.Event event) {
        ObjectNode last =
                java.util.Objects.requireNonNull(event.previous()).object().deepCopy();
        last.withObject("/metadata")
                .put("resourceVersion", Long.toString(event.entry().revision()));
        return last;
    }

    /** Watchers that want the same form of an event share its bytes; a form that depends on the time has no name. */
    private void send(VersionedStore.Event event, String type, ObjectNode object) {
        Supplier<byte[]> encode =
                () -> HttpApi.line(Reads.event(type, stream.render().apply(object)));
        String form = stream.form();
        send(form == null ? encode.get() : event.encodings().of(type + " " + form, encode));
    }

    private void send(byte[] bytes) {
        ByteBuf line = Unpooled.wrappedBuffer(bytes);
        ctx.write(frames ? new TextWebSocketFrame(line) : new DefaultHttpContent(line));
    }
}
