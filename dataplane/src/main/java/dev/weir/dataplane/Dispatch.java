package dev.weir.dataplane;

import dev.weir.dataplane.RequestMatch.Subject;
import dev.weir.dataplane.Route.Action;
import dev.weir.dataplane.Route.Destination;
import dev.weir.dataplane.Route.Fault;
import dev.weir.dataplane.RouteTable.Found;
import dev.weir.dataplane.Series.ServiceName;
import dev.weir.dataplane.ServiceTable.Endpoint;
import dev.weir.dataplane.ServiceTable.Protocol;
import dev.weir.dataplane.ServiceTable.Service;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Decides what becomes of one request: refused, answered at once, or sent on. */
final class Dispatch {
    private static final int STANDARD_PORT = 80;
    private static final int NO_CLUSTER = 503;
    /** Envoy's bound. */
    private static final int MOST_HEADERS = 100;

    private final Exchange exchange;
    private final Proxy proxy;
    private final HttpRequest request;
    private final Listening listening;

    Dispatch(Exchange exchange, Proxy proxy) {
        this.exchange = exchange;
        this.proxy = proxy;
        this.request = exchange.request();
        this.listening = exchange.connection().listening();
    }

    void dispatch() {
        if (request.decoderResult().isFailure()) {
            malformed(request.decoderResult().cause());
            return;
        }
        if (request.protocolVersion().majorVersion() != 1) {
            close(505, "this version of HTTP is not served");
            return;
        }
        if (request.headers().size() > MOST_HEADERS) {
            close(431, "the request has more than " + MOST_HEADERS + " headers");
            return;
        }
        Optional<RequestTarget> target = RequestTarget.of(request);
        if (target.isEmpty() || !ForwardedHeaders.framed(request)) {
            close(
                    400,
                    target.isEmpty()
                            ? "the request names no host or several, or its target is malformed"
                            : "the body's length is ambiguous");
        } else if (request.method().equals(HttpMethod.CONNECT)) {
            connect(target.get());
        } else if (!request.headers()
                .get(HttpHeaderNames.EXPECT, "100-continue")
                .equalsIgnoreCase("100-continue")) {
            exchange.reply(417, "only 100-continue may be expected", "-");
        } else {
            route(target.get());
        }
    }

