package dev.weir.apiserver.http;

import dev.weir.apiserver.auth.Authenticator;
import dev.weir.apiserver.auth.CertificateAuthority;
import dev.weir.apiserver.rest.ApiHandler;
import dev.weir.apiserver.rest.ApiRequest;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The listening socket: HTTPS, HTTP/1.1. */
public final class HttpServer implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(HttpServer.class);
    private static final int MOST_BODY_BYTES = 3 * 1024 * 1024;
    private static final int MOST_HEADER_BYTES = 64 * 1024;

    private static final int MOST_LINE_BYTES = 16 * 1024;
    private static final int CLOSE_SECONDS = 2;

    private final EventLoopGroup group;
    private final ExecutorService threads;
    private final Channel channel;
    private final Connections connections;

    private HttpServer(EventLoopGroup group, ExecutorService threads, Channel channel, Connections connections) {
        this.group = group;
        this.threads = threads;
        this.channel = channel;
        this.connections = connections;
    }

    /** What requests are answered with, and what clients may cost. */
    public record Service(
            ApiHandler handler, Authenticator authenticator, Consumer<ApiRequest> beforeRequest, HttpLimits limits) {}

    /** @throws IOException if the address cannot be bound; the message names it */
    public static HttpServer start(InetSocketAddress bind, CertificateAuthority authority, Service service)
            throws IOException {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                2, new DefaultThreadFactory("apiserver", true), NioIoHandler.newFactory());
        ExecutorService threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("apiserver-", 0).factory());
        SslContext tls = serverTls(bind, authority);
        KubeletRelay kubelet = new KubeletRelay(clientTls(authority));
        Connections connections = new Connections(service.limits(), group);
        Semaphore atATime = new Semaphore(service.limits().requests());
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        Connections.Connection connection = connections.add(channel);
                        if (connection == null) {
                            channel.close();
                            return;
                        }
                        channel.pipeline()
                                .addLast(tls.newHandler(channel.alloc()))
                                .addLast(connection)
                                .addLast(new HttpServerCodec(MOST_LINE_BYTES, MOST_HEADER_BYTES, 8192))
                                .addLast(new WholeRequests(MOST_BODY_BYTES))
                                .addLast(new HttpApi(service, kubelet, connection, atATime, threads));
                    }
                })
                .bind(bind)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
            throw new IOException("cannot listen on " + bind.getHostString() + ":" + bind.getPort() + ": "
                    + bound.cause().getMessage());
        }
        return new HttpServer(group, threads, bound.channel(), connections);
    }

    private static SslContext serverTls(InetSocketAddress bind, CertificateAuthority authority) throws SSLException {
        CertificateAuthority.Identity identity = authority.server(
                "weir-apiserver",
                List.of(
                        bind.getAddress().getHostAddress(),
                        "127.0.0.1",
                        "localhost",
                        "kubernetes",
                        "kubernetes.default",
                        "kubernetes.default.svc"));
        return SslContextBuilder.forServer(identity.key(), identity.certificate())
                .sslProvider(SslProvider.JDK)
                .trustManager(authority.certificate())
                .clientAuth(ClientAuth.OPTIONAL)
                .build();
    }

    private static SslContext clientTls(CertificateAuthority authority) throws SSLException {
        CertificateAuthority.Identity identity =
                authority.client("kube-apiserver-kubelet-client", List.of("system:masters"));
        return SslContextBuilder.forClient()
                .sslProvider(SslProvider.JDK)
                .keyManager(identity.key(), identity.certificate())
                .trustManager(authority.certificate())
                .endpointIdentificationAlgorithm("HTTPS")
                .build();
    }

    public InetSocketAddress address() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Connections go first, then those who would still write to them, then the loop that tells them that it is over. */
    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        connections.closeAll();
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOGGER.debug("requests are still being carried out");
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
        group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_SECONDS + 1, TimeUnit.SECONDS);
    }
}
