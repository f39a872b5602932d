package dev.weir.dataplane;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values by host pattern: the exact name wins, then the longest {@code *.suffix}, then {@code *}. Immutable. */
final class HostIndex<T> {
    private final Map<String, T> exact = new LinkedHashMap<>();
    private final List<Map.Entry<String, T>> suffixes = new ArrayList<>();
    private @Nullable T any;

    /** @param byPattern patterns in lower case */
    HostIndex(Map<String, T> byPattern) {
        byPattern.forEach((pattern, value) -> {
            if (pattern.equals("*")) {
                any = value;
            } else if (pattern.startsWith("*")) {
                suffixes.add(Map.entry(pattern.substring(1), value));
            } else {
                exact.put(pattern, value);
            }
        });
        suffixes.sort(
                Comparator.comparingInt((Map.Entry<String, T> e) -> e.getKey().length())
                        .reversed());
    }

    @Nullable
    T exact(String host) {
        return exact.get(host);
    }

    @Nullable
    T wildcard(String host) {
        for (Map.Entry<String, T> suffix : suffixes) {
            if (host.length() > suffix.getKey().length() && host.endsWith(suffix.getKey())) {
                return suffix.getValue();
            }
        }
        return any;
    }

    @Nullable
    T find(String host) {
        T found = exact(host);
        return found != null ? found : wildcard(host);
    }

    /** True if every host that {@code narrow} stands for is one of {@code wide}'s. */
    static boolean covers(String wide, String narrow) {
        return wide.equals("*")
                || wide.equals(narrow)
                || wide.startsWith("*") && narrow.length() > wide.length() - 1 && narrow.endsWith(wide.substring(1));
    }

    /** The pattern of the hosts that both stand for, or null if there are none. */
    static @Nullable String intersection(String one, String other) {
        return covers(one, other) ? other : covers(other, one) ? one : null;
    }
}
