package dev.weir.dataplane;

import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;

/** HTTP/1 as spoken with clients: strict about where a message ends, aware of which answers have no body. */
final class ClientCodec {
    private static final int MOST_LINE = 8192;
    /** Envoy's bound. */
    private static final int MOST_HEADERS = 60 * 1024;

    private static final int CHUNK = 65_536;

    private final Decoder decoder = new Decoder();
    private final Encoder encoder = new Encoder();

    private static final class Decoder extends HttpRequestDecoder {
        Decoder() {
            super(new HttpDecoderConfig()
                    .setMaxInitialLineLength(MOST_LINE)
                    .setMaxHeaderSize(MOST_HEADERS)
                    .setMaxChunkSize(CHUNK)
                    .setStrictLineParsing(true)
                    .setUseRfc9112TransferEncoding(true));
        }

        @Override
        protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
            throw new IllegalArgumentException("both Content-Length and Transfer-Encoding");
        }
    }

    private static final class Encoder extends HttpResponseEncoder {
        private boolean head;

        @Override
        protected boolean isContentAlwaysEmpty(HttpResponse response) {
            return head || super.isContentAlwaysEmpty(response);
        }
    }

    void addTo(ChannelPipeline pipeline) {
        pipeline.addLast(decoder).addLast(encoder);
    }

    /** Says whether the next answer is to HEAD. */
    void answersHead(boolean head) {
        encoder.head = head;
    }

    /** Leaves the connection to another protocol; bytes that are read already are passed on. */
    void removeFrom(ChannelPipeline pipeline) {
        pipeline.remove(encoder);
        pipeline.remove(decoder);
    }
}
