package dev.weir.metrics;

import java.util.List;

/** What became of a question to a provider. That nothing was counted and that nobody knows are different answers. */
public sealed interface Outcome {
    /**
     * The counters at one time or at several.
     *
     * @param list oldest first, never empty; one without values says that nothing was counted by then
     */
    record Readings(List<Reading> list) implements Outcome {
        public Readings {
            if (list.isEmpty()) {
                throw new IllegalArgumentException("readings must not be empty");
            }
            list = List.copyOf(list);
        }
    }

    /**
     * No answer that could be used.
     *
     * @param reason for people: names what was asked, holds no secret
     * @param retryable true where the same question may be answered later: time-outs, 429, 5xx
     */
    record Failed(String reason, boolean retryable) implements Outcome {}
}
