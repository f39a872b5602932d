package dev.weir.apiserver.table;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** Ages as kubectl prints them, after apimachinery's HumanDuration. */
final class Ages {
    private Ages() {}

    static String since(String time, Instant now) {
        if (time.isEmpty()) {
            return "<unknown>";
        }
        try {
            return human(Duration.between(Instant.parse(time), now));
        } catch (DateTimeParseException malformed) {
            return "<invalid>";
        }
    }

    static String human(Duration age) {
        long s = age.toSeconds();
        if (s < -1) {
            return "<invalid>";
        } else if (s < 0) {
            return "0s";
        } else if (s < 120) {
            return s + "s";
        }
        long m = s / 60;
        if (m < 10) {
            return s % 60 == 0 ? m + "m" : m + "m" + s % 60 + "s";
        } else if (m < 180) {
            return m + "m";
        }
        long h = m / 60;
        if (h < 8) {
            return m % 60 == 0 ? h + "h" : h + "h" + m % 60 + "m";
        } else if (h < 48) {
            return h + "h";
        } else if (h < 192) {
            return h % 24 == 0 ? h / 24 + "d" : h / 24 + "d" + h % 24 + "h";
        } else if (h < 24 * 365 * 2) {
            return h / 24 + "d";
        }
        long years = h / 24 / 365;
        long days = h / 24 % 365;
        return years < 8 && days > 0 ? years + "y" + days + "d" : years + "y";
    }
}
