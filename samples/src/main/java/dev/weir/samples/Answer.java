package dev.weir.samples;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An answer of a sample server.
 *
 * @param code 0 closes the connection without an answer
 * @param headers beside content type and length, in order
 * @param delayMillis how long it is held back
 */
record Answer(int code, String contentType, byte[] body, Map<String, String> headers, long delayMillis) {
    static Answer of(int code, String contentType, String text) {
        return new Answer(code, contentType, text.getBytes(StandardCharsets.UTF_8), Map.of(), 0);
    }

    static Answer hangUp() {
        return of(0, "", "");
    }

    Answer after(long millis) {
        return new Answer(code, contentType, body, headers, delayMillis + millis);
    }

    Answer with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new Answer(code, contentType, body, more, delayMillis);
    }
}
