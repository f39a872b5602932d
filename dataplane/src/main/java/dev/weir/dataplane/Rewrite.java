package dev.weir.dataplane;

import com.google.re2j.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Changes of a request's target.
 *
 * @param uri replaces the prefix that matched, or else the whole path; the query stays
 * @param regex what of the path {@code substitution} replaces, instead of {@code uri}
 * @param substitution with groups as {@code \1}
 * @param authority replaces Host
 */
record Rewrite(
        @Nullable String uri,
        @Nullable Pattern regex,
        String substitution,
        @Nullable String authority) {
    static final Rewrite NONE = new Rewrite(null, null, "", null);

    /**
     * The new target.
     *
     * @param target path and query
     * @param prefix what the route's match says the path begins with, or null
     */
    String apply(String target, @Nullable String prefix) {
        int query = target.indexOf('?');
        String path = query < 0 ? target : target.substring(0, query);
        String rest = query < 0 ? "" : target.substring(query);
        if (regex != null) {
            return regex.matcher(path).replaceAll(groups(substitution)) + rest;
        }
        if (uri == null) {
            return target;
        }
        String changed = prefix == null ? uri : uri + path.substring(Math.min(prefix.length(), path.length()));
        return (changed.startsWith("/") ? changed : "/" + changed) + rest;
    }

    /** RE2's {@code \1} in the library's words, in which the dollar sign is special. */
    private static String groups(String substitution) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < substitution.length(); i++) {
            char c = substitution.charAt(i);
            char next = i + 1 < substitution.length() ? substitution.charAt(i + 1) : ' ';
            if (c == '\\' && next >= '0' && next <= '9') {
                out.append("${").append(next).append('}');
                i++;
            } else if (c == '\\' || c == '$') {
                out.append('\\').append(c == '\\' && next == '\\' ? '\\' : c);
                i += c == '\\' && next == '\\' ? 1 : 0;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
