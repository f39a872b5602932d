package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Connections to a pod that leaves its service. */
class UpstreamPoolTest {
    private final Pod pod = Pod.saying("ok");
    private final InetSocketAddress address = new InetSocketAddress("127.0.0.1", pod.port());
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final UpstreamPool pool = new UpstreamPool(() -> {});
    private @Nullable UpstreamConnection kept;

    private CompletableFuture<@Nullable UpstreamConnection> acquire() {
        CompletableFuture<@Nullable UpstreamConnection> opened = new CompletableFuture<>();
        loop.execute(() -> pool.acquire(loop, address, false, opened::complete));
        return opened;
    }

    private void settle() throws Exception {
        loop.submit(() -> {}).get();
    }

    @BeforeEach
    void oneIsIdle() throws Exception {
        UpstreamConnection opened = acquire().get();
        kept = Objects.requireNonNull(opened);
        loop.submit(() -> pool.give(idle(), Set.of(address))).get();
    }

    private UpstreamConnection idle() {
        return Objects.requireNonNull(kept);
    }

    @AfterEach
    void close() throws IOException {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        pod.close();
    }

    /** As when a request chose the pod from the table before the present one. */
    @Test
    void aRequestThatTakesAConnectionAsItsPodLeavesKeepsIt() throws Exception {
        CompletableFuture<@Nullable UpstreamConnection> taken = new CompletableFuture<>();
        loop.submit(() -> {
                    CompletableFuture.runAsync(() -> pool.retain(Set.of())).join();
                    pool.acquire(loop, address, false, taken::complete);
                })
                .get();
        settle();
        assertThat(taken.get()).isSameAs(idle());
        assertThat(idle().channel().isActive()).isTrue();
    }

    @Test
    void idleConnectionsToAPodThatLeftAreClosed() throws Exception {
        pool.retain(Set.of(address));
        settle();
        assertThat(idle().channel().isActive()).isTrue();
        pool.retain(Set.of());
        settle();
        assertThat(idle().channel().isActive()).isFalse();
        assertThat(acquire().get()).isNotSameAs(idle());
    }
}