    private void malformed(Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            close(414, "the request line is too long");
        } else if (cause instanceof TooLongHttpHeaderException || cause instanceof TooLongFrameException) {
            close(431, "the request's headers are too large");
        } else {
            close(400, "the request is malformed");
        }
    }

    /** Nothing after such a request can be believed. */
    private void close(int code, String text) {
        exchange.onlyOne();
        exchange.reply(code, text, "DPE");
    }

    private void connect(RequestTarget target) {
        boolean pod =
                listening instanceof Listening.Sidecar && !exchange.connection().isStream();
        boolean ours = pod
                && exchange.table()
                                .services()
                                .named(target.host(), listening.caller().namespace())
                        != null;
        exchange.onlyOne();
        if (ours) {
            exchange.reply(
                    403,
                    target.host() + " is a service of the mesh: send requests for it in plain, not in a tunnel",
                    "-");
        } else if (!pod || !proxy.options().outside() || target.port() == 0) {
            exchange.reply(403, "tunnels out of the mesh are not allowed here", "-");
        } else {
            Outside.resolve(exchange.loop(), target.host(), target.port(), address -> {
                if (address.isUnresolved()) {
                    exchange.reply(502, target.host() + " has no address", "NR");
                } else {
                    Tunnel.connect(exchange, address);
                }
            });
        }
    }

    private void route(RequestTarget target) {
        request.setUri(target.target());
        if (!target.authority().isEmpty()) {
            request.headers().set(HttpHeaderNames.HOST, target.authority());
        }
        int port = switch (listening) {
            case Listening.Sidecar _ -> target.port() == 0 ? STANDARD_PORT : target.port();
            case Listening.Gateway gateway -> gateway.port();
        };
        Subject subject = new Subject(
                request,
                target.authority(),
                target.path(),
                listening.caller(),
                port,
                exchange.connection().scheme());
        switch (exchange.table().find(listening, target.host(), subject)) {
            case Found.NoRoute() -> exchange.reply(404, "", "NR");
            case Found.NoHost() -> outside(target, port);
            case Found.ToHttps() ->
                redirect(new RedirectTarget(null, null, null, "https", RedirectTarget.SAME_PORT, 301), subject, null);
            case Found.Plain(Service service) -> {
                serving(service.fqdn());
                prepare();
                Supplier<@Nullable List<Endpoint>> endpoints = () -> endpoints(service.fqdn(), "", port, port);
                forward(endpoints, NO_CLUSTER, () -> null, RetryPolicy.STANDARD, Optional.empty());
            }
            case Found.Matched(Route route, RequestMatch match) -> follow(route, match, subject);
        }
    }

    /** Those of now: a request that was held back must not go to a pod that has gone meanwhile. */
    private @Nullable List<Endpoint> endpoints(String fqdn, String subset, int port, int requested) {
        return proxy.table()
                .get()
                .endpoints(fqdn, subset, port, requested, listening.caller().namespace());
    }

    private void prepare() {
        ClientConnection connection = exchange.connection();
        ForwardedHeaders.prepare(request, listening, connection.address(), connection.scheme());
    }

    private void serving(String fqdn) {
        Service service = exchange.table().services().service(fqdn);
        exchange.service(
                service == null ? ServiceName.UNKNOWN : new ServiceName(fqdn, service.name(), service.namespace()));
    }

    private void outside(RequestTarget target, int port) {
        if (!proxy.options().outside()) {
            exchange.reply(502, "no service is known by the name " + target.host(), "NR");
            return;
        }
        prepare();
        Outside.resolve(exchange.loop(), target.host(), port, address -> {
            if (address.isUnresolved()) {
                exchange.reply(502, target.host() + " has no address", "NR");
            } else if (!exchange.finished()) {
                Endpoint endpoint = new Endpoint(target.authority(), address, Workload.UNKNOWN, Protocol.HTTP1);
                forward(() -> List.of(endpoint), NO_CLUSTER, () -> null, RetryPolicy.STANDARD, Optional.empty());
            }
        });
    }

    private void follow(Route route, RequestMatch match, Subject subject) {
        Fault fault = route.fault().orElse(null);
        if (fault == null || ThreadLocalRandom.current().nextDouble(100) >= fault.delayPercent()) {
            act(route, match, subject, "");
            return;
        }
        Runnable later = () -> {
            if (!exchange.finished()) {
                act(route, match, subject, "DI");
            }
        };
        exchange.loop().schedule(later, fault.delay().toNanos(), TimeUnit.NANOSECONDS);
    }

    /** @param flag tells of an injected delay, or is empty */
    private void act(Route route, RequestMatch match, Subject subject, String flag) {
        exchange.note(flag);
        Fault fault = route.fault().orElse(null);
        if (fault != null && ThreadLocalRandom.current().nextDouble(100) < fault.abortPercent()) {
            exchange.reply(fault.abortStatus(), "fault filter abort", "FI");
            return;
        }
        if (route.cors().isPresent() && answered(route.cors().get())) {
            return;
        }
        switch (route.action()) {
            case Action.Refused(int status, String reason) -> exchange.reply(status, reason, "NR");
            case Action.Answer(int status, byte[] body, HeaderEdits response) -> {
                exchange.responseEdits(List.of(response));
                exchange.reply(LocalReply.of(status, body), "-");
            }
            case Action.Redirect(RedirectTarget target, HeaderEdits response) -> {
                exchange.responseEdits(List.of(response));
                redirect(target, subject, match.prefix());
            }
            case Action.Forward forward -> forward(forward, match, subject.port());
        }
    }

    /** True if that was all that the request asks for. */
    private boolean answered(CorsPolicy cors) {
        boolean allowed = cors.allows(request);
        if (CorsPolicy.isPreflight(request) && (allowed || cors.answersOthers())) {
            FullHttpResponse response = LocalReply.of(200, "");
            if (allowed) {
                cors.permission(request).applyToResponse(response.headers());
            }
            exchange.reply(response, "-");
            return true;
        }
        if (allowed) {
            exchange.share(cors.share(request));
        }
        return false;
    }

    private void redirect(RedirectTarget target, Subject subject, @Nullable String prefix) {
        FullHttpResponse response = LocalReply.of(target.code(), "");
        response.headers().set(HttpHeaderNames.LOCATION, target.location(request.uri(), prefix, subject));
        exchange.reply(response, "-");
    }

    private void forward(Action.Forward forward, RequestMatch match, int port) {
        Destination chosen =
                Route.choose(forward.destinations(), ThreadLocalRandom.current().nextDouble());
        if (chosen == null) {
            exchange.reply(503, "the route has no destination with a weight", "NC");
            return;
        }
        serving(chosen.host());
        exchange.responseEdits(chosen.response());
        prepare();
        rewrite(forward.rewrite(), match.prefix());
        forward.timeout()
                .ifPresent(timeout -> request.headers().set("x-envoy-expected-rq-timeout-ms", timeout.toMillis()));
        chosen.request().forEach(edits -> edits.applyToRequest(request.headers()));
        Supplier<@Nullable List<Endpoint>> endpoints =
                () -> endpoints(chosen.host(), chosen.subset(), chosen.port(), port);
        boolean copied = !ForwardedHeaders.asksForUpgrade(request);
        Supplier<@Nullable CopiedRequest> copy =
                () -> copied ? proxy.mirroring().copy(forward.mirrors(), exchange, port) : null;
        forward(endpoints, chosen.missing(), copy, forward.retries(), forward.timeout());
    }

    private void rewrite(Rewrite rewrite, @Nullable String prefix) {
        if (rewrite.authority() != null) {
            request.headers().set(HttpHeaderNames.HOST, rewrite.authority());
        }
        String before = request.uri();
        String after = rewrite.apply(before, prefix);
        if (!after.equals(before)) {
            request.headers().set("x-envoy-original-path", before);
            request.setUri(after);
        }
    }

    /**
     * @param lookup the endpoints of now, or null if there is no such destination
     * @param missing what is answered then
     * @param copy made if there is somebody to send the request to
     */
    private void forward(
            Supplier<@Nullable List<Endpoint>> lookup,
            int missing,
            Supplier<@Nullable CopiedRequest> copy,
            RetryPolicy policy,
            Optional<Duration> timeout) {
        List<Endpoint> endpoints = lookup.get();
        if (endpoints == null) {
            exchange.reply(missing, "", "NC");
            return;
        }
        if (endpoints.isEmpty()) {
            exchange.reply(503, "no healthy upstream", "UH");
            return;
        }
        exchange.forward(new Forwarding(exchange, proxy, endpoints, lookup, policy, timeout), copy.get());
    }
}
