package dev.weir.dataplane;

import org.jspecify.annotations.Nullable;

/**
 * Where a redirect points; what is null stays as the request has it.
 *
 * @param uri replaces the whole path
 * @param prefix replaces the prefix that matched, instead of {@code uri}
 * @param port a number, or one of the constants
 * @param code 301, 302, 303, 307 or 308
 */
record RedirectTarget(
        @Nullable String uri,
        @Nullable String prefix,
        @Nullable String authority,
        @Nullable String scheme,
        int port,
        int code) {
    /** The scheme's own. */
    static final int PROTOCOL_PORT = 0;

    /** The one that the request came for. */
    static final int REQUEST_PORT = -1;

    /** As the authority says. */
    static final int SAME_PORT = -2;

    /**
     * The value of Location.
     *
     * @param target path and query
     * @param matched what the route's match says the path begins with, or null
     * @param subject the request
     */
    String location(String target, @Nullable String matched, RequestMatch.Subject subject) {
        int query = target.indexOf('?');
        String path = query < 0 ? target : target.substring(0, query);
        String rest = query < 0 ? "" : target.substring(query);
        if (uri != null) {
            path = uri;
        } else if (prefix != null) {
            path = prefix + path.substring(matched == null ? 0 : Math.min(matched.length(), path.length()));
            path = path.startsWith("/") ? path : "/" + path;
        }
        String to = scheme == null ? subject.scheme() : scheme;
        return to + "://" + authority(subject.authority(), to, subject.port()) + path + rest;
    }

    private String authority(String host, String to, int listening) {
        String at = authority == null ? host : authority;
        int own = to.equals("https") ? 443 : 80;
        return switch (port) {
            case SAME_PORT -> scheme != null && at.matches(".*:(80|443)") ? withoutPort(at) : at;
            case PROTOCOL_PORT -> withoutPort(at);
            case REQUEST_PORT -> withoutPort(at) + (listening == own ? "" : ":" + listening);
            default -> withoutPort(at) + (port == own ? "" : ":" + port);
        };
    }

    static String withoutPort(String authority) {
        int colon = authority.lastIndexOf(':');
        return colon > authority.lastIndexOf(']') && colon >= 0 ? authority.substring(0, colon) : authority;
    }
}
