package dev.weir.cli.cluster;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tells local mode from other clusters. It listens on loopback and says what it is; a tunnel only does the first. */
public final class LocalCluster {
    private LocalCluster() {}

    public static boolean isLocalMode(KubernetesClient client) {
        return description(client).isPresent();
    }

    /** The data plane's page of statistics; empty on any other cluster. */
    static Optional<URI> statistics(KubernetesClient client) {
        return description(client)
                .map(ConfigMap::getData)
                .map(data -> data.get("statistics"))
                .map(URI::create)
                .filter(page -> isLoopback(page.getHost()));
    }

    private static Optional<ConfigMap> description(KubernetesClient client) {
        try {
            return isLoopback(
                            URI.create(client.getConfiguration().getMasterUrl()).getHost())
                    ? Optional.ofNullable(client.configMaps()
                            .inNamespace("kube-public")
                            .withName("weir-local")
                            .get())
                    : Optional.empty();
        } catch (KubernetesClientException unknown) {
            return Optional.empty();
        }
    }

    private static boolean isLoopback(@Nullable String host) {
        try {
            return host != null && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException unknown) {
            return false;
        }
    }
}
