package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void pausesDoubleUpToTheLongestAndBeginAgainWhenAsked() {
        Backoff backoff = new Backoff(Duration.ofSeconds(10), Duration.ofMinutes(1));
        assertThat(LongStream.range(0, 5).map(_ -> backoff.next().toSeconds()))
                .containsExactly(10L, 20L, 40L, 60L, 60L);
        backoff.reset();
        assertThat(backoff.next()).isEqualTo(Duration.ofSeconds(10));
    }
}
