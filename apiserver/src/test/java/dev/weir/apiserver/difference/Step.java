package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * One request of a sequence. Its path and body may refer to earlier answers: {@code ${step:3:/metadata/uid}} within a
 * text, and {@code {"$step": 3, "$overlay": {...}}} for a whole body with a merge patch over it.
 *
 * @param as who asks; empty for the administrator
 * @param method an HTTP method, {@link #WATCH}, or {@link #SETTLE}, which waits until a server that answers from caches
 *     knows what was written
 * @param path for {@link #SETTLE} what is waited for; see {@link Settling}
 * @param body absent for none; a text is sent as it is
 */
record Step(
        String as,
        String method,
        String path,
        String contentType,
        String accept,
        @Nullable JsonNode body) {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String WATCH = "WATCH";
    static final String SETTLE = "SETTLE";
    static final String TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    static Step of(String method, String path) {
        return new Step("", method, path, "", "", null);
    }

    static Step of(String method, String path, JsonNode body) {
        return new Step("", method, path, "", "", body);
    }

    Step as(String user) {
        return new Step(user, method, path, contentType, accept, body);
    }

    Step type(String type) {
        return new Step(as, method, path, type, accept, body);
    }

    Step accepting(String types) {
        return new Step(as, method, path, contentType, types, body);
    }

    static Step read(JsonNode json) {
        return new Step(
                json.path("as").asText(""),
                json.path("method").asText(),
                json.path("path").asText(""),
                json.path("contentType").asText(""),
                json.path("accept").asText(""),
                json.get("body"));
    }

    ObjectNode write() {
        ObjectNode json = JSON.createObjectNode();
        putUnlessEmpty(json, "as", as);
        json.put("method", method);
        putUnlessEmpty(json, "path", path);
        putUnlessEmpty(json, "contentType", contentType);
        putUnlessEmpty(json, "accept", accept);
        if (body != null) {
            json.set("body", body);
        }
        return json;
    }

    private static void putUnlessEmpty(ObjectNode json, String field, String value) {
        if (!value.isEmpty()) {
            json.put(field, value);
        }
    }

    /** For reports: what is asked, without the body. */
    String title() {
        String type = contentType.replace("application/", "");
        return (as.isEmpty() ? "" : as + ": ") + method + " " + path + (type.isEmpty() ? "" : " " + type);
    }
}
