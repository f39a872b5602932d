package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class JobStatusesTest {
    private static String ranges(Integer... numbers) {
        return JobStatuses.ranges(new TreeSet<>(List.of(numbers)));
    }

    @Test
    void indexesAreWrittenAsRanges() {
        assertThat(ranges()).isEmpty();
        assertThat(ranges(4)).isEqualTo("4");
        assertThat(ranges(0, 1)).isEqualTo("0,1");
        assertThat(ranges(0, 1, 2, 5, 7, 8, 9)).isEqualTo("0-2,5,7-9");
    }
}
