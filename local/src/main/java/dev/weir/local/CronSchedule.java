package dev.weir.local;

import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * When a CronJob runs, as cron has it: minute, hour, day of month, month, day of week, each a list of numbers, ranges and
 * steps; months and days may be named. If both days are restricted, either is enough.
 */
record CronSchedule(
        BitSet minutes, BitSet hours, BitSet days, BitSet months, BitSet weekdays, boolean eitherDay, ZoneId zone) {
    private static final Map<String, String> NAMED = Map.of(
            "@yearly", "0 0 1 1 *",
            "@annually", "0 0 1 1 *",
            "@monthly", "0 0 1 * *",
            "@weekly", "0 0 * * 0",
            "@daily", "0 0 * * *",
            "@midnight", "0 0 * * *",
            "@hourly", "0 * * * *");
    private static final List<String> MONTHS =
            List.of("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");
    private static final List<String> WEEKDAYS = List.of("sun", "mon", "tue", "wed", "thu", "fri", "sat");
    private static final int FIELDS = 5;
    /** A date that never comes, such as February 30, is given up after so many years. */
    private static final int YEARS = 5;

    /** @throws IllegalArgumentException saying what is wrong */
    static CronSchedule parse(String text, ZoneId zone) {
        String[] fields = NAMED.getOrDefault(text.strip(), text.strip()).split("\\s+");
        if (fields.length != FIELDS) {
            throw new IllegalArgumentException("schedule \"" + text + "\": must have 5 fields");
        }
        BitSet weekdays = field(fields[4], 0, 7, WEEKDAYS);
        if (weekdays.get(7)) {
            weekdays.set(0);
        }
        return new CronSchedule(
                field(fields[0], 0, 59, List.of()),
                field(fields[1], 0, 23, List.of()),
                field(fields[2], 1, 31, List.of()),
                field(fields[3], 1, 12, MONTHS),
                weekdays,
                !fields[2].startsWith("*") && !fields[4].startsWith("*"),
                zone);
    }

    private static BitSet field(String text, int least, int most, List<String> names) {
        BitSet set = new BitSet();
        for (String part : text.split(",", -1)) {
            String[] stepped = part.split("/", 2);
            int step = stepped.length == 2 ? number(stepped[1], 1, most, List.of(), text) : 1;
            int from = least;
            int to = most;
            if (!stepped[0].equals("*") && !stepped[0].equals("?")) {
                String[] range = stepped[0].split("-", 2);
                from = number(range[0], least, most, names, text);
                to = range.length == 2 ? number(range[1], least, most, names, text) : stepped.length == 2 ? most : from;
            } else if (names.equals(WEEKDAYS)) {
                to = most - 1;
            }
            if (from > to) {
                throw new IllegalArgumentException("schedule field \"" + text + "\": the range is backwards");
            }
            for (int value = from; value <= to; value += step) {
                set.set(value);
            }
        }
        return set;
    }

    private static int number(String text, int least, int most, List<String> names, String field) {
        int value = names.indexOf(text.toLowerCase(Locale.ROOT));
        if (value < 0 && text.matches("\\d{1,3}")) {
            value = Integer.parseInt(text);
        }
        if (value < least || value > most || text.isEmpty()) {
            throw new IllegalArgumentException(
                    "schedule field \"" + field + "\": must be numbers from " + least + " to " + most);
        }
        return value;
    }

    /** The first time after this one; empty if there is none. */
    Optional<ZonedDateTime> after(ZonedDateTime time) {
        ZonedDateTime at =
                time.withZoneSameInstant(zone).truncatedTo(ChronoUnit.MINUTES).plusMinutes(1);
        ZonedDateTime end = at.plusYears(YEARS);
        while (at.isBefore(end)) {
            if (!months.get(at.getMonthValue()) || !day(at)) {
                at = at.truncatedTo(ChronoUnit.DAYS).plusDays(1);
            } else if (!hours.get(at.getHour())) {
                at = at.truncatedTo(ChronoUnit.HOURS).plusHours(1);
            } else if (!minutes.get(at.getMinute())) {
                at = at.plusMinutes(1);
            } else {
                return Optional.of(at);
            }
        }
        return Optional.empty();
    }

    private boolean day(ZonedDateTime at) {
        boolean ofMonth = days.get(at.getDayOfMonth());
        boolean ofWeek = weekdays.get(at.getDayOfWeek().getValue() % 7);
        return eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
    }
}
