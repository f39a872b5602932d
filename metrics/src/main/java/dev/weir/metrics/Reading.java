package dev.weir.metrics;

import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * What counters stood at.
 *
 * @param at by the clock of whoever read them
 * @param values by counter; a process restart makes them smaller than before
 * @param targets the values of the counters' label {@link #TARGET} that answered, also those without counters
 */
public record Reading(Instant at, Map<Counter, Double> values, Set<String> targets) {
    /** The label of a counter that says which process counts it. */
    public static final String TARGET = "instance";

    public Reading {
        values = Map.copyOf(values);
        targets = Set.copyOf(targets);
    }
}
