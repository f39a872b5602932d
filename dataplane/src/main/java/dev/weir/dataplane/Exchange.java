package dev.weir.dataplane;

import dev.weir.dataplane.Series.Result;
import dev.weir.dataplane.Series.ServiceName;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One request and its answer, as the client sees them. Everything runs on the client connection's event loop. */
final class Exchange {
    /** A rest of a body up to this is read and thrown away; before a longer one the connection is closed. */
    private static final long MOST_DISCARDED = 65_536;

    private final ClientConnection connection;
    private final Proxy proxy;
    private final HttpRequest request;
    private final RouteTable table;
    private final long startedNanos = System.nanoTime();
    private final boolean keepAlive;
    private final boolean old;
    private final boolean grpc;
    private boolean expectsContinue;
    private boolean wholeRequest;
    private boolean started;
    private boolean last;
    private boolean finished;
    private int code;
    private long bytesIn;
    private long bytesOut;
    private String delayed = "";
    private String grpcStatus = "";
    private ServiceName service = ServiceName.UNKNOWN;
    private Peer destination = Peer.UNKNOWN;
    private Workload known = Workload.UNKNOWN;
    private List<HeaderEdits> responseEdits = List.of();
    private HeaderEdits shared = HeaderEdits.NONE;
    private @Nullable Forwarding forwarding;
    private @Nullable CopiedRequest copy;

    Exchange(ClientConnection connection, Proxy proxy, HttpRequest request) {
        this.connection = connection;
        this.proxy = proxy;
        this.request = request;
        this.table = proxy.table().get();
        this.keepAlive = HttpUtil.isKeepAlive(request);
        this.old = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        this.grpc = request.headers().get(HttpHeaderNames.CONTENT_TYPE, "").startsWith("application/grpc");
        this.expectsContinue = HttpUtil.is100ContinueExpected(request);
        connection.answersHead(request.method().equals(HttpMethod.HEAD));
    }

    void begin() {
        new Dispatch(this, proxy).dispatch();
    }

    HttpRequest request() {
        return request;
    }

    RouteTable table() {
        return table;
    }

    ClientConnection connection() {
        return connection;
    }

    /** True if a client of gRPC asks over HTTP/2. */
    boolean isGrpcStream() {
        return grpc && connection.isStream();
    }

    EventLoop loop() {
        return connection.channel().eventLoop();
    }

    boolean finished() {
        return finished;
    }

    boolean started() {
        return started;
    }

    boolean wholeRequest() {
        return wholeRequest;
    }

    /** The connection ends with this answer. */
    void onlyOne() {
        last = true;
    }

    /** @param flag DI if the request was held back on purpose, or empty */
    void note(String flag) {
        delayed = flag;
    }

    void service(ServiceName name) {
        service = name;
    }

    void destination(Workload workload) {
        if (!workload.equals(known)) {
            known = workload;
            destination = Peer.of(workload);
        }
    }

    void responseEdits(List<HeaderEdits> edits) {
        responseEdits = edits;
    }

    /** What the answer, whoever gives it, says to a page of another origin. */
    void share(HeaderEdits edits) {
        shared = edits;
    }

    /** Sends the request on, and copies if there are to be any. */
    void forward(Forwarding through, @Nullable CopiedRequest copied) {
        forwarding = through;
        copy = copied;
        through.start();
    }

    /** Asks the client for the body that it holds back. */
    void sendContinue() {
        if (expectsContinue && !old) {
            expectsContinue = false;
            connection
                    .channel()
                    .writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        }
    }

    boolean wantsBody() {
        return !wholeRequest && forwarding != null && forwarding.wantsBody();
    }

    void body(HttpContent content) {
        connection.touch();
        if (content.decoderResult().isFailure()) {
            ReferenceCountUtil.release(content);
            stop();
            if (started) {
                abort("-");
            } else {
                last = true;
                reply(400, "the request's body is malformed", "DPE");
            }
            return;
        }
        bytesIn += content.content().readableBytes();
        if (copy != null) {
            copy.add(content);
        }
        boolean end = content instanceof LastHttpContent;
        wholeRequest = end;
        if (forwarding == null) {
            ReferenceCountUtil.release(content);
        } else {
            forwarding.body(content);
        }
        if (end && copy != null) {
            copy.send();
            copy = null;
        }
    }

    /** Answers by itself. */
    void reply(int status, String text, String flags) {
        reply(LocalReply.of(status, text), flags);
    }

