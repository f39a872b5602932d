package dev.weir.local;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyFrame;
import io.netty.handler.codec.spdy.SpdyPingFrame;
import io.netty.handler.codec.spdy.SpdySynStreamFrame;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Exec or attach over SPDY/3.1, as {@code v4.channel.k8s.io} has it: a kube-apiserver speaks nothing else to kubelets. The
 * client opens a stream for each thing that it wants to send or hear.
 */
final class SpdySession extends SimpleChannelInboundHandler<SpdyFrame> {
    /** What the client and this side agree on. */
    static final String PROTOCOL = "v4.channel.k8s.io";

    private static final String ERROR = "error";
    private static final String STDIN = "stdin";
    private static final String STDOUT = "stdout";
    private static final String STDERR = "stderr";
    private static final String RESIZE = "resize";
    private static final int CLOSE_SECONDS = 2;

    private final PeerSession session;
    private final Set<String> expected;
    private final Map<String, Integer> streams = new ConcurrentHashMap<>();
    private boolean begun;

    /** @param expected the streams that the client is going to open, the one for errors excepted */
    SpdySession(PeerSession session, Set<String> expected) {
        this.session = session;
        this.expected = Set.copyOf(expected);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, SpdyFrame frame) {
        switch (frame) {
            case SpdySynStreamFrame opened -> open(ctx, opened);
            case SpdyDataFrame data -> data(ctx, data);
            case SpdyPingFrame ping -> ctx.writeAndFlush(ping);
            default -> {
                // settings, windows and farewells change nothing here
            }
        }
    }

    private void open(ChannelHandlerContext ctx, SpdySynStreamFrame opened) {
        ctx.writeAndFlush(SpdyFrames.accept(opened.streamId()));
        streams.put(String.valueOf(opened.headers().getAsString("streamtype")), opened.streamId());
        if (!begun && streams.containsKey(ERROR) && streams.keySet().containsAll(expected)) {
            begun = true;
            session.start(client(ctx));
        }
    }

    private void data(ChannelHandlerContext ctx, SpdyDataFrame data) {
        byte[] bytes = new byte[data.content().readableBytes()];
        data.content().readBytes(bytes);
        if (is(STDIN, data.streamId())) {
            boolean last = data.isLast();
            session.input(ctx, peer -> {
                if (bytes.length > 0) {
                    peer.input(bytes);
                }
                if (last) {
                    peer.endInput();
                }
            });
        } else if (is(RESIZE, data.streamId()) && bytes.length > 0) {
            session.input(ctx, PeerSession.size(bytes));
        }
    }

    private boolean is(String type, int stream) {
        return Objects.equals(streams.get(type), stream);
    }

    private Peer.Client client(ChannelHandlerContext ctx) {
        return new Peer.Client() {
            @Override
            public void output(boolean error, byte[] bytes, int n) throws InterruptedException {
                @Nullable Integer stream = streams.get(error ? STDERR : STDOUT);
                if (stream != null) {
                    ctx.writeAndFlush(new DefaultSpdyDataFrame(
                                    stream, Unpooled.buffer(n).writeBytes(bytes, 0, n)))
                            .await();
                }
            }

            @Override
            public void ended(Peer.Ending ending) {
                ctx.executor().execute(() -> finish(ctx, ending));
            }
        };
    }

    private void finish(ChannelHandlerContext ctx, Peer.Ending ending) {
        ctx.write(
                SpdyFrames.text(streams.getOrDefault(ERROR, 0), ending.status().toString()));
        streams.values().forEach(stream -> ctx.write(SpdyFrames.end(stream)));
        ctx.flush();
        // the client closes when it has read all, or time is up
        ctx.channel().config().setAutoRead(true);
        ctx.executor().schedule(() -> ctx.close(), CLOSE_SECONDS, TimeUnit.SECONDS);
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
