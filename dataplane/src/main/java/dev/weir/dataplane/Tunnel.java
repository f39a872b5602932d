package dev.weir.dataplane;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;

/** Passes bytes between two connections once they are no more HTTP: after an upgrade, or after CONNECT. */
final class Tunnel {
    private final Exchange exchange;
    private long fromClient;
    private long toClient;
    private boolean closed;

    private Tunnel(Exchange exchange) {
        this.exchange = exchange;
    }

    /** Goes on after the pod has agreed to change the protocol. */
    static void upgrade(Exchange exchange, UpstreamConnection upstream, HttpResponse agreed) {
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                agreed.status(),
                Unpooled.EMPTY_BUFFER,
                agreed.headers().copy(),
                io.netty.handler.codec.http.EmptyHttpHeaders.INSTANCE);
        String protocol = response.headers().get(HttpHeaderNames.UPGRADE, "");
        ForwardedHeaders.removeHopByHop(response);
        response.headers().set(HttpHeaderNames.UPGRADE, protocol);
        response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
        exchange.upgraded(response);
        Channel pod = upstream.channel();
        Tunnel tunnel = new Tunnel(exchange);
        tunnel.begin(pod, response);
        // the codec hands over what it has read already when it goes
        pod.pipeline().remove(upstream);
        pod.pipeline().remove(HttpClientCodec.class);
    }

    /** Opens a connection to an address outside the mesh and tells the client that it is there. */
    static void connect(Exchange exchange, InetSocketAddress address) {
        UpstreamPool.open(exchange.loop(), address).addListener((ChannelFutureListener) opened -> {
            Channel channel = opened.channel();
            if (exchange.finished()) {
                channel.close();
            } else if (opened.isSuccess()) {
                FullHttpResponse response = new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, new HttpResponseStatus(200, "Connection established"));
                exchange.upgraded(response);
                new Tunnel(exchange).begin(channel, response);
            } else {
                exchange.reply(503, "cannot connect to " + address.getHostString(), "UF");
            }
        });
    }

    private void begin(Channel far, FullHttpResponse agreed) {
        Channel client = exchange.connection().channel();
        client.writeAndFlush(agreed);
        client.pipeline().addLast(new Relay(far, true));
        far.pipeline().addLast(new Relay(client, false));
        exchange.connection().leave();
        client.config().setAutoRead(true);
        far.config().setAutoRead(true);
        if (!client.isActive() || !far.isActive()) {
            client.close();
            far.close();
            end();
        }
    }

    private void end() {
        if (!closed) {
            closed = true;
            exchange.tunnelClosed(fromClient, toClient);
        }
    }

    /** One direction. */
    private final class Relay extends ChannelInboundHandlerAdapter {
        private final Channel other;
        private final boolean client;

        Relay(Channel other, boolean client) {
            this.other = other;
            this.client = client;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (!(message instanceof ByteBuf bytes)) {
                ReferenceCountUtil.release(message);
                return;
            }
            if (client) {
                fromClient += bytes.readableBytes();
            } else {
                toClient += bytes.readableBytes();
            }
            other.writeAndFlush(bytes);
            if (!other.isWritable()) {
                ctx.channel().config().setAutoRead(false);
            }
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext ctx) {
            other.config().setAutoRead(ctx.channel().isWritable());
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            end();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}
