package dev.weir.dataplane;

import java.util.HexFormat;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Paths as routes are to see them, so that no other spelling of a path passes a route by: what Envoy does with
 * {@code normalize_path}, which Istio's proxies have on by default.
 */
final class NormalPath {
    private static final int FIRST_PRINTABLE = '!';
    private static final int LAST_PRINTABLE = '~';
    private static final String UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    /** What a path holds as it is, beside the dots that begin a segment. */
    private static final boolean[] PLAIN = table(UNRESERVED + "/!$&'()*+,;=:@[]");

    private static final boolean[] DECODED = table(UNRESERVED);
    /** Some servers let parameters follow a segment of dots, and resolve it nevertheless. */
    private static final Pattern PARAMETERS = Pattern.compile("(/\\.\\.?);[^/]*");

    private NormalPath() {}

    private static boolean[] table(String characters) {
        boolean[] table = new boolean[LAST_PRINTABLE + 1];
        characters.chars().forEach(character -> table[character] = true);
        return table;
    }

    /**
     * The target with its path normalised: dot segments are resolved, backslashes become slashes, percent-encoded
     * unreserved characters are decoded (not slashes) and characters that no path may hold are encoded. Slashes are not
     * merged, and the query stays as it is. A target that is normal already is returned itself.
     *
     * @param target path and query; also {@code *} or nothing
     * @return null for a target with a fragment or with characters that are not printable ASCII, and for a path with an
     *     encoded NUL
     */
    static @Nullable String of(String target) {
        int end = target.length();
        boolean normal = true;
        for (int i = 0; i < target.length(); i++) {
            char next = target.charAt(i);
            if (next < FIRST_PRINTABLE || next > LAST_PRINTABLE || next == '#') {
                return null;
            }
            if (i < end) {
                if (next == '?') {
                    end = i;
                } else {
                    normal &= PLAIN[next] && (next != '.' || i == 0 || target.charAt(i - 1) != '/');
                }
            }
        }
        if (normal) {
            return target;
        }
        StringBuilder path =
                resolved(PARAMETERS.matcher(target.substring(0, end)).replaceAll("$1"));
        return path == null ? null : path.append(target, end, target.length()).toString();
    }

    private static @Nullable StringBuilder resolved(String path) {
        StringBuilder out = new StringBuilder(path.length() + 16).append('/');
        int from = 1;
        for (int i = 1; i <= path.length(); i++) {
            if (i < path.length() && path.charAt(i) != '/' && path.charAt(i) != '\\') {
                continue;
            }
            int begin = out.length();
            if (!append(out, path, from, i)) {
                return null;
            }
            int length = out.length() - begin;
            if (length == 1 && out.charAt(begin) == '.') {
                out.setLength(begin);
            } else if (length == 2 && out.charAt(begin) == '.' && out.charAt(begin + 1) == '.') {
                out.setLength(Math.max(1, out.lastIndexOf("/", begin - 2) + 1));
            } else if (i < path.length()) {
                out.append('/');
            }
            from = i + 1;
        }
        return out;
    }

    /** Appends one segment, decoded once only; false if it holds what is refused. */
    private static boolean append(StringBuilder out, String path, int from, int to) {
        for (int i = from; i < to; i++) {
            char next = path.charAt(i);
            if (next == '%' && i + 2 < to && isHex(path, i + 1)) {
                int value = HexFormat.fromHexDigits(path, i + 1, i + 3);
                if (value == 0) {
                    return false;
                }
                if (value < DECODED.length && DECODED[value]) {
                    out.append((char) value);
                } else {
                    out.append(path, i, i + 3);
                }
                i += 2;
            } else if (next == '%' || PLAIN[next]) {
                out.append(next);
            } else {
                out.append('%').append(HexFormat.of().withUpperCase().toHexDigits((byte) next));
            }
        }
        return true;
    }

    private static boolean isHex(String text, int at) {
        return HexFormat.isHexDigit(text.charAt(at)) && HexFormat.isHexDigit(text.charAt(at + 1));
    }
}
