package dev.weir.dataplane;

import dev.weir.dataplane.RetryPolicy.Failure;
import dev.weir.dataplane.ServiceTable.Endpoint;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends one request to one of some endpoints, once or, where its route says so, again.
 *
 * <p>Timeouts count from when the request is complete, so a slow upload is not cut off. Everything runs on the client
 * connection's event loop.
 */
final class Forwarding {
    /** A body longer than this is not kept to be sent again. */
    private static final int MOST_KEPT = 1 << 20;

    private final Exchange exchange;
    private final Proxy proxy;
    private final Supplier<@Nullable List<Endpoint>> fresh;
    private final RetryPolicy policy;
    private final Optional<Duration> timeout;
    private List<Endpoint> endpoints;
    private final List<Endpoint> tried = new ArrayList<>(1);
    private final List<HttpContent> kept = new ArrayList<>();
    private int keptBytes;
    private boolean tooLong;
    private int attempts;
    private boolean over;
    private @Nullable Try current;
    private @Nullable ScheduledFuture<?> whole;
    private @Nullable ScheduledFuture<?> perTry;
    private @Nullable ScheduledFuture<?> pause;

    /**
     * @param endpoints for the first try, not empty
     * @param fresh those of now, for a further try: the first ones may have gone meanwhile
     */
    Forwarding(
            Exchange exchange,
            Proxy proxy,
            List<Endpoint> endpoints,
            Supplier<@Nullable List<Endpoint>> fresh,
            RetryPolicy policy,
            Optional<Duration> timeout) {
        this.exchange = exchange;
        this.proxy = proxy;
        this.endpoints = endpoints;
        this.fresh = fresh;
        this.policy = policy;
        this.timeout = timeout;
    }

    void start() {
        attempts++;
        exchange.request().headers().set("x-envoy-attempt-count", attempts);
        Try next = new Try(this, exchange, proxy, endpoint());
        current = next;
        if (exchange.wholeRequest()) {
            watchTry();
        }
        next.start();
    }

    /** One that has not been tried, if there is one. */
    private Endpoint endpoint() {
        if (attempts > 1) {
            List<Endpoint> now = fresh.get();
            endpoints = now == null || now.isEmpty() ? endpoints : now;
        }
        List<Endpoint> others = attempts == 1
                ? endpoints
                : endpoints.stream().filter(e -> !tried.contains(e)).toList();
        List<Endpoint> from = others.isEmpty() ? endpoints : others;
        Endpoint chosen = from.get(ThreadLocalRandom.current().nextInt(from.size()));
        if (policy.attempts() > 0) {
            tried.add(chosen);
        }
        return chosen;
    }

    boolean wantsBody() {
        return current != null && current.writable();
    }

    /** Takes a part of the body over. */
    void body(HttpContent content) {
        if (policy.resends() && !tooLong) {
            keptBytes += content.content().readableBytes();
            if (keptBytes > MOST_KEPT) {
                tooLong = true;
                release();
            } else {
                kept.add(content.retainedDuplicate());
            }
        }
        boolean last = content instanceof LastHttpContent;
        if (last) {
            timeout.ifPresent(
                    limit -> whole = exchange.loop().schedule(this::tooLate, limit.toNanos(), TimeUnit.NANOSECONDS));
            watchTry();
        }
        if (current == null) {
            ReferenceCountUtil.release(content);
        } else {
            current.write(content);
        }
    }

    private void watchTry() {
        policy.perTry().ifPresent(limit -> {
            Runnable expire = () -> {
                if (current != null && !exchange.started()) {
                    current.expire();
                }
            };
            perTry = exchange.loop().schedule(expire, limit.toNanos(), TimeUnit.NANOSECONDS);
        });
    }

    /** What a further try has to send before the rest comes. */
    List<HttpContent> kept() {
        return kept;
    }

    private void tooLate() {
        if (over) {
            return;
        }
        countTry(504, "UT");
        cancel();
        if (exchange.started()) {
            exchange.abort("UT");
        } else {
            exchange.reply(504, "upstream request timeout", "UT");
        }
    }

    /** Counts the try under way where it arrived, before it is given up. */
    void countTry(int code, String flags) {
        if (current != null) {
            current.count(code, flags);
        }
    }

    /** The try has a connection and has sent the head. */
    void connected() {
        exchange.sendContinue();
        exchange.connection().pump();
    }

    private boolean again(boolean sent) {
        return attempts <= policy.attempts() && !exchange.started() && !(sent && (tooLong || !policy.resends()));
    }

    /**
     * A try brought no answer.
     *
     * @param sent true if the pod may have seen the request
     */
    void failed(Failure failure, boolean sent, LastWord word) {
        current = null;
        stop(perTry);
        if (policy.covers(failure) && again(sent)) {
            retry();
            return;
        }
        boolean exhausted = policy.covers(failure) && policy.attempts() > 0 && attempts > policy.attempts();
        over = true;
        if (exchange.started()) {
            exchange.abort(word.flags());
        } else {
            exchange.reply(word.code(), word.text(), word.flags() + (exhausted ? ",URX" : ""));
        }
    }

    /** What the client hears when nothing else is tried. */
    record LastWord(int code, String text, String flags) {}

    private void retry() {
        Duration wait = policy.pause(attempts, ThreadLocalRandom.current().nextDouble());
        pause = exchange.loop()
                .schedule(
                        () -> {
                            if (!over) {
                                start();
                            }
                        },
                        wait.toNanos(),
                        TimeUnit.NANOSECONDS);
    }

    /** True if the answer is to be thrown away for another try. */
    boolean rejects(HttpResponse response) {
        int code = response.status().code();
        if (!policy.coversAnswer(code, response.headers().get("grpc-status", "")) || !again(true)) {
            return false;
        }
        current = null;
        stop(perTry);
        retry();
        return true;
    }

    /** The answer has begun. */
    void answered() {
        stop(perTry);
    }

    /** The answer has been passed on. */
    void completed() {
        current = null;
        over = true;
        exchange.finish("-");
    }

    void resume() {
        if (current != null) {
            current.resume();
        }
    }

    /** Gives up whatever is under way. */
    void cancel() {
        over = true;
        Try last = current;
        current = null;
        if (last != null) {
            last.cancel();
        }
        stop(whole);
        stop(perTry);
        stop(pause);
        release();
    }

    private static void stop(@Nullable ScheduledFuture<?> timer) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    private void release() {
        kept.forEach(ReferenceCountUtil::release);
        kept.clear();
    }
}
