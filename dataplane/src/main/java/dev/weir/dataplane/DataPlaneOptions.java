package dev.weir.dataplane;

import java.time.Duration;

/**
 * Bounds of the data plane.
 *
 * @param outside true lets pods reach hosts that are not of the mesh, also through CONNECT; otherwise they are refused
 */
public record DataPlaneOptions(Timeouts timeouts, Mirrors mirrors, Series series, boolean outside) {
    /**
     * How long to wait.
     *
     * @param header from a request's first byte until its headers are whole
     * @param idle for the next request on a connection
     * @param stream without a byte in either direction while a request is under way
     * @param mirror for the answer to a copy
     * @param drain for requests under way when a listener closes, and for clients to see that it does
     */
    public record Timeouts(Duration header, Duration idle, Duration stream, Duration mirror, Duration drain) {}

    /**
     * What copies may take; beyond it they are dropped and counted.
     *
     * @param inFlight copies under way at once
     * @param bodyBytes of one copied body
     * @param totalBytes of all copied bodies that are held at once
     */
    public record Mirrors(int inFlight, int bodyBytes, long totalBytes) {}

    /**
     * What the metrics may take.
     *
     * @param most label sets; beyond it workloads are counted as {@code other}
     * @param retention how long series of workloads that are gone are still shown
     */
    public record Series(int most, Duration retention) {}

    public static DataPlaneOptions standard() {
        return new DataPlaneOptions(
                new Timeouts(
                        Duration.ofSeconds(10),
                        Duration.ofMinutes(10),
                        Duration.ofMinutes(5),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(10)),
                new Mirrors(1024, 1 << 20, 32L << 20),
                new Series(4000, Duration.ofMinutes(10)),
                false);
    }

    public DataPlaneOptions with(Timeouts other) {
        return new DataPlaneOptions(other, mirrors, series, outside);
    }

    public DataPlaneOptions with(Mirrors other) {
        return new DataPlaneOptions(timeouts, other, series, outside);
    }

    public DataPlaneOptions with(Series other) {
        return new DataPlaneOptions(timeouts, mirrors, other, outside);
    }

    public DataPlaneOptions withOutside(boolean allowed) {
        return new DataPlaneOptions(timeouts, mirrors, series, allowed);
    }
}
