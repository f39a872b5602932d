package dev.weir.apiserver;

import dev.weir.apiserver.auth.User;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.List;
import java.util.Map;

/** Servers and clients as tests need them. */
final class TestServers {
    static final String TOKEN = "t";

    private TestServers() {}

    /** Options of a server that knows one user, a master. */
    static ApiServerOptions options() {
        return ApiServerOptions.loopback(Map.of(TOKEN, new User("admin", "", List.of("system:masters"))));
    }

    /** An unmodified client library; close it. */
    static KubernetesClient client(ApiServer server) {
        Config config = Config.fromKubeconfig(server.kubeconfig("test", TOKEN));
        config.setWatchReconnectInterval(50);
        return new KubernetesClientBuilder().withConfig(config).build();
    }
}
