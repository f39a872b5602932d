package dev.weir.dataplane;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;

/** Serves the metrics at {@code /stats/prometheus}. */
final class StatsPage extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final int MOST_BYTES = 65_536;

    private final Metrics metrics;

    private StatsPage(Metrics metrics) {
        this.metrics = metrics;
    }

    static void addTo(ChannelPipeline pipeline, Metrics metrics) {
        pipeline.addLast(new HttpServerCodec())
                .addLast(new HttpServerKeepAliveHandler())
                .addLast(new HttpObjectAggregator(MOST_BYTES))
                .addLast(new StatsPage(metrics));
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        boolean known = request.uri().equals("/stats/prometheus");
        FullHttpResponse response = LocalReply.of(known ? 200 : 404, known ? metrics.text() : "not found\n");
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4");
        ctx.writeAndFlush(response);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
