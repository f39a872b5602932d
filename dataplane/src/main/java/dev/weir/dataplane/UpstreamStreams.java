package dev.weir.dataplane;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Connections to pods that speak HTTP/2, by event loop and address; each carries many requests at once. */
final class UpstreamStreams {
    private static final long MOST_IDLE_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final int STREAM_WINDOW = 256 * 1024;
    private static final int MOST_HEADERS = 65_536;

    private final Map<EventLoop, Map<InetSocketAddress, ConcurrentLinkedDeque<Carrier>>> carriers =
            new ConcurrentHashMap<>();
    private final Opener opener;

    /** Opens a connection without a codec. */
    interface Opener {
        ChannelFuture open(EventLoop loop, InetSocketAddress address);
    }

    UpstreamStreams(Opener opener) {
        this.opener = opener;
    }

    /** Opens a stream on the loop; the consumer gets it there, or null if no connection can be opened. */
    void open(EventLoop loop, InetSocketAddress address, Consumer<@Nullable UpstreamConnection> done) {
        ConcurrentLinkedDeque<Carrier> list = carriers.computeIfAbsent(loop, _ -> new ConcurrentHashMap<>())
                .computeIfAbsent(address, _ -> new ConcurrentLinkedDeque<>());
        for (Carrier carrier : list) {
            if (carrier.usable()) {
                carrier.stream(done);
                return;
            }
        }
        opener.open(loop, address).addListener((ChannelFutureListener) opened -> {
            if (!opened.isSuccess()) {
                done.accept(null);
                return;
            }
            Carrier carrier = new Carrier(address, opened.channel());
            list.add(carrier);
            opened.channel().closeFuture().addListener(_ -> list.remove(carrier));
            carrier.begin();
            carrier.stream(done);
        });
    }

    /** Closes connections to addresses that are not known any more, as soon as nothing is under way on them. */
    void retain(Set<InetSocketAddress> known) {
        carriers.values()
                .forEach(byAddress -> byAddress
                        .values()
                        .forEach(list -> list.forEach(carrier -> {
                            if (!known.contains(carrier.address)) {
                                carrier.channel.eventLoop().execute(carrier::retire);
                            }
                        })));
    }

    /** One connection. Everything runs on its event loop. */
    private static final class Carrier extends ChannelInboundHandlerAdapter {
        private final InetSocketAddress address;
        private final Channel channel;
        private final Http2FrameCodec codec = Http2FrameCodecBuilder.forClient()
                .initialSettings(Http2Settings.defaultSettings()
                        .pushEnabled(false)
                        .maxHeaderListSize(MOST_HEADERS)
                        .initialWindowSize(STREAM_WINDOW))
                .build();
        private int streams;
        private boolean retired;
        private long idleSince = System.nanoTime();

        Carrier(InetSocketAddress address, Channel channel) {
            this.address = address;
            this.channel = channel;
        }

        void begin() {
            channel.pipeline()
                    .addLast(codec)
                    .addLast(new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()))
                    .addLast(this);
            channel.config().setAutoRead(true);
            watch();
        }

        boolean usable() {
            return !retired && channel.isActive() && codec.connection().local().canOpenStream();
        }

        void stream(Consumer<@Nullable UpstreamConnection> done) {
            streams++;
            Future<Http2StreamChannel> opening = new Http2StreamChannelBootstrap(channel)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel stream) {
                            stream.pipeline()
                                    .addLast(new Http2StreamFrameToHttpObjectCodec(false))
                                    .addLast(new StreamMessages())
                                    .addLast(new UpstreamConnection(address, stream));
                        }
                    })
                    .open();
            opening.addListener(_ -> {
                Http2StreamChannel stream = opening.getNow();
                if (stream == null) {
                    ended();
                    done.accept(null);
                    return;
                }
                stream.closeFuture().addListener(_ -> ended());
                done.accept(stream.pipeline().get(UpstreamConnection.class));
            });
        }

        private void ended() {
            streams--;
            idleSince = System.nanoTime();
            if (retired && streams == 0) {
                channel.close();
            }
        }

        /** Takes no further stream. */
        void retire() {
            retired = true;
            if (streams == 0) {
                channel.close();
            }
        }

        private void watch() {
            long left = streams > 0 ? MOST_IDLE_NANOS : idleSince + MOST_IDLE_NANOS - System.nanoTime();
            if (left <= 0) {
                retire();
            } else if (channel.isActive()) {
                channel.eventLoop().schedule(this::watch, left, TimeUnit.NANOSECONDS);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (message instanceof Http2GoAwayFrame) {
                retire();
            }
            ReferenceCountUtil.release(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}
