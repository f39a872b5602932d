package dev.weir.dataplane;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/** What a proxy takes from headers that are for one connection only, and what it adds. */
final class ForwardedHeaders {
    private static final List<String> HOP_BY_HOP = List.of(
            "http2-settings",
            "x-http2-scheme",
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authorization",
            "te");

    private static final Pattern LENGTH = Pattern.compile("\\d{1,18}");
    private static final String OURS = "x-envoy-";
    private static final String FORWARDED_FOR = "x-forwarded-for";

    private ForwardedHeaders() {}

    /**
     * True if the client asks for another protocol on this connection, a WebSocket for one. HTTP/2 is not: what went
     * through such a connection would never be looked at, so the request is sent on without asking for it.
     */
    static boolean asksForUpgrade(HttpRequest request) {
        String protocol = request.headers().get(HttpHeaderNames.UPGRADE);
        return protocol != null
                && !protocol.strip().regionMatches(true, 0, "h2c", 0, 3)
                && !protocol.strip().regionMatches(true, 0, "http/", 0, 5)
                && request.headers().containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE, true);
    }

    /**
     * True if where the body ends is beyond doubt. Two ends of a chain that disagree on it let one client's bytes become
     * another's request.
     */
    static boolean framed(HttpRequest request) {
        List<String> encodings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
        List<String> lengths = request.headers().getAll(HttpHeaderNames.CONTENT_LENGTH);
        if (encodings.isEmpty()) {
            return lengths.size() <= 1
                    && (lengths.isEmpty() || LENGTH.matcher(lengths.getFirst()).matches());
        }
        return lengths.isEmpty()
                && encodings.size() == 1
                && encodings.getFirst().strip().equalsIgnoreCase("chunked")
                && !request.protocolVersion().equals(HttpVersion.HTTP_1_0);
    }

    /**
     * Makes a client's request one to a pod.
     *
     * @param client the client's address; it is believed and recorded at a gateway only
     */
    static void prepare(HttpRequest request, Listening listening, String client, String scheme) {
        HttpHeaders headers = request.headers();
        boolean upgrade = asksForUpgrade(request);
        String protocol = headers.get(HttpHeaderNames.UPGRADE, "");
        boolean trailers = headers.containsValue(HttpHeaderNames.TE, HttpHeaderValues.TRAILERS, true);
        removeHopByHop(request);
        if (upgrade) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
            headers.set(HttpHeaderNames.UPGRADE, protocol);
        }
        if (trailers) {
            headers.set(HttpHeaderNames.TE, HttpHeaderValues.TRAILERS);
        }
        headers.remove(HttpHeaderNames.EXPECT);
        if (listening instanceof Listening.Gateway) {
            // who comes from outside cannot speak as a proxy of the mesh
            removeOurs(headers);
            String before = headers.contains(FORWARDED_FOR) ? String.join(",", headers.getAll(FORWARDED_FOR)) : "";
            headers.set(FORWARDED_FOR, before.isEmpty() ? client : before + "," + client);
            headers.set("x-forwarded-proto", scheme);
        } else if (!headers.contains("x-forwarded-proto")) {
            headers.set("x-forwarded-proto", "http");
        }
        if (!headers.contains("x-request-id")) {
            // only to be told from others, not to be unguessable
            ThreadLocalRandom random = ThreadLocalRandom.current();
            long high = random.nextLong() & 0xffff_ffff_ffff_0fffL | 0x4000L;
            long low = random.nextLong() & 0x3fff_ffff_ffff_ffffL | 0x8000_0000_0000_0000L;
            headers.set("x-request-id", new UUID(high, low).toString());
        }
        headers.set("x-envoy-attempt-count", 1);
        request.setProtocolVersion(HttpVersion.HTTP_1_1);
    }

    private static void removeOurs(HttpHeaders headers) {
        List<String> ours = null;
        Iterator<Map.Entry<CharSequence, CharSequence>> all = headers.iteratorCharSequence();
        while (all.hasNext()) {
            CharSequence name = all.next().getKey();
            if (AsciiString.regionMatches(name, true, 0, OURS, 0, OURS.length())) {
                ours = ours == null ? new ArrayList<>() : ours;
                ours.add(name.toString());
            }
        }
        if (ours != null) {
            ours.forEach(headers::remove);
        }
    }

    /** Also those that Connection names. */
    static void removeHopByHop(HttpMessage message) {
        HttpHeaders headers = message.headers();
        for (String list : headers.getAll(HttpHeaderNames.CONNECTION)) {
            for (String name : list.split(",", -1)) {
                String named = name.strip().toLowerCase(Locale.ROOT);
                // framing is not for a peer to take away
                if (!named.isEmpty()
                        && !named.equals("transfer-encoding")
                        && !named.equals("content-length")
                        && !named.equals("host")) {
                    headers.remove(named);
                }
            }
        }
        HOP_BY_HOP.forEach(headers::remove);
        headers.remove(HttpHeaderNames.UPGRADE);
    }
}
