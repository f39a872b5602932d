package dev.weir.local.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetSocketAddress;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EnvoyBootstrapTest {
    private static JsonNode bootstrap(EnvoyBootstrap.Role role) throws Exception {
        return new ObjectMapper()
                .readTree(new EnvoyBootstrap(
                                role,
                                "shop",
                                "sleep-1",
                                "10.0.1.5",
                                Map.of("app", "sleep", "note", "say \"hi\""),
                                new InetSocketAddress("10.0.0.1", 15010))
                        .json());
    }

    @Test
    void istiodIsToldWhoseSidecarItIs() throws Exception {
        JsonNode bootstrap = bootstrap(EnvoyBootstrap.Role.SIDECAR);
        JsonNode node = bootstrap.path("node");
        assertThat(node.path("id").asText()).isEqualTo("sidecar~10.0.1.5~sleep-1.shop~shop.svc.cluster.local");
        assertThat(node.at("/metadata/NAMESPACE").asText()).isEqualTo("shop");
        assertThat(node.at("/metadata/INTERCEPTION_MODE").asText()).isEqualTo("NONE");
        assertThat(node.at("/metadata/LABELS/note").asText()).isEqualTo("say \"hi\"");
        assertThat(bootstrap(EnvoyBootstrap.Role.ROUTER).at("/node/id").asText())
                .startsWith("router~");
    }

    @Test
    void itAsksIstiodAndShowsItsStatisticsAtThePodsAddress() throws Exception {
        JsonNode resources = bootstrap(EnvoyBootstrap.Role.SIDECAR).path("static_resources");
        JsonNode xds = resources.path("clusters").path(0);
        String socket = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        assertThat(xds.path("name").asText()).isEqualTo("xds-grpc");
        assertThat(xds.at(socket + "/address").asText()).isEqualTo("10.0.0.1");
        assertThat(xds.at(socket + "/port_value").asInt()).isEqualTo(15010);
        JsonNode statistics = resources.path("listeners").path(0).at("/address/socket_address");
        assertThat(statistics.path("address").asText()).isEqualTo("10.0.1.5");
        assertThat(statistics.path("port_value").asInt()).isEqualTo(EnvoyBootstrap.STATISTICS_PORT);
    }
}
