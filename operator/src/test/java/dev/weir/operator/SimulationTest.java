package dev.weir.operator;

import org.junit.jupiter.api.Test;

/** Thousands of runs of the loop in a cluster that fails; {@code -Dtest.seed} replays one. */
class SimulationTest {
    private static final int RUNS = 1_000;

    @Test
    void everyRunEndsAsItsSpecSaysAndHurtsNobody() {
        Long one = Long.getLong("test.seed");
        if (one != null) {
            Simulation.run(one);
            return;
        }
        long first = System.nanoTime();
        for (int i = 0; i < RUNS; i++) {
            Simulation.run(first + i);
        }
    }
}
