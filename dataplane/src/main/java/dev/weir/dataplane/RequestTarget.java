package dev.weir.dataplane;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a request asks for.
 *
 * @param authority as sent, with its port
 * @param host in lower case, without a port
 * @param port 0 if none is given
 * @param target path and query, as {@link NormalPath} has them; {@code *} for a request about the server
 */
record RequestTarget(String authority, String host, int port, String target) {
    private static final Pattern AUTHORITY = Pattern.compile("(?:[A-Za-z0-9._~-]*|\\[[0-9A-Fa-f:.]+])(?::\\d{0,5})?");
    private static final int MOST_PORT = 65_535;

    /**
     * Reads the host from an absolute target, as a forward proxy gets it, or from Host; empty if one of them is malformed or
     * the path cannot be normalised.
     */
    static Optional<RequestTarget> of(HttpRequest request) {
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        boolean old = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        if (hosts.size() > 1 || hosts.isEmpty() && !old) {
            return Optional.empty();
        }
        String uri = request.uri();
        String authority = hosts.isEmpty() ? "" : hosts.getFirst();
        String target = uri;
        if (request.method().equals(HttpMethod.CONNECT)) {
            authority = uri;
            target = "";
        } else if (uri.regionMatches(true, 0, "http://", 0, 7)) {
            int end = 7;
            while (end < uri.length() && uri.charAt(end) != '/' && uri.charAt(end) != '?') {
                end++;
            }
            authority = uri.substring(7, end);
            target = uri.startsWith("/", end) ? uri.substring(end) : "/" + uri.substring(end);
        } else if (!uri.startsWith("/") && !(uri.equals("*") && request.method().equals(HttpMethod.OPTIONS))) {
            return Optional.empty();
        }
        String normal = NormalPath.of(target);
        return normal == null || !AUTHORITY.matcher(authority).matches() ? Optional.empty() : split(authority, normal);
    }

    private static Optional<RequestTarget> split(String authority, String target) {
        String host = RedirectTarget.withoutPort(authority);
        String number = authority.substring(Math.min(authority.length(), host.length() + 1));
        int port = number.isEmpty() ? 0 : Integer.parseInt(number);
        return port > MOST_PORT
                ? Optional.empty()
                : Optional.of(new RequestTarget(authority, host.toLowerCase(Locale.ROOT), port, target));
    }

    /** Without the query. */
    String path() {
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }
}
