package dev.weir.metrics;

import dev.weir.metrics.Statistics.Kind;
import dev.weir.metrics.Statistics.Meaning;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/** Adds up what counters of one version and side grew by. */
final class Tally {
    private final Map<Kind, Double> sums = new EnumMap<>(Kind.class);
    private final TreeMap<Double, Double> buckets = new TreeMap<>();

    void add(Meaning meaning, double grown) {
        for (Kind kind : meaning.kinds()) {
            if (kind == Kind.MILLIS_BUCKET) {
                buckets.merge(meaning.upToMillis(), grown, Double::sum);
            } else {
                sums.merge(kind, grown, Double::sum);
            }
        }
    }

    double of(Kind kind) {
        return sums.getOrDefault(kind, 0.0);
    }

    /** True if some counter counts requests, however few. */
    boolean countsRequests() {
        return sums.containsKey(Kind.REQUESTS);
    }

    Histogram millis() {
        return Histogram.of(buckets, of(Kind.MILLIS_SUM));
    }
}
