package dev.weir.metrics;

import dev.weir.metrics.Subject.Version;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** In whose words proxies count requests. Where a proxy speaks in several, the first that knows the subject is heard. */
public enum Statistics {
    /** {@code istio_requests_total} and its histogram of durations, with the workload and the service that were called. */
    ISTIO {
        @Override
        Optional<Meaning> meaning(Counter counter, Subject subject) {
            return IstioWords.meaning(counter, subject);
        }

        @Override
        List<String> selectors(Subject subject) {
            return IstioWords.selectors(subject);
        }

        @Override
        double unanswered(Tally tally) {
            return tally.of(Kind.UNANSWERED);
        }
    },
    /** Envoy's statistics of its clusters, one for each Service and port that it sends to. */
    ENVOY {
        @Override
        Optional<Meaning> meaning(Counter counter, Subject subject) {
            return EnvoyWords.meaning(counter, subject);
        }

        @Override
        List<String> selectors(Subject subject) {
            return EnvoyWords.selectors(subject);
        }

        @Override
        double unanswered(Tally tally) {
            return EnvoyWords.unanswered(tally);
        }
    };

    /** What a counter counts. */
    enum Kind {
        REQUESTS,
        /** Among the requests: 5xx, failures of gRPC that are the server's, and whatever was not answered. */
        ERRORS,
        /** Among the errors: the proxy had to say something itself. */
        UNANSWERED,
        /** Reasons for a proxy to say something itself; a request that is tried anew may have several. */
        TROUBLE,
        MILLIS_SUM,
        MILLIS_COUNT,
        MILLIS_BUCKET
    }

    /**
     * What a counter says about a version.
     *
     * @param kinds all that it counts in
     * @param upToMillis the bound, of a bucket; 0 of anything else
     */
    record Meaning(Version version, Side side, Set<Kind> kinds, double upToMillis) {
        Meaning(Version version, Side side, Kind kind) {
            this(version, side, EnumSet.of(kind), 0);
        }
    }

    /** For data and messages: {@code istio}, {@code envoy}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Empty for a counter of other things or other versions. */
    abstract Optional<Meaning> meaning(Counter counter, Subject subject);

    /** PromQL's, for every counter that has a meaning; may select others too, but none twice. */
    abstract List<String> selectors(Subject subject);

    abstract double unanswered(Tally tally);

    /** True for a counter that says something about one of the subject's versions. */
    static boolean concerns(Counter counter, Subject subject) {
        return ISTIO.meaning(counter, subject).isPresent()
                || ENVOY.meaning(counter, subject).isPresent();
    }

    /** True for the name of a metric that is worth keeping while a page is read. */
    static boolean mayMean(String name) {
        return name.startsWith(IstioWords.PREFIX) || name.startsWith(EnvoyWords.PREFIX);
    }
}
