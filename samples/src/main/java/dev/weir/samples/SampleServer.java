package dev.weir.samples;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** An HTTP server that answers as a {@link Sample} says; one access line per request in common log format. */
public final class SampleServer implements AutoCloseable {
    private static final DateTimeFormatter COMMON_LOG =
            DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH);
    private static final int MOST_BODY_BYTES = 16 * 1024 * 1024;
    /** How long an idle connection stays open on close: a request that is on its way then still gets its answer. */
    private static final long LINGER_MILLIS = 100;

    private static final int MOST_WAITING = 64;
    private static final long CLOSE_SECONDS = 11;

    /** Shared by all servers of the process: a pod more is not a thread more. */
    private static final EventLoopGroup GROUP =
            new MultiThreadIoEventLoopGroup(2, new DefaultThreadFactory("samples", true), NioIoHandler.newFactory());

    private final Sample sample;
    private final Consumer<String> log;
    private final Channel server;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean closing;

    private SampleServer(Sample sample, InetSocketAddress bind, Consumer<String> log) throws IOException {
        this.sample = sample;
        this.log = log;
        ChannelFuture bound = new ServerBootstrap()
                .group(GROUP)
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 1024)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(new HttpServerCodec())
                                .addLast(new HttpObjectAggregator(MOST_BODY_BYTES))
                                .addLast(new Connection());
                    }
                })
                .bind(bind)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on " + bind + ": " + bound.cause().getMessage());
        }
        this.server = bound.channel();
    }

    /**
     * Starts a server.
     *
     * @param faults how it misbehaves
     * @param log gets each access line; called before the answer is sent, so that counts never lag behind clients
     * @throws IOException if the address cannot be bound
     */
    public static SampleServer start(Sample sample, Faults faults, InetSocketAddress bind, Consumer<String> log)
            throws IOException {
        return new SampleServer(
                faults.over(sample, () -> ThreadLocalRandom.current().nextDouble()), bind, log);
    }

    public InetSocketAddress address() {
        return (InetSocketAddress) server.localAddress();
    }

    /** Stops accepting; requests under way are answered, and their connections closed after the answer. */
    @Override
    public void close() {
        closing = true;
        server.close().awaitUninterruptibly();
        List<Connection> open = List.copyOf(connections);
        CountDownLatch left = new CountDownLatch(open.size());
        for (Connection connection : open) {
            connection.context.channel().closeFuture().addListener(_ -> left.countDown());
            connection.closeWhenIdle();
        }
        try {
            if (!left.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                open.forEach(connection -> connection.context.close());
            }
        } catch (InterruptedException stopped) {
            open.forEach(connection -> connection.context.close());
            Thread.currentThread().interrupt();
        }
    }

    /** One client connection; everything in it runs on the connection's event loop. */
    private final class Connection extends SimpleChannelInboundHandler<FullHttpRequest> {
        @SuppressWarnings("NullAway.Init") // set when the connection opens, before it is in the set
        private ChannelHandlerContext context;

        private boolean busy;
        /** Requests that a client sent before it had the answer to the one before. */
        private final Queue<FullHttpRequest> waiting = new ArrayDeque<>();

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            context = ctx;
            connections.add(this);
            if (closing) {
                closeWhenIdle();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            connections.remove(this);
            waiting.forEach(FullHttpRequest::release);
            waiting.clear();
        }

        void closeWhenIdle() {
            context.executor()
                    .schedule(
                            () -> {
                                if (!busy) {
                                    context.close();
                                }
                            },
                            LINGER_MILLIS,
                            TimeUnit.MILLISECONDS);
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
            if (!busy) {
                serve(ctx, request);
            } else if (waiting.size() < MOST_WAITING) {
                waiting.add(request.retain());
            } else {
                ctx.close();
            }
        }

        private void serve(ChannelHandlerContext ctx, FullHttpRequest request) {
            busy = true;
            Instant begin = Instant.now();
            Asked asked = asked(ctx, request);
            Answer answer = request.decoderResult().isFailure()
                    ? Answer.of(400, "text/html", "Bad Request\n")
                    : sample.answer(asked);
            if (answer.code() == 0) {
                ctx.close();
                return;
            }
            String line = "%s - - [%s] \"%s %s %s\" %d %d"
                    .formatted(
                            peer(ctx),
                            COMMON_LOG.format(ZonedDateTime.now(ZoneOffset.UTC)),
                            request.method(),
                            request.uri(),
                            request.protocolVersion(),
                            answer.code(),
                            answer.body().length);
            boolean keepAlive = HttpUtil.isKeepAlive(request);
            boolean head = request.method().name().equals("HEAD");
            Runnable reply = () -> {
                log.accept(line);
                sample.answered(asked, answer, Duration.between(begin, Instant.now()));
                send(ctx, answer, head, keepAlive && !closing);
            };
            if (answer.delayMillis() > 0) {
                ctx.executor().schedule(reply, answer.delayMillis(), TimeUnit.MILLISECONDS);
            } else {
                reply.run();
            }
        }

        private void send(ChannelHandlerContext ctx, Answer answer, boolean head, boolean keepAlive) {
            FullHttpResponse response = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1,
                    HttpResponseStatus.valueOf(answer.code()),
                    head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(answer.body()));
            boolean bodiless = answer.code() == 204 || answer.code() == 304;
            if (!bodiless) {
                response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, answer.body().length);
            }
            if (!sample.server().isEmpty()) {
                response.headers().set(HttpHeaderNames.SERVER, sample.server());
            }
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, answer.contentType());
            answer.headers().forEach((name, value) -> response.headers().set(name, value));
            response.headers()
                    .set(HttpHeaderNames.CONNECTION, keepAlive ? HttpHeaderValues.KEEP_ALIVE : HttpHeaderValues.CLOSE);
            ctx.writeAndFlush(response).addListener(_ -> {
                busy = false;
                if (!keepAlive) {
                    ctx.close();
                    return;
                }
                FullHttpRequest next = waiting.poll();
                if (next != null) {
                    serve(ctx, next);
                    next.release();
                } else if (closing) {
                    closeWhenIdle();
                }
            });
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }

    private static String peer(ChannelHandlerContext ctx) {
        return ((InetSocketAddress) ctx.channel().remoteAddress()).getAddress().getHostAddress();
    }

    private static Asked asked(ChannelHandlerContext ctx, FullHttpRequest request) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        request.headers()
                .names()
                .forEach(name -> headers.put(name, request.headers().getAll(name)));
        return new Asked(
                request.method().name(), request.uri(), headers, peer(ctx), ByteBufUtil.getBytes(request.content()));
    }
}
