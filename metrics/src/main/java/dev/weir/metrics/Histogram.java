package dev.weir.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.OptionalDouble;

/**
 * How long requests took, as far as buckets tell.
 *
 * @param buckets by upper bound, ascending; the last one's bound is infinite
 * @param sumMillis of all requests' durations
 */
public record Histogram(List<Bucket> buckets, double sumMillis) {
    /** Of requests that took long enough for no bucket. */
    public static final Histogram EMPTY = new Histogram(List.of(), 0);

    /**
     * One bucket.
     *
     * @param upToMillis its upper bound, which belongs to it
     * @param count of the requests that took no longer, those of all buckets before included
     */
    public record Bucket(double upToMillis, double count) {}

    public Histogram {
        buckets = List.copyOf(buckets);
    }

    /**
     * Puts buckets in order. Counts that fall, which sums of differing sets of bounds may show, are raised to the one before,
     * as Prometheus does.
     *
     * @param cumulative counts by upper bound in milliseconds
     */
    static Histogram of(NavigableMap<Double, Double> cumulative, double sumMillis) {
        List<Bucket> buckets = new ArrayList<>();
        double most = 0;
        for (var entry : cumulative.entrySet()) {
            most = Math.max(most, entry.getValue());
            buckets.add(new Bucket(entry.getKey(), most));
        }
        return new Histogram(buckets, sumMillis);
    }

    /** How many requests it knows of; 0 if there is no bucket without a bound. */
    public double count() {
        return buckets.isEmpty() || Double.isFinite(buckets.getLast().upToMillis())
                ? 0
                : buckets.getLast().count();
    }

    /** Of all requests, in milliseconds; empty if there were none. */
    public OptionalDouble meanMillis() {
        return count() > 0 ? OptionalDouble.of(sumMillis / count()) : OptionalDouble.empty();
    }

    /**
     * The time that this part of the requests did not exceed, as PromQL's {@code histogram_quantile} estimates it: linearly
     * within a bucket, from 0 in the first one, and the highest finite bound if it lies beyond.
     *
     * <p>It may be off by as much as the bucket is wide. To decide something, count what is above a bound instead.
     *
     * @param quantile 0 to 1, inclusive
     * @return milliseconds; empty without requests, or without a finite bound
     */
    public OptionalDouble quantileMillis(double quantile) {
        if (!(quantile >= 0 && quantile <= 1)) {
            throw new IllegalArgumentException("quantile must be 0..1 but was " + quantile);
        }
        if (count() == 0 || buckets.size() < 2) {
            return OptionalDouble.empty();
        }
        double rank = quantile * count();
        int at = 0;
        while (at < buckets.size() - 1 && buckets.get(at).count() < rank) {
            at++;
        }
        if (at == buckets.size() - 1) {
            return OptionalDouble.of(buckets.get(at - 1).upToMillis());
        }
        Bucket in = buckets.get(at);
        if (at == 0 && in.upToMillis() <= 0) {
            return OptionalDouble.of(in.upToMillis());
        }
        double from = at == 0 ? 0 : buckets.get(at - 1).upToMillis();
        double before = at == 0 ? 0 : buckets.get(at - 1).count();
        // an empty bucket is reached only by rank 0
        double part = in.count() > before ? (rank - before) / (in.count() - before) : 0;
        return OptionalDouble.of(from + (in.upToMillis() - from) * part);
    }
}
