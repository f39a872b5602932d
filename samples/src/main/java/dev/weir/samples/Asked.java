package dev.weir.samples;

import java.util.List;
import java.util.Map;

/**
 * A request to a sample server.
 *
 * @param target path and query as sent
 * @param headers by name as sent, values in order
 * @param peer the address of the other end of the connection
 */
record Asked(String method, String target, Map<String, List<String>> headers, String peer, byte[] body) {
    String path() {
        return target.split("\\?", 2)[0];
    }

    /** The values of a header, joined by commas; empty if it is not there. */
    String header(String name) {
        return headers.entrySet().stream()
                .filter(e -> e.getKey().equalsIgnoreCase(name))
                .map(e -> String.join(",", e.getValue()))
                .findFirst()
                .orElse("");
    }
}
