package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Container;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One command in a pod: stdin, stdout, stderr and the end on their channels. */
final class ExecSession extends SimpleChannelInboundHandler<WebSocketFrame> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int CLOSE = 255;
    private static final int NORMAL_CLOSE = 1000;
    private static final int CLOSE_SECONDS = 2;

    private final PodSandbox sandbox;
    private final Container container;
    private final List<String> command;
    private final boolean stdin;
    /** Does what may block, in order: start, input. */
    private final ExecutorService worker =
            Executors.newSingleThreadExecutor(Thread.ofVirtual().name("exec").factory());

    private volatile @Nullable Process process;
    private volatile boolean gone;

    ExecSession(PodSandbox sandbox, Container container, List<String> command, boolean stdin) {
        this.sandbox = sandbox;
        this.container = container;
        this.command = command;
        this.stdin = stdin;
    }

    void start(ChannelHandlerContext ctx) {
        worker.execute(() -> {
            try {
                Process started = sandbox.spawn(container, command, false);
                process = started;
                if (gone) {
                    end(started);
                    return;
                }
                if (!stdin) {
                    started.getOutputStream().close();
                }
                Thread out = Thread.startVirtualThread(() -> pump(ctx, started.getInputStream(), STDOUT));
                Thread err = Thread.startVirtualThread(() -> pump(ctx, started.getErrorStream(), STDERR));
                Thread.startVirtualThread(() -> finish(ctx, started, out, err));
            } catch (IOException | Misconfigured failure) {
                finish(ctx, failure("InternalError", String.valueOf(failure.getMessage()), ""));
            }
        });
    }

    private static void pump(ChannelHandlerContext ctx, InputStream from, int number) {
        byte[] buffer = new byte[16_384];
        try (from) {
            for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                ByteBuf frame = Unpooled.buffer(n + 1).writeByte(number).writeBytes(buffer, 0, n);
                ctx.writeAndFlush(new BinaryWebSocketFrame(frame)).await();
            }
        } catch (IOException ended) {
            // the process is gone
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void finish(ChannelHandlerContext ctx, Process started, Thread out, Thread err) {
        try {
            int code = started.waitFor();
            sandbox.ended(started);
            out.join();
            err.join();
            finish(
                    ctx,
                    code == 0
                            ? JSON.createObjectNode().put("status", "Success")
                            : failure(
                                    "NonZeroExitCode",
                                    "command terminated with non-zero exit code: exit status " + code,
                                    Integer.toString(code)));
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private static ObjectNode failure(String reason, String message, String exitCode) {
        ObjectNode status = JSON.createObjectNode();
        status.put("status", "Failure").put("reason", reason).put("message", message);
        if (!exitCode.isEmpty()) {
            status.putObject("details")
                    .putArray("causes")
                    .addObject()
                    .put("reason", "ExitCode")
                    .put("message", exitCode);
        }
        return status;
    }

    private void finish(ChannelHandlerContext ctx, ObjectNode status) {
        status.putObject("metadata");
        byte[] text = status.toString().getBytes(StandardCharsets.UTF_8);
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
            } catch (java.util.concurrent.RejectedExecutionException ended) {
                // the command has just ended; its input goes nowhere
                ctx.channel().config().setAutoRead(true);
            }
        }
    }

    private void input(int number, byte[] bytes) {
        Process running = process;
        if (running == null || !stdin) {
            return;
        }
        try {
            OutputStream to = running.getOutputStream();
            if (number == STDIN) {
                to.write(bytes);
                to.flush();
            } else if (number == CLOSE && bytes.length > 0 && bytes[0] == STDIN) {
                to.close();
            }
        } catch (IOException closed) {
            // the command reads no more; what it does not read is dropped, as on a cluster
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        gone = true;
        worker.shutdown();
        Process running = process;
        if (running != null) {
            Thread.startVirtualThread(() -> end(running));
        }
    }

    private void end(Process running) {
        try {
            HostProcess.stop(running, Duration.ofSeconds(1));
            sandbox.ended(running);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
