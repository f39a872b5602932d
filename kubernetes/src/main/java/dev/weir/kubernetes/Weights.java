package dev.weir.kubernetes;

import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import java.util.List;

/** Shares as routing objects write them: weights that add up to 100 where that is exact, and else to 10 000. */
final class Weights {
    private static final int PERCENT = 100;

    private Weights() {}

    /** @return in the order of the backends */
    static List<Integer> of(List<TrafficPlan.Backend> backends) {
        List<Integer> points =
                backends.stream().map(backend -> backend.share().basisPoints()).toList();
        boolean whole = points.stream().allMatch(one -> one % PERCENT == 0);
        return whole ? points.stream().map(one -> one / PERCENT).toList() : points;
    }

    /**
     * The shares that weights stand for, in their order.
     *
     * @throws IllegalArgumentException if they are not weights as {@link #of} writes them
     */
    static List<Share> read(List<Integer> weights) {
        int total = weights.stream().mapToInt(Integer::intValue).sum();
        if (total != PERCENT && total != Share.ALL.basisPoints()) {
            throw new IllegalArgumentException("the weights " + weights + " add up to " + total);
        }
        return weights.stream()
                .map(weight -> new Share(weight * (Share.ALL.basisPoints() / total)))
                .toList();
    }
}
