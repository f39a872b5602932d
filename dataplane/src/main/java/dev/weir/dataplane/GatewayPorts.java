package dev.weir.dataplane;

import java.util.Set;

/**
 * What a Gateway of Gateway API wants opened.
 *
 * @param workload stands for the proxies that carry it
 * @param ports those of its listeners that can be served
 * @param secure those of them that are for TLS
 */
public record GatewayPorts(String namespace, String name, Workload workload, Set<Integer> ports, Set<Integer> secure) {
    /** {@code namespace/name}. */
    public String key() {
        return namespace + "/" + name;
    }
}
