package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CronScheduleTest {
    private static String after(String schedule, String time, ZoneId zone) {
        return CronSchedule.parse(schedule, zone)
                .after(ZonedDateTime.parse(time))
                .map(next -> next.withZoneSameInstant(ZoneOffset.UTC).toString())
                .orElse("never");
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', textBlock = """
            * * * * *        | 2025-01-01T00:00:30Z | 2025-01-01T00:01Z
            */15 * * * *     | 2025-01-01T00:15:00Z | 2025-01-01T00:30Z
            5,50-52 3 * * *  | 2025-01-01T03:50:59Z | 2025-01-01T03:51Z
            0 0 29 2 *       | 2025-01-01T00:00:00Z | 2028-02-29T00:00Z
            0 0 30 2 *       | 2025-01-01T00:00:00Z | never
            30 9 * * mon-fri | 2025-01-03T10:00:00Z | 2025-01-06T09:30Z
            0 0 * * 7        | 2025-01-01T00:00:00Z | 2025-01-05T00:00Z
            0 0 13 * FRI     | 2025-01-01T00:00:00Z | 2025-01-03T00:00Z
            0 0 1 jan,JUL *  | 2025-01-01T00:00:00Z | 2025-07-01T00:00Z
            10/20 * * * *    | 2025-01-01T00:31:00Z | 2025-01-01T00:50Z
            @hourly          | 2025-01-01T00:00:00Z | 2025-01-01T01:00Z
            """, delimiter = '|')
    void theNextTimeIsFound(String schedule, String time, String next) {
        assertThat(after(schedule, time, ZoneOffset.UTC)).isEqualTo(next);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            * * * *
            60 * * * *
            * * 0 * *
            5-1 * * * *
            */0 * * * *
            , * * * *
            * * * foo *
            @reboot
            """)
    void whatCannotBeMeantIsRefused(String schedule) {
        assertThatThrownBy(() -> CronSchedule.parse(schedule, ZoneOffset.UTC))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("schedule");
    }

    @ParameterizedTest
    @CsvSource({"2025-03-29T12:00:00Z,2025-03-30T06:00Z", "2025-06-01T12:00:00Z,2025-06-02T06:00Z"})
    void timeZonesAreObeyed(String time, String next) {
        assertThat(after("0 8 * * *", time, ZoneId.of("Europe/Berlin"))).isEqualTo(next);
    }
}
