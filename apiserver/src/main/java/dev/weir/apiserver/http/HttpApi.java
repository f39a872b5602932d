package dev.weir.apiserver.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.SimulatedCrash;
import dev.weir.apiserver.auth.User;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.ApiHandler;
import dev.weir.apiserver.rest.ApiRequest;
import dev.weir.apiserver.rest.ApiResponse;
import dev.weir.apiserver.store.StoreFailedException;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.ssl.SslHandler;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection: reads a request, has it handled on a virtual thread, writes the answer, reads the next. */
final class HttpApi extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final Logger LOGGER = LoggerFactory.getLogger(HttpApi.class);

    private final HttpServer.Service service;
    private final KubeletRelay kubelet;
    private final Connections.Connection connection;
    private final Semaphore atATime;
    private final ExecutorService threads;

    HttpApi(
            HttpServer.Service service,
            KubeletRelay kubelet,
            Connections.Connection connection,
            Semaphore atATime,
            ExecutorService threads) {
        this.service = service;
        this.kubelet = kubelet;
        this.connection = connection;
        this.atATime = atATime;
        this.threads = threads;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest message) {
        ctx.channel().config().setAutoRead(false);
        connection.requestIsWhole();
        if (message.decoderResult().isFailure()) {
            write(ctx, refusal(undecodable(message.decoderResult().cause())), false);
            return;
        }
        FullHttpRequest request = message.retain();
        try {
            threads.execute(() -> {
                try {
                    serve(ctx, request);
                } finally {
                    request.release();
                }
            });
        } catch (RejectedExecutionException closing) {
            request.release();
            ctx.close();
        }
    }

    /** A request whose end is in doubt: nothing more can be understood on its connection. */
    private static ApiException undecodable(Throwable cause) {
        return switch (cause) {
            case TooLongHttpLineException _ ->
                ApiException.unavailable(414, "RequestURITooLong", "the request's first line is too long");
            case TooLongHttpHeaderException _ ->
                ApiException.unavailable(431, "RequestHeaderFieldsTooLarge", "the request's headers are too large");
            default -> ApiException.badRequest("malformed request");
        };
    }

    private void serve(ChannelHandlerContext ctx, FullHttpRequest message) {
        boolean keepAlive = HttpUtil.isKeepAlive(message);
        try {
            switch (answer(ctx, message)) {
                case ApiResponse.Kubelet target -> {
                    kubelet.relay(ctx, message, target);
                    connection.release();
                }
                case ApiResponse.Stream stream
                when message.headers().contains(HttpHeaderNames.UPGRADE) -> upgrade(ctx, message, stream);
                case ApiResponse.Stream stream -> new WatchStream(ctx, stream, false).run();
                case ApiResponse.Json json -> write(ctx, response(json, message), keepAlive);
                case ApiResponse.Bytes bytes -> write(ctx, response(bytes, message), keepAlive);
            }
        } catch (ApiException refused) {
            write(ctx, refusal(refused), keepAlive);
        } catch (SimulatedCrash crash) {
            LOGGER.info("connection cut: {}", crash.getMessage());
            ctx.close();
        } catch (StoreFailedException failure) {
            LOGGER.error("{}", failure.getMessage());
            write(ctx, refusal(ApiException.internal(String.valueOf(failure.getMessage()))), keepAlive);
        } catch (RuntimeException | StackOverflowError bug) {
            LOGGER.atError().setCause(bug).addKeyValue("path", message.uri()).log("request failed");
            write(ctx, refusal(ApiException.internal("internal error: " + bug)), keepAlive);
        }
    }

    private ApiResponse answer(ChannelHandlerContext ctx, FullHttpRequest message) {
        if (!atATime.tryAcquire()) {
            throw ApiException.unavailable(
                    429, "TooManyRequests", "the server has too many requests, please try again later");
        }
        try {
            ApiRequest request = request(message, user(ctx, message));
            service.beforeRequest().accept(request);
            return service.handler().handle(request);
        } finally {
            atATime.release();
        }
    }

    /** Some clients ask for watches over WebSocket first; each event is then a text frame. */
    private static void upgrade(ChannelHandlerContext ctx, FullHttpRequest message, ApiResponse.Stream stream) {
        WebSocketServerHandshaker handshaker =
                new WebSocketServerHandshakerFactory("wss://apiserver", null, false).newHandshaker(message);
        if (handshaker == null) {
            WebSocketServerHandshakerFactory.sendUnsupportedVersionResponse(ctx.channel());
            return;
        }
        ctx.pipeline().addLast(new PingReplies(), new ClosingFrames());
        handshaker.handshake(ctx.channel(), message).awaitUninterruptibly();
        new WatchStream(ctx, stream, true).run();
    }

    private static final class ClosingFrames extends SimpleChannelInboundHandler<CloseWebSocketFrame> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, CloseWebSocketFrame frame) {
            ctx.close();
        }
    }

    private User user(ChannelHandlerContext ctx, FullHttpRequest message) {
        Optional<User> user = service.authenticator()
                .authenticate(message.headers().get(HttpHeaderNames.AUTHORIZATION), certificate(ctx));
        return impersonated(user.orElseThrow(ApiException::unauthorized), message);
    }

    /** Who the user wants to be taken for ({@code kubectl --as}); only masters may. */
    private static User impersonated(User user, FullHttpRequest message) {
        String name = message.headers().get("Impersonate-User");
        if (name == null) {
            return user;
        }
        if (!user.isMaster()) {
            throw ApiException.forbiddenPath("users \"" + name + "\" is forbidden: User \"" + user.name()
                    + "\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope");
        }
        List<String> groups = new ArrayList<>(message.headers().getAll("Impersonate-Group"));
        String[] account = name.split(":", -1);
        if (groups.isEmpty() && account.length == 4 && name.startsWith("system:serviceaccount:")) {
            groups.add("system:serviceaccounts");
            groups.add("system:serviceaccounts:" + account[2]);
        }
        groups.add("system:authenticated");
        return new User(name, "", groups);
    }

    private static @Nullable X509Certificate certificate(ChannelHandlerContext ctx) {
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        if (tls == null) {
            return null;
        }
        try {
            Certificate[] chain = tls.engine().getSession().getPeerCertificates();
            return chain.length > 0 && chain[0] instanceof X509Certificate certificate ? certificate : null;
        } catch (SSLPeerUnverifiedException none) {
            return null;
        }
    }

    private static ApiRequest request(FullHttpRequest message, User user) {
        QueryStringDecoder uri = new QueryStringDecoder(message.uri());
        String path;
        Map<String, List<String>> query;
        try {
            path = uri.path();
            query = uri.parameters();
        } catch (IllegalArgumentException malformed) {
            throw ApiException.badRequest("malformed address: " + malformed.getMessage());
        }
        String type = message.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
        int semicolon = type.indexOf(';');
        return new ApiRequest(
                message.method().name(),
                path,
                query,
                (semicolon < 0 ? type : type.substring(0, semicolon)).strip().toLowerCase(java.util.Locale.ROOT),
                String.join(",", message.headers().getAll(HttpHeaderNames.ACCEPT)),
                message.headers().get(HttpHeaderNames.USER_AGENT, ""),
                ByteBufUtil.getBytes(message.content()),
                user,
                message.headers().get(HttpHeaderNames.ACCEPT_ENCODING, "").contains("gzip"),
                message.headers().contains(HttpHeaderNames.UPGRADE));
    }

    static FullHttpResponse refusal(ApiException refused) {
        return response((ApiResponse.Json) ApiHandler.failure(refused), null);
    }

    private static FullHttpResponse response(ApiResponse.Json json, @Nullable FullHttpRequest request) {
        byte[] body = (Json.write(json.body()) + "\n").getBytes(StandardCharsets.UTF_8);
        FullHttpResponse response = full(json.code(), "application/json", body);
        for (String warning : json.warnings()) {
            response.headers()
                    .add("Warning", "299 - \"" + warning.replace("\\", "\\\\").replace("\"", "\\\"") + "\"");
        }
        if (json.code() == 429 || json.code() == 504) {
            response.headers().set("Retry-After", "1");
        }
        if (request != null && request.method().equals(HttpMethod.HEAD)) {
            response.content().clear();
        }
        return response;
    }

    private static FullHttpResponse response(ApiResponse.Bytes bytes, FullHttpRequest message) {
        String tag = bytes.headers().get("ETag");
        if (tag != null && tag.equals(message.headers().get(HttpHeaderNames.IF_NONE_MATCH))) {
            FullHttpResponse same = full(304, bytes.contentType(), new byte[0]);
            same.headers().set("ETag", tag);
            return same;
        }
        FullHttpResponse response = full(bytes.code(), bytes.contentType(), bytes.body());
        for (Map.Entry<String, String> header : bytes.headers().entrySet()) {
            response.headers().set(header.getKey(), header.getValue());
        }
        return response;
    }

    private static FullHttpResponse full(int code, String contentType, byte[] body) {
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code), Unpooled.wrappedBuffer(body));
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        response.headers().set(HttpHeaderNames.CACHE_CONTROL, "no-cache, private");
        response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
        return response;
    }

    private void write(ChannelHandlerContext ctx, FullHttpResponse response, boolean keepAlive) {
        if (!keepAlive) {
            response.headers().set(HttpHeaderNames.CONNECTION, "close");
        }
        ctx.writeAndFlush(response).addListener(done -> {
            if (keepAlive && done.isSuccess()) {
                connection.answered();
                ctx.channel().config().setAutoRead(true);
            } else {
                ctx.close();
            }
        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOGGER.debug("connection closed", cause);
        ctx.close();
    }

    /** For lists of JSON in watch frames. */
    static byte[] line(JsonNode node) {
        return (Json.write(node) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
