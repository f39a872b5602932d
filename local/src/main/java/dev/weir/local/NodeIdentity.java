package dev.weir.local;

import java.util.Map;

/**
 * Who a node is.
 *
 * @param address an IPv4 address where the API server and pods reach it
 */
record NodeIdentity(String name, String address) {
    /** The node of local mode. */
    static final NodeIdentity LOCAL = new NodeIdentity("weir-local", "127.0.0.1");

    /** The node's labels. */
    Map<String, String> labels() {
        return Map.of(
                "kubernetes.io/hostname", name, "kubernetes.io/os", "linux", "kubernetes.io/arch", architecture());
    }

    /** As Go names it. */
    static String architecture() {
        String name = System.getProperty("os.arch");
        return switch (name) {
            case "x86_64" -> "amd64";
            case "aarch64" -> "arm64";
            default -> name;
        };
    }
}
