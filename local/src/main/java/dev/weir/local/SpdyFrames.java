package dev.weir.local;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.DefaultSpdySynReplyFrame;
import io.netty.handler.codec.spdy.SpdyFrame;
import java.nio.charset.StandardCharsets;

/** The frames of SPDY/3.1 that a kubelet answers with, whatever its streams carry. */
final class SpdyFrames {
    private SpdyFrames() {}

    /** Takes a stream that the client opened. */
    static SpdyFrame accept(int stream) {
        DefaultSpdySynReplyFrame reply = new DefaultSpdySynReplyFrame(stream);
        // the codec leaves a block of no headers out, and clients want a block
        reply.headers().set("accepted", "true");
        return reply;
    }

    static SpdyFrame text(int stream, String text) {
        return new DefaultSpdyDataFrame(stream, Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    }

    /** Nothing more comes on the stream from this side. */
    static SpdyFrame end(int stream) {
        return new DefaultSpdyDataFrame(stream).setLast(true);
    }
}
