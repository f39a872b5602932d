package dev.weir.metrics;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Adds up what counters grow by from reading to reading, through restarts and failed scrapes. */
final class Growth {
    /** What is known of each counter, at the last time when its process answered. */
    private final Map<Counter, Double> last;

    private final Set<String> known;
    private final Map<Counter, Double> total = new HashMap<>();

    Growth(Reading first) {
        last = new HashMap<>(first.values());
        known = new HashSet<>(first.targets());
        first.values().keySet().forEach(counter -> known.add(target(counter)));
    }

    private static String target(Counter counter) {
        return counter.label(Reading.TARGET);
    }

    void follow(Reading next) {
        Set<String> restarted = new HashSet<>();
        next.values().forEach((counter, value) -> {
            if (value < last.getOrDefault(counter, 0.0)) {
                restarted.add(target(counter));
            }
        });
        next.values().forEach((counter, value) -> {
            Double before = last.get(counter);
            double grown;
            if (restarted.contains(target(counter))) {
                // all counters of a process restart together, also those that have passed their old value already
                grown = value;
            } else if (before != null) {
                grown = value - before;
            } else {
                grown = known.contains(target(counter)) ? value : 0;
            }
            total.merge(counter, grown, Double::sum);
        });
        // where a process answered, a counter that is missing is gone, and would begin anew
        last.keySet().removeIf(counter -> next.targets().contains(target(counter)));
        last.putAll(next.values());
        known.addAll(next.targets());
        next.values().keySet().forEach(counter -> known.add(target(counter)));
    }

    /** By counter; one that did not grow is there with 0. */
    Map<Counter, Double> total() {
        return total;
    }
}
