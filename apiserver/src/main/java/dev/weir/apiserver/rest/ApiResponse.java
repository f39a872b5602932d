package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.store.Watch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What to answer. */
public sealed interface ApiResponse {
    /** A JSON document with the warnings of the Warning header. */
    record Json(int code, JsonNode body, List<String> warnings) implements ApiResponse {
        public Json(int code, JsonNode body) {
            this(code, body, List.of());
        }

        /** This answer with a warning before its own. */
        Json withWarning(String first) {
            List<String> all = new ArrayList<>(List.of(first));
            all.addAll(warnings);
            return new Json(code, body, all);
        }
    }

    /** Bytes that are ready to send. */
    record Bytes(int code, String contentType, byte[] body, Map<String, String> headers) implements ApiResponse {}

    /**
     * A stream of watch events.
     *
     * @param initial events sent first
     * @param selector which objects the client sees
     * @param render the object as the client asked for it, for example as a Table row
     * @param form names the rendering if it depends on the object alone, so that watchers can share it; else null
     * @param bookmark the object of a bookmark at a revision; null if the client wants none
     */
    record Stream(
            List<ObjectNode> initial,
            @Nullable Watch watch,
            Predicate<JsonNode> selector,
            Function<ObjectNode, JsonNode> render,
            @Nullable String form,
            @Nullable Function<Long, JsonNode> bookmark,
            Duration length)
            implements ApiResponse {}

    /** The kubelet of a node answers; {@code path} is its endpoint's, with the query. */
    record Kubelet(String host, int port, String path) implements ApiResponse {}
}
