package dev.weir.apiserver.rest;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The order of API version names: stable before beta before alpha, newer first, others last by name. */
public final class KubeVersions {
    private static final Pattern NAME = Pattern.compile("v(\\d+)(?:(alpha|beta)(\\d+))?");

    public static final Comparator<String> NEWEST_FIRST =
            Comparator.<String>comparingLong(name -> -rank(name)).thenComparing(Comparator.naturalOrder());

    private KubeVersions() {}

    private static long rank(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches() || name.length() > 16) {
            return 0;
        }
        long stage = matcher.group(2) == null ? 3 : matcher.group(2).equals("beta") ? 2 : 1;
        long minor = matcher.group(3) == null ? 0 : Long.parseLong(matcher.group(3));
        return stage * 1_000_000_000L + Long.parseLong(matcher.group(1)) * 10_000 + minor;
    }
}
