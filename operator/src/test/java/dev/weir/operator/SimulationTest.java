package dev.weir.operator;

import org.junit.jupiter.api.Test;

/**
 * Runs of the loop in a cluster that fails. The default runs are always the same ones, so that a build fails because of
 * its change only; {@code -Dtest.seed} replays one, {@code -Dtest.runs} tries as many that nobody has tried before.
 */
class SimulationTest {
    private static final int RUNS = 2_000;

    @Test
    void everyRunEndsAsItsSpecSaysAndHurtsNobody() {
        Long one = Long.getLong("test.seed");
        Integer others = Integer.getInteger("test.runs");
        if (one != null) {
            Simulation.run(one);
        } else if (others != null) {
            runs(System.nanoTime(), others);
        } else {
            runs(1, RUNS);
        }
    }

    private static void runs(long first, int count) {
        for (int i = 0; i < count; i++) {
            Simulation.run(first + i);
        }
    }
}
