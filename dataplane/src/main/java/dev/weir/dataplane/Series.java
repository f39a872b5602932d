package dev.weir.dataplane;

import java.util.concurrent.atomic.LongAdder;

/** One label set's counts. Safe for concurrent use. */
final class Series {
    /** Envoy's, for milliseconds and bytes alike. */
    static final double[] BUCKETS = {
        0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
        3_600_000
    };

    private static final long MICROS = 1000;

    final LongAdder count = new LongAdder();
    final Histogram millis = new Histogram();
    final Histogram requestBytes = new Histogram();
    final Histogram responseBytes = new Histogram();

    /**
     * The labels that tell series apart.
     *
     * @param reporter source or destination
     * @param service the destination's service, {@code unknown} if there is none
     * @param protocol http or grpc
     * @param grpcStatus empty for http
     */
    record Labels(
            String reporter,
            Peer source,
            Peer destination,
            ServiceName service,
            Result result,
            String protocol,
            String grpcStatus) {}

    /** @param flags in Envoy's words, {@code -} for none */
    record Result(int code, String flags) {}

    /** A service in three words. */
    record ServiceName(String host, String name, String namespace) {
        static final ServiceName UNKNOWN = new ServiceName("unknown", "unknown", "unknown");
    }

    void add(long nanos, long bytesIn, long bytesOut) {
        count.increment();
        millis.add(nanos / 1e6);
        requestBytes.add(bytesIn);
        responseBytes.add(bytesOut);
    }

    /** Sums in thousandths, which a LongAdder adds without contention. */
    static final class Histogram {
        private final LongAdder thousandths = new LongAdder();
        private final LongAdder[] buckets = new LongAdder[BUCKETS.length + 1];

        Histogram() {
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }

        void add(double value) {
            int bucket = 0;
            while (bucket < BUCKETS.length && value > BUCKETS[bucket]) {
                bucket++;
            }
            buckets[bucket].increment();
            thousandths.add(Math.round(value * MICROS));
        }

        double sum() {
            return thousandths.sum() / (double) MICROS;
        }

        /** @param index up to {@code BUCKETS.length}, which is the one without a bound */
        long bucket(int index) {
            return buckets[index].sum();
        }
    }
}
