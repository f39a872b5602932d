package dev.weir.apiserver.rest;

import dev.weir.apiserver.auth.User;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request as the pipeline sees it.
 *
 * @param path decoded, without the query
 * @param contentType without parameters, lower case; empty if absent
 * @param accept as sent; empty if absent
 * @param acceptsGzip true if the answer may be packed
 * @param upgrade true if another protocol is asked for on this connection
 */
public record ApiRequest(
        String method,
        String path,
        Map<String, List<String>> query,
        String contentType,
        String accept,
        String userAgent,
        byte[] body,
        User user,
        boolean acceptsGzip,
        boolean upgrade) {

    /** The first value of a query parameter; null if absent. */
    public @Nullable String query(String name) {
        List<String> values = query.get(name);
        return values == null || values.isEmpty() ? null : values.getFirst();
    }

    /** The first value, or empty. */
    public String queryOr(String name, String otherwise) {
        String value = query(name);
        return value == null ? otherwise : value;
    }

    public boolean flag(String name) {
        String value = query(name);
        return value != null && (value.equals("true") || value.equals("1"));
    }

    /** Who writes, for managed fields: {@code fieldManager}, or the user agent up to its version. */
    public String manager() {
        String asked = queryOr("fieldManager", "");
        if (!asked.isEmpty()) {
            return asked;
        }
        String agent = userAgent.isEmpty() ? "unknown" : userAgent;
        String name = agent.split("/", 2)[0];
        return name.length() > 128 ? name.substring(0, 128) : name;
    }
}
