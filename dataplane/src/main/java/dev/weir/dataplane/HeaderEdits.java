package dev.weir.dataplane;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Map;

/** Header changes, in this order: remove, set (overwrites), add (appends a value). */
record HeaderEdits(Map<String, String> set, Map<String, String> add, List<String> remove) {
    static final HeaderEdits NONE = new HeaderEdits(Map.of(), Map.of(), List.of());

    /** A name that is the request's authority, whichever way it is written. */
    private static boolean isAuthority(String name) {
        return name.equalsIgnoreCase("host") || name.equalsIgnoreCase(":authority");
    }

    /** Changes the headers of a request; Host is the authority and has one value, so adding to it sets it. */
    void applyToRequest(HttpHeaders headers) {
        for (String name : remove) {
            if (!isAuthority(name)) {
                headers.remove(name);
            }
        }
        add.forEach((name, value) -> {
            if (isAuthority(name)) {
                headers.set(HttpHeaderNames.HOST, value);
            }
        });
        set.forEach((name, value) -> headers.set(isAuthority(name) ? "host" : name, value));
        add.forEach((name, value) -> {
            if (!isAuthority(name)) {
                headers.add(name, value);
            }
        });
    }

    void applyToResponse(HttpHeaders headers) {
        remove.forEach(headers::remove);
        set.forEach(headers::set);
        add.forEach(headers::add);
    }
}
