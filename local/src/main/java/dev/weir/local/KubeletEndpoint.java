package dev.weir.local;

import dev.weir.apiserver.auth.CertificateAuthority;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.security.auth.x500.X500Principal;

/** What the API server asks a kubelet for: logs, exec, attach and port-forward, over TLS, with a client certificate required. */
final class KubeletEndpoint implements AutoCloseable {
    /** Who may ask. */
    interface Authorizer {
        /** Whether the subject of a client's certificate may; may wait for others to say so. */
        boolean allows(X500Principal subject);
    }

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("kubelet", true), NioIoHandler.newFactory());
    private final Channel channel;

    /** An endpoint that trusts the clients of the authority that its own certificate comes from. */
    static KubeletEndpoint of(Kubelet kubelet, NodeIdentity node, CertificateAuthority authority) throws IOException {
        CertificateAuthority.Identity identity = authority.server("weir-kubelet", List.of(node.address(), node.name()));
        return new KubeletEndpoint(
                kubelet,
                new InetSocketAddress(node.address(), 0),
                SslContextBuilder.forServer(identity.key(), identity.certificate())
                        .trustManager(authority.certificate())
                        .clientAuth(ClientAuth.REQUIRE)
                        .build(),
                _ -> true);
    }

    /**
     * Begins to listen.
     *
     * @throws IOException if the address cannot be bound
     */
    KubeletEndpoint(Kubelet kubelet, InetSocketAddress at, SslContext tls, Authorizer authorizer) throws IOException {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection
                                .pipeline()
                                .addLast(tls.newHandler(connection.alloc()))
                                .addLast(new HttpServerCodec())
                                .addLast(new HttpObjectAggregator(1 << 20))
                                .addLast(new KubeletRequests(kubelet, authorizer));
                    }
                })
                .bind(at)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException("kubelet endpoint: " + bound.cause().getMessage());
        }
        channel = bound.channel();
    }

    int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    @Override
    public void close() {
        channel.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
