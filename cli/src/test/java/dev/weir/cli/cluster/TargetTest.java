package dev.weir.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {
    @ParameterizedTest
    @CsvSource({
        "5s, 5000",
        "5, 5000",
        "1m, 60000",
        "1m30s, 90000",
        "1.5s, 1500",
        "250ms, 250",
        "2h, 7200000",
        "0, 0",
        "0s, 0"
    })
    void timesAreWhatKubectlTakes(String words, long millis) {
        assertThat(Target.duration(words)).contains(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "-1s", "5 s", "5x", "5s!", "1m30", ".5s", "9999999999s", "soon"})
    void otherWordsAreNoTimes(String words) {
        assertThat(Target.duration(words)).isEmpty();
    }
}
