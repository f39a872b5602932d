package dev.weir.apiserver.cel;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A semantic version; what follows a plus sign does not count. */
record Semver(long major, long minor, long patch, String preRelease) implements Comparable<Semver> {
    private static final Pattern FORM = Pattern.compile(
            "(0|[1-9]\\d{0,17})\\.(0|[1-9]\\d{0,17})\\.(0|[1-9]\\d{0,17})(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z.-]+)?");

    static Semver parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException("semver parse error during conversion from string: '" + text + "'");
        }
        return new Semver(
                Long.parseLong(form.group(1)),
                Long.parseLong(form.group(2)),
                Long.parseLong(form.group(3)),
                form.group(4) == null ? "" : form.group(4));
    }

    static Optional<Semver> tryParse(String text) {
        return KubernetesLibrary.attempt(text, Semver::parse);
    }

    @Override
    public int compareTo(Semver other) {
        int byNumber = Long.compare(major, other.major);
        byNumber = byNumber != 0 ? byNumber : Long.compare(minor, other.minor);
        byNumber = byNumber != 0 ? byNumber : Long.compare(patch, other.patch);
        if (byNumber != 0 || preRelease.equals(other.preRelease)) {
            return byNumber;
        }
        if (preRelease.isEmpty() || other.preRelease.isEmpty()) {
            return preRelease.isEmpty() ? 1 : -1;
        }
        String[] mine = preRelease.split("\\.");
        String[] theirs = other.preRelease.split("\\.");
        for (int i = 0; i < Math.min(mine.length, theirs.length); i++) {
            int order = identifiers(mine[i], theirs[i]);
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(mine.length, theirs.length);
    }

    private static int identifiers(String a, String b) {
        boolean first = a.matches("\\d{1,18}");
        boolean second = b.matches("\\d{1,18}");
        if (first && second) {
            return Long.compare(Long.parseLong(a), Long.parseLong(b));
        }
        return first ? -1 : second ? 1 : a.compareTo(b);
    }
}
