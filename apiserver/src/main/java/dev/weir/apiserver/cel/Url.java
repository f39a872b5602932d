package dev.weir.apiserver.cel;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A URL as a rule sees it: absolute, or an absolute path. */
record Url(URI uri) {
    /** @throws IllegalArgumentException if the text is no URL that a request could name */
    static Url parse(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("parse \"\": empty url");
        }
        URI uri = URI.create(text);
        boolean rooted = text.startsWith("/");
        if (!rooted && uri.getScheme() == null) {
            throw new IllegalArgumentException("parse \"" + text + "\": invalid URI for request");
        }
        Url url = new Url(uri);
        String host = url.host();
        int colon = host.lastIndexOf(':');
        if (colon > host.lastIndexOf(']') && !host.substring(colon + 1).matches("\\d*")) {
            throw new IllegalArgumentException(
                    "parse \"" + text + "\": invalid port \"" + host.substring(colon) + "\" after host");
        }
        return url;
    }

    static Optional<Url> tryParse(String text) {
        return KubernetesLibrary.attempt(text, Url::parse);
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    String scheme() {
        return orEmpty(uri.getScheme());
    }

    /** With the port, if there is one. */
    String host() {
        String authority = orEmpty(uri.getRawAuthority());
        return authority.substring(authority.indexOf('@') + 1);
    }

    String hostname() {
        String host = host();
        int colon = host.lastIndexOf(':');
        String name = colon > host.lastIndexOf(']') ? host.substring(0, colon) : host;
        return name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name;
    }

    String port() {
        return uri.getPort() < 0 ? "" : Integer.toString(uri.getPort());
    }

    String escapedPath() {
        return orEmpty(uri.getRawPath());
    }

    Map<String, List<String>> query() {
        Map<String, List<String>> query = new LinkedHashMap<>();
        for (String part : orEmpty(uri.getRawQuery()).split("&")) {
            if (!part.isEmpty()) {
                String[] sides = part.split("=", 2);
                query.computeIfAbsent(decode(sides[0]), _ -> new ArrayList<>())
                        .add(sides.length > 1 ? decode(sides[1]) : "");
            }
        }
        return query;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
