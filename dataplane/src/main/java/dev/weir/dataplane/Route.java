package dev.weir.dataplane;

import dev.weir.dataplane.RequestMatch.Condition;
import dev.weir.dataplane.RequestMatch.Subject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One entry of a VirtualService's {@code http}, compiled. Immutable, pure.
 *
 * @param matches any of them; empty matches everything
 */
record Route(String name, List<RequestMatch> matches, Action action, Optional<Fault> fault, Optional<CorsPolicy> cors) {
    /** What becomes of a request. */
    sealed interface Action {
        /** Sent to one of the destinations. */
        record Forward(
                List<Destination> destinations,
                List<Mirror> mirrors,
                Rewrite rewrite,
                Optional<Duration> timeout,
                RetryPolicy retries)
                implements Action {}

        record Redirect(RedirectTarget target, HeaderEdits response) implements Action {}

        record Answer(int status, byte[] body, HeaderEdits response) implements Action {}

        /**
         * What the object asks for is not done.
         *
         * @param status 501, or 500 where Gateway API says so
         */
        record Refused(int status, String reason) implements Action {}
    }

    /**
     * A weighted destination.
     *
     * @param host the service's full name
     * @param subset empty for all of its pods
     * @param port 0 takes the service's only port, or the one that the request came for
     * @param weight relative to the sum; without meaning for a lone destination
     * @param request header changes in order
     * @param response header changes in order
     * @param missing the answer if there is no such service, port or subset: 503, or 500 where Gateway API says so
     */
    record Destination(
            String host,
            String subset,
            int port,
            int weight,
            List<HeaderEdits> request,
            List<HeaderEdits> response,
            int missing) {}

    /**
     * A copy of some requests.
     *
     * @param percent 0 to 100
     */
    record Mirror(String host, String subset, int port, double percent) {}

    /** Delay first, then abort, each for its share of requests, drawn independently; percentages 0 to 100. */
    record Fault(double delayPercent, Duration delay, double abortPercent, int abortStatus) {}

    /** Keeps those matches that hold where the route is put: {@code mesh} or {@code namespace/name} of a Gateway. */
    Optional<Route> through(String gateway) {
        if (matches.isEmpty()) {
            return Optional.of(this);
        }
        List<RequestMatch> kept = new ArrayList<>();
        for (RequestMatch match : matches) {
            boolean elsewhere = match.conditions().stream()
                    .anyMatch(c -> c instanceof Condition.Gateways(Set<String> names) && !names.contains(gateway));
            if (!elsewhere) {
                kept.add(match);
            }
        }
        return kept.isEmpty() ? Optional.empty() : Optional.of(with(kept));
    }

    /** The same for other requests. */
    Route with(List<RequestMatch> others) {
        return new Route(name, others, action, fault, cors);
    }

    boolean catchesAll() {
        return matches.isEmpty() || matches.stream().anyMatch(RequestMatch::catchesAll);
    }

    /** The match that a request fulfils; {@link #EVERYTHING} for a route without any, null if none. */
    @Nullable
    RequestMatch matching(Subject subject) {
        if (matches.isEmpty()) {
            return EVERYTHING;
        }
        for (RequestMatch match : matches) {
            if (match.test(subject)) {
                return match;
            }
        }
        return null;
    }

    /** The match of a route that has none. */
    static final RequestMatch EVERYTHING = new RequestMatch(List.of());

    /**
     * Draws one destination by weight; a lone one is taken whatever its weight, one with weight 0 beside others never.
     *
     * @param draw uniform, from 0 (inclusive) to 1 (exclusive)
     * @return null if there is none to take
     */
    static @Nullable Destination choose(List<Destination> destinations, double draw) {
        if (destinations.size() <= 1) {
            return destinations.isEmpty() ? null : destinations.getFirst();
        }
        long total = 0;
        for (Destination destination : destinations) {
            total += destination.weight();
        }
        if (total <= 0) {
            return null;
        }
        long at = (long) (draw * total);
        for (Destination destination : destinations) {
            at -= destination.weight();
            if (at < 0) {
                return destination;
            }
        }
        return null;
    }
}
