package dev.weir.dataplane;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiationHandler;
import io.netty.handler.ssl.SniHandler;
import io.netty.handler.ssl.SslContext;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Finds out what the clients of one listener speak, and lets them: TLS or not, HTTP/1 or HTTP/2. */
final class Acceptor {
    private static final int MOST_HELLO = 16_384;

    private final Proxy proxy;
    private final Listening listening;
    private final Set<Draining> open = ConcurrentHashMap.newKeySet();

    /** A connection that can be asked to end soon. */
    interface Draining {
        /** Lets what is under way finish. Callable from any thread. */
        void drain();
    }

    Acceptor(Proxy proxy, Listening listening) {
        this.proxy = proxy;
        this.listening = listening;
    }

    void accept(Channel client) {
        if (listening instanceof Listening.Gateway gateway
                && proxy.table().get().secure(gateway)) {
            client.pipeline().addLast(new SniHandler(name -> context(gateway, name), MOST_HELLO, headerMillis()));
            client.pipeline().addLast(new Negotiated());
        } else {
            client.config().setAutoRead(false);
            http1(client, "http");
        }
    }

    private long headerMillis() {
        return proxy.options().timeouts().header().toMillis();
    }

    /** The certificate for the host that the client asks for; without one there is nothing to show. */
    private SslContext context(Listening.Gateway gateway, @Nullable String name) {
        HostIndex<TlsIdentity> identities = proxy.table().get().identities(gateway);
        TlsIdentity found = identities.find(name == null ? "" : name.toLowerCase(Locale.ROOT));
        if (found == null) {
            throw new DecoderException("no certificate for " + name);
        }
        return found.context();
    }

    /** Everybody is asked to end. */
    void drain() {
        open.forEach(Draining::drain);
    }

    private void keep(Channel client, Draining connection) {
        open.add(connection);
        client.closeFuture().addListener(_ -> open.remove(connection));
    }

    private void http1(Channel client, String scheme) {
        ClientCodec codec = new ClientCodec();
        ClientConnection connection = new ClientConnection(proxy, listening, scheme, codec);
        keep(client, connection);
        ChannelPipeline pipeline = client.pipeline();
        if (scheme.equals("http")) {
            pipeline.addLast(new Preface(connection));
        }
        pipeline.addLast(connection.firstBytes());
        codec.addTo(pipeline);
        pipeline.addLast(connection);
    }

    private void http2(Channel client, String scheme) {
        client.config().setAutoRead(true);
        ServerStreams streams = new ServerStreams(proxy, listening, scheme);
        keep(client, streams);
        streams.addTo(client.pipeline());
    }

    /** After the handshake. */
    private final class Negotiated extends ApplicationProtocolNegotiationHandler {
        Negotiated() {
            super(ApplicationProtocolNames.HTTP_1_1);
        }

        @Override
        protected void configurePipeline(ChannelHandlerContext ctx, String protocol) {
            if (protocol.equals(ApplicationProtocolNames.HTTP_2)) {
                http2(ctx.channel(), "https");
            } else {
                ctx.channel().config().setAutoRead(false);
                http1(ctx.channel(), "https");
            }
        }

        @Override
        protected void handshakeFailure(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }

    /** Watches for a client that speaks HTTP/2 from its first byte. */
    private final class Preface extends ChannelInboundHandlerAdapter {
        private static final ByteBuf PREFACE = Http2CodecUtil.connectionPrefaceBuf();

        private final ClientConnection connection;
        private @Nullable ByteBuf begun;

        Preface(ClientConnection connection) {
            this.connection = connection;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            ByteBuf bytes = begun == null
                    ? (ByteBuf) message
                    : ctx.alloc().buffer().writeBytes(begun).writeBytes((ByteBuf) message);
            if (begun != null) {
                begun.release();
                ((ByteBuf) message).release();
                begun = null;
            }
            int common = Math.min(bytes.readableBytes(), PREFACE.readableBytes());
            boolean same = ByteBufUtil.equals(bytes, bytes.readerIndex(), PREFACE, 0, common);
            if (same && common < PREFACE.readableBytes()) {
                begun = bytes;
                connection.begun();
                return;
            }
            if (same) {
                connection.giveUp();
                http2(ctx.channel(), "http");
            }
            ctx.fireChannelRead(bytes);
            ctx.pipeline().remove(this);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext ctx) {
            ctx.fireChannelReadComplete();
        }

        @Override
        public void handlerRemoved(ChannelHandlerContext ctx) {
            if (begun != null) {
                begun.release();
                begun = null;
            }
        }
    }
}
