package dev.weir.dataplane;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2SettingsFrame;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.TimeUnit;

/**
 * One client connection that speaks HTTP/2: each of its streams is a {@link ClientConnection} with one request.
 *
 * <p>Clients that make work without asking for anything lose the connection: Netty bounds streams that are reset, empty
 * frames, small continuations and answers to pings that nobody reads, this class the settings. Everything runs on the
 * connection's event loop.
 */
final class ServerStreams extends ChannelInboundHandlerAdapter implements Acceptor.Draining {
    private static final int MOST_STREAMS = 100;
    /** As for HTTP/1. */
    private static final int MOST_HEADERS = 60 * 1024;

    private static final int MOST_RESETS = 200;
    private static final int MOST_SETTINGS = 100;
    private static final int MOST_CONTINUATIONS = 16;
    private static final int MOST_QUEUED = 1000;
    private static final int WINDOW_SECONDS = 30;
    private static final int STREAM_WINDOW = 256 * 1024;

    private final Proxy proxy;
    private final Listening listening;
    private final String scheme;

    @SuppressWarnings("NullAway.Init") // set before anything can be read
    private ChannelHandlerContext ctx;

    private int streams;
    private int settings;
    private long settingsSince = System.nanoTime();
    private long idleSince = System.nanoTime();
    private boolean draining;

    ServerStreams(Proxy proxy, Listening listening, String scheme) {
        this.proxy = proxy;
        this.listening = listening;
        this.scheme = scheme;
    }

    void addTo(ChannelPipeline pipeline) {
        pipeline.addLast(Http2FrameCodecBuilder.forServer()
                .initialSettings(Http2Settings.defaultSettings()
                        .maxConcurrentStreams(MOST_STREAMS)
                        .maxHeaderListSize(MOST_HEADERS)
                        .initialWindowSize(STREAM_WINDOW))
                .decoderEnforceMaxRstFramesPerWindow(MOST_RESETS, WINDOW_SECONDS)
                .encoderEnforceMaxRstFramesPerWindow(MOST_RESETS, WINDOW_SECONDS)
                .decoderEnforceMaxSmallContinuationFrames(MOST_CONTINUATIONS)
                .encoderEnforceMaxQueuedControlFrames(MOST_QUEUED)
                .validateHeaders(true)
                .build());
        pipeline.addLast(new Http2MultiplexHandler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel stream) {
                begin(stream);
            }
        }));
        pipeline.addLast(this);
    }

    private void begin(Channel stream) {
        streams++;
        stream.closeFuture().addListener(_ -> ended());
        stream.config().setAutoRead(false);
        ClientConnection connection = new ClientConnection(proxy, listening, scheme, null);
        stream.pipeline()
                .addLast(new Http2StreamFrameToHttpObjectCodec(true))
                .addLast(new StreamMessages())
                .addLast(connection);
    }

    private void ended() {
        streams--;
        idleSince = System.nanoTime();
        if (draining && streams == 0) {
            ctx.close();
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        ctx = added;
        watch();
    }

    /** Closes a connection on which nothing is asked for too long. */
    private void watch() {
        long limit = proxy.options().timeouts().idle().toNanos();
        long left = streams > 0 ? limit : idleSince + limit - System.nanoTime();
        if (left <= 0) {
            goAway(Http2Error.NO_ERROR);
            ctx.close();
        } else if (ctx.channel().isActive()) {
            ctx.executor().schedule(this::watch, left, TimeUnit.NANOSECONDS);
        }
    }

    private void goAway(Http2Error error) {
        ctx.writeAndFlush(new DefaultHttp2GoAwayFrame(error));
    }

    @Override
    public void channelRead(ChannelHandlerContext from, Object message) {
        if (message instanceof Http2SettingsFrame) {
            long now = System.nanoTime();
            if (now - settingsSince > TimeUnit.SECONDS.toNanos(WINDOW_SECONDS)) {
                settingsSince = now;
                settings = 0;
            }
            settings++;
            if (settings > MOST_SETTINGS) {
                goAway(Http2Error.ENHANCE_YOUR_CALM);
                ctx.close();
            }
        }
        ReferenceCountUtil.release(message);
    }

    @Override
    public void drain() {
        ctx.executor().execute(() -> {
            draining = true;
            goAway(Http2Error.NO_ERROR);
            if (streams == 0) {
                ctx.close();
            }
            ctx.executor()
                    .schedule(
                            () -> ctx.close(),
                            proxy.options().timeouts().drain().toNanos(),
                            TimeUnit.NANOSECONDS);
        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
        // the codec says why before it closes
        if (!(cause instanceof Http2Exception)) {
            from.close();
        }
    }
}
