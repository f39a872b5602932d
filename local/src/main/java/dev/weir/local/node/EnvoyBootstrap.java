package dev.weir.local.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Objects;

/**
 * What an Envoy begins with: who it is, and where istiod tells it everything else.
 *
 * @param role whether it serves one pod's requests or is a gateway
 * @param address the pod's
 * @param labels the pod's, by which Gateways and Sidecars select it
 * @param xds where istiod serves its configuration in plain text
 */
public record EnvoyBootstrap(
        Role role, String namespace, String pod, String address, Map<String, String> labels, InetSocketAddress xds) {
    /**
     * Where the pod's processes find the sidecar, on 127.0.0.1: it takes requests for any host's port 80 there, also with
     * absolute targets. Only for that port does istiod route hosts of VirtualServices that are no Services.
     */
    public static final int PROXY_PORT = 80;

    /** Where its statistics are, at {@code /stats/prometheus}; it accepts there once it has its first configuration. */
    public static final int STATISTICS_PORT = 15090;

    private static final YAMLMapper YAML = new YAMLMapper();
    private static final String DOMAIN = "svc.cluster.local";

    /** What istiod takes it for. */
    public enum Role {
        SIDECAR("sidecar"),
        ROUTER("router");

        private final String text;

        Role(String text) {
            this.text = text;
        }
    }

    /** The file's content, as JSON. */
    public String json() {
        JsonNode bootstrap;
        try (InputStream in = Objects.requireNonNull(
                EnvoyBootstrap.class.getResourceAsStream("/envoy-bootstrap.yaml"), "envoy-bootstrap.yaml")) {
            bootstrap = YAML.readTree(in);
        } catch (IOException broken) {
            throw new java.io.UncheckedIOException(broken);
        }
        ObjectNode node = (ObjectNode) bootstrap.path("node");
        node.put("id", role.text + "~" + address + "~" + pod + "." + namespace + "~" + namespace + "." + DOMAIN);
        node.put("cluster", labels.getOrDefault("app", pod) + "." + namespace);
        ObjectNode metadata = node.putObject("metadata");
        metadata.put("NAMESPACE", namespace)
                .put("NAME", pod)
                .put("CLUSTER_ID", "Kubernetes")
                .put("INTERCEPTION_MODE", "NONE");
        ObjectNode all = metadata.putObject("LABELS");
        new java.util.TreeMap<>(labels).forEach(all::put);
        JsonNode resources = bootstrap.path("static_resources");
        String endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        ((ObjectNode) resources.path("clusters").path(0).at(endpoint))
                .put("address", xds.getHostString())
                .put("port_value", xds.getPort());
        for (JsonNode listener : resources.path("listeners")) {
            ((ObjectNode) listener.at("/address/socket_address")).put("address", address);
        }
        return bootstrap.toPrettyString();
    }
}
