package dev.weir.dataplane;

import java.util.Map;

/**
 * A pod as the proxy knows it: who calls, or who is called.
 *
 * @param workload the name of the Deployment that owns it, or of the pod itself
 */
public record Workload(String namespace, String pod, String workload, Map<String, String> labels) {
    /** A caller from outside the mesh. */
    public static final Workload UNKNOWN = new Workload("unknown", "unknown", "unknown", Map.of());

    /** Quick, since workloads are looked up with each request; few have the same name and other labels. */
    @Override
    public int hashCode() {
        return 31 * namespace.hashCode() + pod.hashCode();
    }

    String label(String name) {
        return labels.getOrDefault(name, "unknown");
    }
}
