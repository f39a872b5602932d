package dev.weir.apiserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PingRepliesTest {
    private final EmbeddedChannel channel = new EmbeddedChannel(new PingReplies());

    private ByteBuf ping(String text) {
        ByteBuf bytes = Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
        channel.writeInbound(new PingWebSocketFrame(bytes));
        return bytes;
    }

    private List<String> pongs() {
        List<String> pongs = new ArrayList<>();
        for (PongWebSocketFrame pong = channel.readOutbound(); pong != null; pong = channel.readOutbound()) {
            pongs.add(pong.content().toString(StandardCharsets.US_ASCII));
            pong.release();
        }
        return pongs;
    }

    private void room(boolean room) {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, room);
        channel.runPendingTasks();
    }

    @Test
    void aPongHasTheBytesOfItsPing() {
        ping("one");
        ping("");
        assertThat(pongs()).containsExactly("one", "");
    }

    @Test
    void aClientThatDoesNotReadGetsTheLatestPongOnlyOnceItReads() {
        room(false);
        ByteBuf first = ping("first");
        ping("second");
        assertThat(pongs()).isEmpty();
        assertThat(first.refCnt()).isZero();
        room(true);
        assertThat(pongs()).containsExactly("second");
        room(false);
        room(true);
        assertThat(pongs()).isEmpty();
    }

    @Test
    void whatIsOwedIsGivenBackWhenTheConnectionEnds() {
        room(false);
        ByteBuf owed = ping("owed");
        channel.close();
        assertThat(owed.refCnt()).isZero();
    }

    @Test
    void otherFramesPass() {
        TextWebSocketFrame frame = new TextWebSocketFrame("text");
        channel.writeInbound(frame);
        assertThat(channel.<TextWebSocketFrame>readInbound()).isSameAs(frame);
        frame.release();
    }
}
