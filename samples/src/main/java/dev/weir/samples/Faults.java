package dev.weir.samples;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleSupplier;

/**
 * How a sample server misbehaves on purpose, so that a bad version can be shown. Probes and metrics are spared: a bad
 * version is one that looks healthy.
 *
 * @param failPercent share of requests that get {@code failStatus} and are not served, 0 to 100
 * @param delayMillis added to the share {@code delayPercent} of all answers
 */
public record Faults(double failPercent, int failStatus, long delayMillis, double delayPercent) {
    static final String FAIL_PERCENT = "WEIR_FAIL_PERCENT";
    static final String FAIL_STATUS = "WEIR_FAIL_STATUS";
    static final String DELAY_MILLIS = "WEIR_DELAY_MILLIS";
    static final String DELAY_PERCENT = "WEIR_DELAY_PERCENT";
    private static final int MOST_DELAY = 600_000;
    private static final Set<String> SPARED = Set.of("/healthz", "/readyz", "/metrics");

    /** None. */
    public static final Faults NONE = new Faults(0, 500, 0, 100);

    /**
     * Reads the variables {@code WEIR_FAIL_PERCENT}, {@code WEIR_FAIL_STATUS} (500), {@code WEIR_DELAY_MILLIS} and
     * {@code WEIR_DELAY_PERCENT} (100).
     *
     * @throws IllegalArgumentException naming the variable and what it may be
     */
    public static Faults of(Map<String, String> variables) {
        return new Faults(
                number(variables, FAIL_PERCENT, NONE.failPercent, 0, 100),
                (int) number(variables, FAIL_STATUS, NONE.failStatus, 400, 599),
                (long) number(variables, DELAY_MILLIS, NONE.delayMillis, 0, MOST_DELAY),
                number(variables, DELAY_PERCENT, NONE.delayPercent, 0, 100));
    }

    private static double number(Map<String, String> variables, String name, double standard, int least, int most) {
        String text = variables.get(name);
        if (text == null || text.isBlank()) {
            return standard;
        }
        try {
            double value = Double.parseDouble(text.strip());
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException notANumber) {
            // said below
        }
        throw new IllegalArgumentException(name + "=" + text + ": must be a number from " + least + " to " + most);
    }

    /**
     * The sample with these faults.
     *
     * @param draw gives numbers from 0 to 1, 1 excluded; two for each request
     */
    Sample over(Sample sample, DoubleSupplier draw) {
        return failPercent == 0 && delayMillis == 0 ? sample : new Faulty(sample, this, draw);
    }

    private static boolean spared(Asked asked) {
        return asked.header("user-agent").startsWith("kube-probe/") || SPARED.contains(asked.path());
    }

    static final class Faulty extends Sample {
        private final Sample sample;
        private final Faults faults;
        private final DoubleSupplier draw;

        Faulty(Sample sample, Faults faults, DoubleSupplier draw) {
            this.sample = sample;
            this.faults = faults;
            this.draw = draw;
        }

        @Override
        String server() {
            return sample.server();
        }

        @Override
        Answer answer(Asked asked) {
            if (spared(asked)) {
                return sample.answer(asked);
            }
            Answer answer = hit(faults.failPercent)
                    ? Answer.of(faults.failStatus, "text/plain; charset=utf-8", "failed as " + FAIL_PERCENT + " says\n")
                    : sample.answer(asked);
            return hit(faults.delayPercent) ? answer.after(faults.delayMillis) : answer;
        }

        private boolean hit(double percent) {
            return draw.getAsDouble() * 100 < percent;
        }

        @Override
        void answered(Asked asked, Answer answer, Duration took) {
            sample.answered(asked, answer, took);
        }
    }
}
