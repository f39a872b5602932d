package dev.weir.dataplane;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * When a request is tried again.
 *
 * @param attempts further tries after the first
 * @param perTry how long one try may take
 * @param conditions in Envoy's words, those that are served
 * @param codes answers that count as failures
 * @param backoff the first pause is drawn from 0 to this; it doubles with each try, up to ten times
 */
record RetryPolicy(
        int attempts, Optional<Duration> perTry, Set<String> conditions, Set<Integer> codes, Duration backoff) {
    private static final Duration BACKOFF = Duration.ofMillis(25);
    private static final int MOST_BACKOFFS = 10;

    static final String CONNECT_FAILURE = "connect-failure";

    /** Those that mean something for HTTP/1.1; {@code refused-stream} never happens there. */
    static final Set<String> SERVED = Set.of(
            "5xx",
            "gateway-error",
            "reset",
            "reset-before-request",
            CONNECT_FAILURE,
            "retriable-4xx",
            "refused-stream",
            "retriable-status-codes",
            "cancelled",
            "deadline-exceeded",
            "internal",
            "resource-exhausted",
            "unavailable");

    /** Istio's own, for a policy that does not name any. */
    static final Set<String> ISTIO_DEFAULT =
            Set.of(CONNECT_FAILURE, "refused-stream", "unavailable", "cancelled", "retriable-status-codes");

    /** Without a policy, nothing is sent twice: only a connection that cannot be opened is tried elsewhere. */
    static final RetryPolicy STANDARD =
            new RetryPolicy(2, Optional.empty(), Set.of(CONNECT_FAILURE), Set.of(), BACKOFF);

    static Duration standardBackoff() {
        return BACKOFF;
    }

    /** How a try ended that did not bring an answer to pass on. */
    enum Failure {
        /** No connection: nothing was sent. */
        CONNECT,
        /** The connection ended before an answer began. */
        RESET,
        /** No answer within the time for one try. */
        TIMEOUT
    }

    /** True if requests must be kept to be sent again. */
    boolean resends() {
        return attempts > 0 && !conditions.equals(Set.of(CONNECT_FAILURE));
    }

    boolean covers(Failure failure) {
        return switch (failure) {
            case CONNECT ->
                conditions.contains(CONNECT_FAILURE)
                        || conditions.contains("reset-before-request")
                        || conditions.contains("5xx")
                        || conditions.contains("reset");
            case RESET -> conditions.contains("5xx") || conditions.contains("reset");
            case TIMEOUT ->
                conditions.contains("5xx") || conditions.contains("reset") || conditions.contains("gateway-error");
        };
    }

    /** @param grpcStatus of an answer without a body, or empty */
    boolean coversAnswer(int code, String grpcStatus) {
        return conditions.contains("5xx") && code >= 500
                || conditions.contains("gateway-error") && code >= 502 && code <= 504
                || conditions.contains("retriable-4xx") && code == 409
                || conditions.contains("retriable-status-codes") && codes.contains(code)
                || conditions.contains(grpcName(grpcStatus));
    }

    private static String grpcName(String status) {
        return switch (status) {
            case "1" -> "cancelled";
            case "4" -> "deadline-exceeded";
            case "8" -> "resource-exhausted";
            case "13" -> "internal";
            case "14" -> "unavailable";
            default -> "";
        };
    }

    /**
     * The pause before a try.
     *
     * @param retry 1 for the first further try
     * @param draw uniform, from 0 to 1
     */
    Duration pause(int retry, double draw) {
        long most = Math.min(backoff.toNanos() * MOST_BACKOFFS, backoff.toNanos() * ((1L << Math.min(retry, 20)) - 1));
        return Duration.ofNanos((long) (draw * most));
    }
}
