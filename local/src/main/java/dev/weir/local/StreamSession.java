package dev.weir.local;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Exec or attach over WebSocket, as {@code v4.channel.k8s.io} and {@code v5.channel.k8s.io} have it. */
final class StreamSession extends SimpleChannelInboundHandler<WebSocketFrame> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int RESIZE = 4;
    private static final int CLOSE = 255;
    private static final int NORMAL_CLOSE = 1000;
    private static final int CLOSE_SECONDS = 2;

    private final Peer peer;
    /** Does what may block, in order: start, input. */
    private final ExecutorService worker;

    private final AtomicBoolean over = new AtomicBoolean();

    /** @param holding whether input may hold its thread, as a terminal's does */
    StreamSession(Peer peer, boolean holding) {
        this.peer = peer;
        this.worker = Executors.newSingleThreadExecutor(
                holding
                        ? Thread.ofPlatform().daemon().name("terminal-input").factory()
                        : Thread.ofVirtual().name("exec").factory());
    }

    void start(ChannelHandlerContext ctx) {
        Peer.Client client = new Peer.Client() {
            @Override
            public void output(boolean error, byte[] bytes, int n) throws InterruptedException {
                ByteBuf frame = Unpooled.buffer(n + 1)
                        .writeByte(error ? STDERR : STDOUT)
                        .writeBytes(bytes, 0, n);
                ctx.writeAndFlush(new BinaryWebSocketFrame(frame)).await();
            }

            @Override
            public void ended(Peer.Ending ending) {
                finish(ctx, ending);
            }
        };
        worker.execute(() -> {
            try {
                peer.begin(client);
            } catch (IOException | Misconfigured failure) {
                finish(ctx, Peer.Ending.failure(String.valueOf(failure.getMessage())));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void finish(ChannelHandlerContext ctx, Peer.Ending ending) {
        if (over.getAndSet(true)) {
            return;
        }
        byte[] text = ending.status().toString().getBytes(StandardCharsets.UTF_8);
        ctx.write(new BinaryWebSocketFrame(
                Unpooled.buffer(text.length + 1).writeByte(ERROR).writeBytes(text)));
        // a client that is still sending learns of the end only if it is not cut off: it closes, or time is up
        ctx.writeAndFlush(new CloseWebSocketFrame(NORMAL_CLOSE, "")).addListener(_ -> {
            ctx.channel().config().setAutoRead(true);
            ctx.executor().schedule(() -> ctx.close(), CLOSE_SECONDS, TimeUnit.SECONDS);
        });
        worker.shutdown();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, WebSocketFrame frame) {
        if (frame instanceof CloseWebSocketFrame) {
            ctx.close();
        } else if (frame instanceof BinaryWebSocketFrame && frame.content().isReadable() && !worker.isShutdown()) {
            int number = frame.content().readUnsignedByte();
            byte[] bytes = new byte[frame.content().readableBytes()];
            frame.content().readBytes(bytes);
            // a command that does not read holds its client up, and nobody else
            ctx.channel().config().setAutoRead(false);
            try {
                worker.execute(() -> {
                    input(number, bytes);
                    ctx.channel().config().setAutoRead(true);
                });
            } catch (RejectedExecutionException ended) {
                // the command has just ended; its input goes nowhere
                ctx.channel().config().setAutoRead(true);
            }
        }
    }

    private void input(int number, byte[] bytes) {
        try {
            switch (number) {
                case STDIN -> peer.input(bytes);
                case RESIZE -> {
                    JsonNode size = JSON.readTree(bytes);
                    peer.resize(size.path("Width").asInt(), size.path("Height").asInt());
                }
                case CLOSE -> {
                    if (bytes.length > 0 && bytes[0] == STDIN) {
                        peer.endInput();
                    }
                }
                default -> {
                    // a channel that nobody reads
                }
            }
        } catch (JacksonException malformed) {
            // a size that cannot be read changes nothing
        } catch (IOException closed) {
            // the command reads no more; what it does not read is dropped, as on a cluster
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        over.set(true);
        worker.shutdown();
        peer.left();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
