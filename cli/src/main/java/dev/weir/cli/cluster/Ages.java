package dev.weir.cli.cluster;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** How long ago something was, in two units at most. */
final class Ages {
    private static final long MINUTE = 60;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;
    private static final long FEW = 10;

    private Ages() {}

    /** @param time as Kubernetes writes it; anything else is unknown */
    static String since(String time, Instant now) {
        try {
            return of(Duration.between(Instant.parse(time), now));
        } catch (DateTimeParseException unknown) {
            return "<unknown>";
        }
    }

    static String of(Duration age) {
        long seconds = Math.max(0, age.toSeconds());
        if (seconds < 2 * MINUTE) {
            return seconds + "s";
        } else if (seconds < 2 * HOUR) {
            return two(seconds, MINUTE, "m", 1, "s");
        } else if (seconds < 2 * DAY) {
            return two(seconds, HOUR, "h", MINUTE, "m");
        }
        return two(seconds, DAY, "d", HOUR, "h");
    }

    private static String two(long seconds, long large, String largeName, long small, String smallName) {
        long whole = seconds / large;
        long rest = seconds % large / small;
        return whole < FEW && rest > 0 ? whole + largeName + rest + smallName : whole + largeName;
    }
}
