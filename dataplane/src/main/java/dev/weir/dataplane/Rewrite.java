package dev.weir.dataplane;

import com.google.re2j.Matcher;
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
            return substitute(regex.matcher(path), path) + rest;
        }
        if (uri == null) {
            return target;
        }
        String changed = prefix == null ? uri : uri + path.substring(Math.min(prefix.length(), path.length()));
        return (changed.startsWith("/") ? changed : "/" + changed) + rest;
    }

    /** Replaces every match, as RE2 does; a group that is not there is empty. */
    private String substitute(Matcher matcher, String path) {
        StringBuilder out = new StringBuilder();
        int from = 0;
        while (matcher.find()) {
            out.append(path, from, matcher.start());
            for (int i = 0; i < substitution.length(); i++) {
                char c = substitution.charAt(i);
                boolean escape = c == '\\' && i + 1 < substitution.length();
                char next = escape ? substitution.charAt(++i) : c;
                if (escape && next >= '0' && next <= '9') {
                    int group = next - '0';
                    String text = group <= matcher.groupCount() ? matcher.group(group) : null;
                    out.append(text == null ? "" : text);
                } else {
                    out.append(next);
                }
            }
            from = matcher.end();
        }
        return out.append(path, from, path.length()).toString();
    }
}
