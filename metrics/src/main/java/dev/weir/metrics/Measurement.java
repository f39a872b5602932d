package dev.weir.metrics;

/** What a query for one number gave. A missing series and a broken query are different answers. */
public sealed interface Measurement {
    /** @param number finite or infinite, never NaN */
    record Value(double number) implements Measurement {}

    /** The query ran, and there is no number: nothing matched, or zero was divided by zero. */
    record NoData() implements Measurement {}

    /**
     * No answer that could be used.
     *
     * @param reason for people: names what was asked, holds no secret
     * @param retryable true where the same question may be answered later: time-outs, 429, 5xx
     */
    record Failed(String reason, boolean retryable) implements Measurement {}
}
