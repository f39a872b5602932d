package dev.weir.metrics;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Where a provider asks, and as whom. Its text holds no secret.
 *
 * @param url absolute, http or https, without user, query and fragment
 * @param headers sent with each request; their values may be secret
 * @param timeout for each request, from its begin to the answer's last byte; positive
 */
public record Access(URI url, Map<String, String> headers, Duration timeout) {
    private static final Duration USUAL = Duration.ofSeconds(10);

    /** Of the client itself, or what would make an answer another one. */
    private static final Set<String> RESERVED =
            Set.of("connection", "content-length", "content-type", "expect", "host", "upgrade", "accept-encoding");

    /**
     * @throws IllegalArgumentException if the URL is none of the kind above, a header cannot be sent, or the timeout is not
     *     positive; says which
     */
    public Access {
        if (!("http".equals(url.getScheme()) || "https".equals(url.getScheme())) || url.getHost() == null) {
            throw new IllegalArgumentException("\"" + hidden(url) + "\" is not http://HOST... or https://HOST...");
        }
        if (url.getRawUserInfo() != null || url.getRawQuery() != null || url.getRawFragment() != null) {
            throw new IllegalArgumentException(
                    "\"" + hidden(url) + "\": neither user, query nor fragment may be part of the URL");
        }
        if (!timeout.isPositive()) {
            throw new IllegalArgumentException("the timeout must be positive but is " + timeout);
        }
        headers = Map.copyOf(headers);
        headers.forEach(Access::check);
    }

    private static void check(String name, String value) {
        if (!name.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
                || RESERVED.contains(name.toLowerCase(java.util.Locale.ROOT))) {
            throw new IllegalArgumentException("\"" + name + "\" is no header that can be set");
        }
        if (!value.chars().allMatch(c -> c == '\t' || c >= ' ' && c < 0x7f)) {
            throw new IllegalArgumentException("the value of header " + name + " has characters that none may have");
        }
    }

    /** Without headers, and with a timeout of ten seconds. */
    public static Access to(URI url) {
        return new Access(url, Map.of(), USUAL);
    }

    /** {@code Authorization: Bearer}. */
    public Access withBearer(String token) {
        return withHeader("Authorization", "Bearer " + token);
    }

    /** {@code Authorization: Basic}. */
    public Access withBasic(String user, String password) {
        byte[] both = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
        return withHeader("Authorization", "Basic " + Base64.getEncoder().encodeToString(both));
    }

    public Access withHeader(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new Access(url, more, timeout);
    }

    public Access withTimeout(Duration other) {
        return new Access(url, headers, other);
    }

    /** The URL without what may be secret. */
    private static String hidden(URI url) {
        return url.toString().replaceAll("//[^/@]*@", "//…@").replaceAll("[?#].*", "?…");
    }

    @Override
    public String toString() {
        return url + (headers.isEmpty() ? "" : " with " + headers.keySet());
    }
}
