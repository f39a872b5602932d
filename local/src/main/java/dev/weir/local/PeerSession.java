package dev.weir.local;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.channel.ChannelHandlerContext;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/** Exec or attach, whatever protocol it comes by: what may block is done apart from the connection, and in order. */
final class PeerSession {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Peer peer;
    /** Does what may block, in order: start, input. */
    private final ExecutorService worker;

    private final AtomicBoolean over = new AtomicBoolean();

    PeerSession(Peer peer) {
        this.peer = peer;
        // a command that does not read its input holds the thread
        this.worker = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("exec").factory());
    }

    /** What is done with input. */
    interface Input {
        void give(Peer to) throws IOException;
    }

    /** Begins; the client is told at most once that it has ended. */
    void start(Peer.Client client) {
        Peer.Client once = new Peer.Client() {
            @Override
            public void output(boolean error, byte[] bytes, int n) throws InterruptedException {
                client.output(error, bytes, n);
            }

            @Override
            public void ended(Peer.Ending ending) {
                if (!over.getAndSet(true)) {
                    client.ended(ending);
                    worker.shutdown();
                }
            }
        };
        worker.execute(() -> {
            try {
                peer.begin(once);
            } catch (IOException | Misconfigured failure) {
                once.ended(Peer.Ending.failure(String.valueOf(failure.getMessage())));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Gives input; the connection is not read meanwhile: a command that does not read holds its client up, nobody else. */
    void input(ChannelHandlerContext ctx, Input input) {
        ctx.channel().config().setAutoRead(false);
        try {
            worker.execute(() -> {
                try {
                    input.give(peer);
                } catch (JacksonException malformed) {
                    // a size that cannot be read changes nothing
                } catch (IOException closed) {
                    // the command reads no more; what it does not read is dropped, as on a cluster
                }
                ctx.channel().config().setAutoRead(true);
            });
        } catch (RejectedExecutionException ended) {
            // the command has just ended; its input goes nowhere
            ctx.channel().config().setAutoRead(true);
        }
    }

    /** A terminal's size, as clients send it. */
    static Input size(byte[] json) {
        return peer -> {
            JsonNode size = JSON.readTree(json);
            peer.resize(size.path("Width").asInt(), size.path("Height").asInt());
        };
    }

    /** The client is gone. */
    void left() {
        over.set(true);
        worker.shutdown();
        peer.left();
    }
}
