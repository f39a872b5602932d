package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.ApiServer;
import dev.weir.apiserver.ApiServerOptions;
import dev.weir.apiserver.auth.User;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The definitions that local mode brings pass the checks that its start leaves out. */
class BundledDefinitionsTest {
    @Test
    void theirRulesAreSoundAndCheapEnough() throws Exception {
        Map<String, User> tokens = Map.of("t", new User("admin", "", List.of("system:masters")));
        try (ApiServer server = ApiServer.start(ApiServerOptions.loopback(tokens));
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(Config.fromKubeconfig(server.kubeconfig("test", "t")))
                        .build()) {
            List<JsonNode> definitions = Installation.definitions();
            Installation.install(client, definitions);
            Installation.installReleases(client, _ -> {});
            assertThat(client.apiextensions()
                            .v1()
                            .customResourceDefinitions()
                            .list()
                            .getItems())
                    .hasSizeGreaterThan(definitions.size());
        }
    }
}
