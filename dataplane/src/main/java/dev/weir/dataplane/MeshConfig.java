package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;

/**
 * The Kubernetes objects that say how requests go.
 *
 * @param gateways {@code networking.istio.io} Gateways
 * @param destinationRules of which subsets are read
 * @param boundAddresses where {@code podIP:port} really listens, where that differs
 */
public record MeshConfig(
        List<JsonNode> services,
        List<JsonNode> endpointSlices,
        List<JsonNode> pods,
        List<JsonNode> virtualServices,
        List<JsonNode> gateways,
        List<JsonNode> destinationRules,
        Map<String, InetSocketAddress> boundAddresses) {
    public static final MeshConfig EMPTY =
            new MeshConfig(List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), Map.of());
}