    void reply(FullHttpResponse response, String flags) {
        if (finished || started) {
            response.release();
            return;
        }
        long length = response.content().readableBytes();
        begin(response);
        bytesOut = request.method().equals(HttpMethod.HEAD) ? 0 : length;
        connection.channel().writeAndFlush(response);
        finish(flags);
    }

    /** Passes the head of an answer on. */
    void respond(HttpResponse response) {
        HttpResponse head = new DefaultHttpResponse(
                HttpVersion.HTTP_1_1, response.status(), response.headers().copy());
        ForwardedHeaders.removeHopByHop(head);
        begin(head);
        connection.channel().write(head);
    }

    private void begin(HttpResponse response) {
        started = true;
        connection.touch();
        code = response.status().code();
        HttpHeaders headers = response.headers();
        responseEdits.forEach(edits -> edits.applyToResponse(headers));
        shared.applyToResponse(headers);
        noteGrpc(headers);
        boolean empty = request.method().equals(HttpMethod.HEAD) || code == 204 || code == 304;
        boolean chunked = HttpUtil.isTransferEncodingChunked(response);
        boolean endless = !empty && !headers.contains(HttpHeaderNames.CONTENT_LENGTH);
        if (old) {
            headers.remove(HttpHeaderNames.TRANSFER_ENCODING);
        } else if (endless && !chunked) {
            headers.set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        }
        // the end of such an answer is the end of the connection
        last = last || old && endless || !keepAlive || connection.draining() || !wholeRequest && !discardable();
        if (last) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (old) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
    }

    /** True if the rest of the body may be awaited although nobody wants it. */
    private boolean discardable() {
        return !expectsContinue
                && !HttpUtil.isTransferEncodingChunked(request)
                && HttpUtil.getContentLength(request, 0L) <= MOST_DISCARDED;
    }

    private void noteGrpc(HttpHeaders headers) {
        String status = headers.get("grpc-status", "");
        if (grpc && status.matches("\\d|1[0-6]")) {
            grpcStatus = status;
        }
    }

    /** Passes a part of an answer on; false if the client takes no more for now. */
    boolean respondBody(HttpContent content) {
        connection.touch();
        bytesOut += content.content().readableBytes();
        Channel client = connection.channel();
        if (content instanceof LastHttpContent end) {
            noteGrpc(end.trailingHeaders());
            client.writeAndFlush(content);
        } else {
            client.write(content);
        }
        return client.isWritable();
    }

    void flush() {
        connection.channel().flush();
    }

    void clientWritable() {
        if (forwarding != null) {
            forwarding.resume();
        }
    }

    /** The answer is complete. */
    void finish(String flags) {
        if (finished) {
            return;
        }
        count(flags);
        stop();
        connection.answered(!last);
    }

    /** An answer that has begun cannot be completed: the client must see that it is cut off. */
    void abort(String flags) {
        if (!finished) {
            count(flags);
            stop();
            connection.channel().close();
        }
    }

    void clientGone() {
        if (!finished) {
            if (forwarding != null) {
                forwarding.countTry(code, "DC");
            }
            count("DC");
            stop();
        }
    }

    /** Nothing moved for too long. */
    void stalled() {
        if (forwarding != null) {
            forwarding.countTry(started ? code : 504, "SI");
        }
        if (started) {
            abort("SI");
        } else {
            stop();
            last = true;
            reply(wholeRequest || forwarding == null ? 504 : 408, "stream timeout", "SI");
        }
    }

    /** The connection now carries another protocol; it is counted when it ends. */
    void upgraded(HttpResponse response) {
        code = response.status().code();
        started = true;
    }

    void tunnelClosed(long bytesFromClient, long bytesToClient) {
        bytesIn = bytesFromClient;
        bytesOut = bytesToClient;
        if (!finished) {
            count("-");
            if (!destination.equals(Peer.UNKNOWN)) {
                proxy.metrics().atDestination(counted(startedNanos), new Result(code, "-"));
            }
        }
    }

    private void stop() {
        if (copy != null) {
            copy.discard();
            copy = null;
        }
        if (forwarding != null) {
            forwarding.cancel();
        }
    }

    private void count(String flags) {
        finished = true;
        String all = delayed.isEmpty() ? flags : flags.equals("-") ? delayed : delayed + "," + flags;
        proxy.metrics().atSource(counted(startedNanos), new Result(code, all));
    }

    /** What is known by now, for metrics; a try measures from its own beginning. */
    Metrics.Request counted(long sinceNanos) {
        String status = !grpc || !grpcStatus.isEmpty() ? grpcStatus : "2";
        return new Metrics.Request(
                connection.caller(), destination, service, status, bytesIn, bytesOut, System.nanoTime() - sinceNanos);
    }
}
