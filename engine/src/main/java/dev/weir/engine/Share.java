package dev.weir.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * The part of a rule's requests that a backend gets.
 *
 * @param basisPoints hundredths of a percent, 0 to 10 000
 */
public record Share(int basisPoints) {
    public static final Share ALL = new Share(10_000);

    public Share {
        if (basisPoints < 0 || basisPoints > 10_000) {
            throw new IllegalArgumentException("share must be 0..10000 basis points but was " + basisPoints);
        }
    }

    /**
     * The shares that relative weights stand for; they add up to all.
     *
     * @param weights 0 to 1 000 000 each, at least one
     * @return in the same order; all for the first if every weight is 0
     */
    public static List<Share> of(List<Integer> weights) {
        long total = weights.stream().mapToLong(Integer::longValue).sum();
        List<Share> shares = new ArrayList<>();
        long before = 0;
        long given = 0;
        for (int weight : weights) {
            before += weight;
            // rounds the sum so far, so that what rounding takes from one goes to its neighbour
            long until = total == 0 ? ALL.basisPoints() : Math.round((double) before * ALL.basisPoints() / total);
            shares.add(new Share((int) (until - given)));
            given = until;
        }
        return shares;
    }
}
