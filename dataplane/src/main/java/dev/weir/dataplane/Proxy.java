package dev.weir.dataplane;

import java.util.function.Supplier;

/** What all client connections share. */
record Proxy(
        Supplier<RouteTable> table,
        UpstreamPool pool,
        Mirroring mirroring,
        Metrics metrics,
        DataPlaneOptions options) {}
