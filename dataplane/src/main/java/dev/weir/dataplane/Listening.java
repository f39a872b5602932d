package dev.weir.dataplane;

/** Where a connection came in: as the proxy of one pod, or at a gateway's port. */
sealed interface Listening {
    /** Who sends, for metrics and matches. */
    Workload caller();

    /** The outbound proxy of a pod. */
    record Sidecar(Workload caller) implements Listening {}

    /** @param port the one that Gateways name, wherever it is bound */
    record Gateway(Workload caller, int port) implements Listening {}
}
