package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weir.local.RollingUpdate.Limits;
import dev.weir.local.RollingUpdate.Size;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RollingUpdateTest {
    private static IntOrString number(String text) {
        return text.endsWith("%") ? new IntOrString(text) : new IntOrString(Integer.parseInt(text));
    }

    /** Percentages of surge round up, of unavailable down; both 0 would never end. */
    @ParameterizedTest
    @CsvSource({"10, 25%, 25%, 3, 2", "1, 25%, 25%, 1, 0", "3, 0, 0, 0, 1", "4, 0%, 10%, 0, 1", "2, 1, 5, 1, 2"})
    void percentagesAreOfTheReplicas(int replicas, String surge, String missing, int most, int least) {
        Limits limits = RollingUpdate.limits(new DeploymentBuilder()
                .withNewSpec()
                .withReplicas(replicas)
                .withNewStrategy()
                .withType("RollingUpdate")
                .withNewRollingUpdate()
                .withMaxSurge(number(surge))
                .withMaxUnavailable(number(missing))
                .endRollingUpdate()
                .endStrategy()
                .endSpec()
                .build());
        assertThat(limits).isEqualTo(new Limits(replicas, most, least));
    }

    @Test
    void whatIsNotAvailableGoesFirst() {
        Limits limits = new Limits(4, 1, 1);
        Map<String, Integer> next = RollingUpdate.shrink(
                limits, new Size("new", 1, 1, 0), List.of(new Size("broken", 2, 0, 0), new Size("good", 2, 2, 0)));
        assertThat(next).isEqualTo(Map.of("broken", 0));
    }

    @Test
    void nothingShrinksWhileTheNewIsNotAvailable() {
        assertThat(RollingUpdate.shrink(
                        new Limits(3, 1, 0), new Size("new", 1, 0, 0), List.of(new Size("old", 3, 3, 0))))
                .isEmpty();
    }

    @Test
    void aScaleInTheMiddleKeepsTheParts() {
        Map<String, Integer> next = RollingUpdate.scale(
                new Limits(20, 4, 0), List.of(new Size("new", 3, 3, 12), new Size("old", 9, 9, 12)));
        assertThat(next).isEqualTo(Map.of("new", 6, "old", 18));
        assertThat(RollingUpdate.scale(
                        new Limits(5, 1, 0), List.of(new Size("new", 3, 3, 12), new Size("old", 9, 9, 12))))
                .satisfies(sizes -> assertThat(
                                sizes.values().stream().mapToInt(i -> i).sum())
                        .isEqualTo(6));
    }

    /** Whatever becomes ready when: bounds hold at each step, and the roll-out ends. */
    @RepeatedTest(50)
    void boundsHoldAtEveryStepAndItEnds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int replicas = 1 + random.nextInt(12);
        int surge = random.nextInt(4);
        int missing = surge == 0 ? 1 + random.nextInt(3) : random.nextInt(3);
        Limits limits = new Limits(replicas, surge, Math.min(replicas, missing));
        int now = 0;
        int ready = 0;
        int old = replicas;
        for (int step = 0; step < 1000 && (now < replicas || old > 0 || ready < replicas); step++) {
            Size current = new Size("new", now, ready, 0);
            List<Size> before = List.of(new Size("old", old, old, 0));
            int grown = RollingUpdate.grow(limits, current, before);
            if (grown == now) {
                old = RollingUpdate.shrink(limits, current, before).getOrDefault("old", old);
            }
            now = grown;
            ready += random.nextInt(now - ready + 1);
            assertThat(now + old).as("seed " + seed).isLessThanOrEqualTo(limits.most());
            assertThat(ready + old).as("seed " + seed).isGreaterThanOrEqualTo(limits.least());
        }
        assertThat(List.of(now, ready, old)).as("seed " + seed).containsExactly(replicas, replicas, 0);
    }
}
