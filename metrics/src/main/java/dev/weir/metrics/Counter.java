package dev.weir.metrics;

import java.util.Map;

/**
 * One series that only grows until its process restarts.
 *
 * @param name as Prometheus has it, for example {@code istio_requests_total}
 * @param labels without the name; those of a histogram's bucket have {@code le}
 */
public record Counter(String name, Map<String, String> labels) {
    public Counter {
        labels = Map.copyOf(labels);
    }

    /** The label's value, empty if there is none: Prometheus does not tell these two apart either. */
    public String label(String key) {
        return labels.getOrDefault(key, "");
    }
}
