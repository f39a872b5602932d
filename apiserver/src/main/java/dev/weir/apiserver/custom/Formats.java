package dev.weir.apiserver.custom;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** The formats of texts in schemas of custom resources that Kubernetes checks; others say nothing. */
final class Formats {
    private static final Pattern EMAIL = Pattern.compile("[^\\s@<>(),;:\\\\\"\\[\\]]+@[^\\s@<>(),;:\\\\\"\\[\\]]+");
    private static final Pattern UUID =
            Pattern.compile("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}");
    private static final Pattern IPV4 =
            Pattern.compile("(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
    private static final Pattern MAC = Pattern.compile("(?i)[0-9a-f]{2}([:-][0-9a-f]{2}){5}");
    private static final Pattern DURATION = Pattern.compile(
            "(?i)[-+]?((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|µs|ms|s|m|h))+|0|(\\d+\\s*(ns|us|µs|ms|s|m|h|d|w|[a-z]+)\\s*)+");
    private static final Pattern BYTES = Pattern.compile("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?");
    private static final Pattern HOST =
            Pattern.compile("[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9-]+)*\\.?");
    private static final Pattern URI = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*:.+|/.*)");

    private static final Map<String, Predicate<String>> CHECKS = Map.ofEntries(
            Map.entry("date-time", Formats::isTime),
            Map.entry("date", Formats::isDate),
            Map.entry("email", text -> EMAIL.matcher(text).matches()),
            Map.entry("uuid", text -> UUID.matcher(text).matches()),
            Map.entry("ipv4", text -> IPV4.matcher(text).matches()),
            Map.entry("ipv6", text -> IPV6.matcher(text).matches()),
            Map.entry("mac", text -> MAC.matcher(text).matches()),
            Map.entry("cidr", Formats::isRange),
            Map.entry("byte", text -> BYTES.matcher(text).matches()),
            Map.entry("duration", text -> DURATION.matcher(text).matches()),
            Map.entry(
                    "hostname",
                    text -> text.length() < 254 && HOST.matcher(text).matches()),
            Map.entry("uri", text -> URI.matcher(text).matches()));

    private Formats() {}

    /** True if the format is checked. */
    static boolean known(String format) {
        return CHECKS.containsKey(format);
    }

    /** True if the text has the format, or the format says nothing. */
    static boolean has(String format, String text) {
        return CHECKS.getOrDefault(format, _ -> true).test(text);
    }

    private static boolean isTime(String text) {
        try {
            Instant.parse(text.toUpperCase(Locale.ROOT));
            return true;
        } catch (DateTimeException malformed) {
            return false;
        }
    }

    private static boolean isDate(String text) {
        try {
            LocalDate.parse(text);
            return true;
        } catch (DateTimeException malformed) {
            return false;
        }
    }

    private static boolean isRange(String text) {
        String[] parts = text.split("/", -1);
        return parts.length == 2
                && (IPV4.matcher(parts[0]).matches() || IPV6.matcher(parts[0]).matches())
                && parts[1].matches("\\d{1,3}");
    }
}
