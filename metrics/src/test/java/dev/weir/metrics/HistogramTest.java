package dev.weir.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HistogramTest {
    private static final double ALL = Double.POSITIVE_INFINITY;

    private static Histogram of(Map<Double, Double> buckets) {
        return Histogram.of(new TreeMap<>(buckets), 1000);
    }

    /** The values are those of Prometheus' documented rule; the real one is asked in the test of agreement. */
    @ParameterizedTest(name = "{0} -> {1} ms")
    @CsvSource({
        "0, 0.0",
        "0.05, 2.5",
        "0.1, 5.0",
        "0.35, 7.5",
        "0.6, 10.0",
        "0.9, 44.285714",
        "0.95, 50.0",
        "0.99, 50",
        "1, 50"
    })
    void estimatesQuantilesAsPrometheusDoes(double quantile, double millis) {
        Histogram histogram = of(Map.of(5.0, 10.0, 10.0, 60.0, 50.0, 95.0, ALL, 100.0));
        assertThat(histogram.quantileMillis(quantile).getAsDouble()).isCloseTo(millis, within(0.00001));
    }

    @Test
    void isEmptyWithoutRequestsOrBounds() {
        assertThat(Histogram.EMPTY.quantileMillis(0.5)).isEmpty();
        assertThat(Histogram.EMPTY.meanMillis()).isEmpty();
        assertThat(of(Map.of(5.0, 0.0, ALL, 0.0)).quantileMillis(0.5)).isEmpty();
        assertThat(of(Map.of(ALL, 3.0)).quantileMillis(0.5)).isEmpty();
        assertThat(of(Map.of(5.0, 3.0)).count()).isZero();
        assertThat(of(Map.of(5.0, 3.0, ALL, 4.0)).meanMillis()).isEqualTo(OptionalDouble.of(250));
        assertThatThrownBy(() -> Histogram.EMPTY.quantileMillis(99)).hasMessageContaining("99");
    }

    @Test
    void raisesCountsThatFall() {
        assertThat(of(Map.of(5.0, 3.0, 10.0, 2.0, ALL, 4.0)).buckets())
                .extracting(Histogram.Bucket::count)
                .containsExactly(3.0, 3.0, 4.0);
    }
}
