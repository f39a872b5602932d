package dev.weir.dataplane;

import dev.weir.dataplane.Forwarding.LastWord;
import dev.weir.dataplane.RetryPolicy.Failure;
import dev.weir.dataplane.Series.Result;
import dev.weir.dataplane.ServiceTable.Endpoint;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/** One try of a request at one endpoint. Everything runs on the client connection's event loop. */
final class Try implements UpstreamConnection.User {
    private static final String BROKEN = "upstream connect error or disconnect/reset before headers. reset reason: ";

    private final Forwarding forwarding;
    private final Exchange exchange;
    private final Proxy proxy;
    private final Endpoint endpoint;
    private final long startedNanos = System.nanoTime();
    private @Nullable UpstreamConnection connection;
    private @Nullable HttpResponse head;
    /** The message that is not the answer yet: 100, 102, 103. */
    private boolean interim;

    private boolean upgrading;
    private boolean wholeRequest;
    private boolean over;

    Try(Forwarding forwarding, Exchange exchange, Proxy proxy, Endpoint endpoint) {
        this.forwarding = forwarding;
        this.exchange = exchange;
        this.proxy = proxy;
        this.endpoint = endpoint;
    }

    void start() {
        exchange.destination(endpoint.workload());
        boolean http2 = endpoint.http2(exchange.isGrpcStream());
        proxy.pool().acquire(exchange.loop(), endpoint.address(), http2, opened -> {
            if (over) {
                if (opened != null) {
                    opened.close();
                }
            } else if (opened == null) {
                end(503, "UF");
                forwarding.failed(Failure.CONNECT, false, new LastWord(503, BROKEN + "connection failure", "UF"));
            } else {
                send(opened);
            }
        });
    }

    private void send(UpstreamConnection opened) {
        connection = opened;
        opened.use(this);
        opened.channel().write(exchange.request());
        for (HttpContent part : forwarding.kept()) {
            write(part.retainedDuplicate());
        }
        forwarding.connected();
        opened.channel().flush();
    }

    boolean writable() {
        return connection != null && connection.channel().isWritable();
    }

    void write(HttpContent content) {
        if (over || connection == null) {
            ReferenceCountUtil.release(content);
        } else if (content instanceof LastHttpContent) {
            wholeRequest = true;
            connection.channel().writeAndFlush(content);
        } else {
            connection.channel().writeAndFlush(content);
        }
    }

    @Override
    public void read(Object message) {
        if (over || !(message instanceof HttpObject object)) {
            ReferenceCountUtil.release(message);
        } else if (object.decoderResult().isFailure()) {
            ReferenceCountUtil.release(object);
            broken(502, "upstream protocol error", "UPE");
        } else if (object instanceof HttpResponse response && !(message instanceof HttpContent)) {
            head(response);
        } else if (object instanceof HttpContent content) {
            content(content);
        }
    }

    private void head(HttpResponse response) {
        int code = response.status().code();
        if (code == 101 && ForwardedHeaders.asksForUpgrade(exchange.request())) {
            upgrading = true;
            head = response;
        } else if (code == 101) {
            broken(502, "upstream changes the protocol unasked", "UPE");
        } else if (code < 200) {
            interim = true;
        } else {
            answer(response);
        }
    }

    private void answer(HttpResponse response) {
        head = response;
        forwarding.answered();
        if (forwarding.rejects(response)) {
            end(response.status().code(), "-");
            return;
        }
        long millis = (System.nanoTime() - startedNanos) / 1_000_000;
        response.headers().set("x-envoy-upstream-service-time", millis);
        exchange.respond(response);
    }

    private void content(HttpContent content) {
        boolean last = content instanceof LastHttpContent;
        if (interim) {
            interim = !last;
            ReferenceCountUtil.release(content);
        } else if (upgrading) {
            ReferenceCountUtil.release(content);
            if (last && connection != null && head != null) {
                over = true;
                UpstreamConnection taken = connection;
                taken.leave();
                Tunnel.upgrade(exchange, taken, head);
            }
        } else if (exchange.respondBody(content)) {
            if (last) {
                complete();
            }
        } else if (last) {
            complete();
        } else if (connection != null) {
            connection.channel().config().setAutoRead(false);
        }
    }

    private void complete() {
        UpstreamConnection used = connection;
        HttpResponse answer = head;
        count(answer == null ? 0 : answer.status().code(), "-");
        over = true;
        if (used != null) {
            if (answer != null && wholeRequest && HttpUtil.isKeepAlive(answer)) {
                proxy.pool().give(used, proxy.table().get().services().addresses());
            } else {
                used.close();
            }
        }
        forwarding.completed();
    }

    @Override
    public void readComplete() {
        if (head != null && !over) {
            exchange.flush();
        }
    }

    void resume() {
        if (connection != null) {
            connection.channel().config().setAutoRead(true);
        }
    }

    @Override
    public void writabilityChanged() {
        exchange.connection().touch();
        if (writable()) {
            exchange.connection().pump();
        }
    }

    @Override
    public void closed() {
        broken(503, BROKEN + "connection termination", "UC");
    }

    private void broken(int code, String text, String flags) {
        if (!over) {
            end(head == null ? code : head.status().code(), flags);
            forwarding.failed(Failure.RESET, true, new LastWord(code, text, flags));
        }
    }

    /** The time for one try is over. */
    void expire() {
        if (!over) {
            end(504, "UT");
            forwarding.failed(Failure.TIMEOUT, connection != null, new LastWord(504, "upstream request timeout", "UT"));
        }
    }

    private void end(int code, String flags) {
        count(code, flags);
        cancel();
    }

    /** Counts the try where it arrived; a workload that is not known has nobody to count. */
    void count(int code, String flags) {
        if (!over && !endpoint.workload().equals(Workload.UNKNOWN)) {
            exchange.destination(endpoint.workload());
            proxy.metrics().atDestination(exchange.counted(startedNanos), new Result(code, flags));
        }
    }

    void cancel() {
        over = true;
        if (connection != null) {
            connection.close();
        }
    }
}
