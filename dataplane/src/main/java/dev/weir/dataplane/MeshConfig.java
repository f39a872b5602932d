package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;

/**
 * The Kubernetes objects that say how requests go.
 *
 * @param objects as the API server shows them, in any order; a kind that is not there has none
 * @param boundAddresses where {@code podIP:port} really listens, where that differs
 */
public record MeshConfig(Map<Kind, List<JsonNode>> objects, Map<String, InetSocketAddress> boundAddresses) {
    public static final MeshConfig EMPTY = new MeshConfig(Map.of(), Map.of());

    private static final String ISTIO = "networking.istio.io";
    private static final String GATEWAY_API = "gateway.networking.k8s.io";

    /** The kinds that are obeyed. */
    public enum Kind {
        SERVICE("", "v1", "Service"),
        ENDPOINT_SLICE("discovery.k8s.io", "v1", "EndpointSlice"),
        POD("", "v1", "Pod"),
        /** Of the type {@code kubernetes.io/tls}. */
        SECRET("", "v1", "Secret"),
        /** Whose labels Gateways select. */
        NAMESPACE("", "v1", "Namespace"),
        VIRTUAL_SERVICE(ISTIO, "v1", "VirtualService"),
        ISTIO_GATEWAY(ISTIO, "v1", "Gateway"),
        /** Of which subsets are read. */
        DESTINATION_RULE(ISTIO, "v1", "DestinationRule"),
        /** Gateways of classes that another controller serves are left alone. */
        GATEWAY_CLASS(GATEWAY_API, "v1", "GatewayClass"),
        GATEWAY(GATEWAY_API, "v1", "Gateway"),
        HTTP_ROUTE(GATEWAY_API, "v1", "HTTPRoute"),
        REFERENCE_GRANT(GATEWAY_API, "v1beta1", "ReferenceGrant");

        private final String group;
        private final String version;
        private final String kind;

        Kind(String group, String version, String kind) {
            this.group = group;
            this.version = version;
            this.kind = kind;
        }

        /** Empty for the core. */
        public String group() {
            return group;
        }

        public String version() {
            return version;
        }

        /** As objects say it. */
        public String kind() {
            return kind;
        }
    }

    /** The objects of a kind. */
    public List<JsonNode> of(Kind kind) {
        return objects.getOrDefault(kind, List.of());
    }
}
