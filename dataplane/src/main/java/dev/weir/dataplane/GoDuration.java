package dev.weir.dataplane;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Go writes them: 1.5s, 1m30s, 250ms. */
final class GoDuration {
    private static final Pattern PART = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)(h|ms|m|s|us|ns)");
    private static final Map<String, Long> NANOS = Map.of(
            "h",
            3_600_000_000_000L,
            "m",
            60_000_000_000L,
            "s",
            1_000_000_000L,
            "ms",
            1_000_000L,
            "us",
            1000L,
            "ns",
            1L);
    private static final BigDecimal MOST = BigDecimal.valueOf(Long.MAX_VALUE);

    private GoDuration() {}

    /** Empty if it is not one, is negative, or is over 292 years. */
    static Optional<Duration> parse(String text) {
        if (text.equals("0")) {
            return Optional.of(Duration.ZERO);
        }
        Matcher matcher = PART.matcher(text);
        BigDecimal nanos = BigDecimal.ZERO;
        int end = 0;
        while (matcher.find() && matcher.start() == end) {
            nanos = nanos.add(new BigDecimal(matcher.group(1))
                    .multiply(BigDecimal.valueOf(NANOS.getOrDefault(matcher.group(2), 0L))));
            end = matcher.end();
        }
        boolean whole = end > 0 && end == text.length() && nanos.compareTo(MOST) <= 0;
        return whole ? Optional.of(Duration.ofNanos(nanos.longValue())) : Optional.empty();
    }
}
