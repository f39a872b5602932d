package dev.weir.dataplane;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A request that is to be copied, kept until it is whole. Used on the client connection's event loop only. */
final class CopiedRequest {
    private final Mirroring mirroring;
    private final List<Mirroring.Target> targets;
    private final Peer caller;
    private final HttpRequest head;
    private final HttpHeaders headers;
    private final CompositeByteBuf body = Unpooled.compositeBuffer(Integer.MAX_VALUE);
    private HttpHeaders trailers = EmptyHttpHeaders.INSTANCE;
    private boolean gone;

    CopiedRequest(Mirroring mirroring, List<Mirroring.Target> targets, Peer caller, HttpRequest head) {
        this.mirroring = mirroring;
        this.targets = targets;
        this.caller = caller;
        this.head = head;
        this.headers = head.headers().copy();
    }

    /** Keeps a part of the body, or gives up if it becomes too much. */
    void add(HttpContent content) {
        if (gone) {
            return;
        }
        if (content instanceof LastHttpContent last) {
            trailers = last.trailingHeaders().copy();
        }
        ByteBuf part = content.content();
        if (!part.isReadable()) {
            return;
        }
        if (body.readableBytes() + part.readableBytes() > mirroring.mostBodyBytes()) {
            drop("body_too_large");
        } else if (!mirroring.reserve(part.readableBytes())) {
            drop("memory");
        } else {
            body.addComponent(true, part.retainedDuplicate());
        }
    }

    private void drop(String reason) {
        mirroring.dropped(reason, targets.size());
        discard();
    }

    /** Sends it to its targets; the request is whole. */
    void send() {
        if (gone) {
            return;
        }
        gone = true;
        int bytes = body.readableBytes();
        AtomicInteger open = new AtomicInteger(targets.size());
        Runnable ended = () -> {
            if (open.decrementAndGet() == 0) {
                mirroring.release(bytes);
            }
        };
        for (Mirroring.Target target : targets) {
            FullHttpRequest request = new DefaultFullHttpRequest(
                    HttpVersion.HTTP_1_1,
                    head.method(),
                    head.uri(),
                    body.retainedDuplicate(),
                    headers.copy(),
                    trailers.copy());
            mirroring.send(target, caller, request, ended);
        }
        body.release();
    }

    /** The request is not mirrored. */
    void discard() {
        if (!gone) {
            gone = true;
            mirroring.release(body.readableBytes());
            body.release();
        }
    }
}
