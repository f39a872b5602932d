package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.function.BinaryOperator;

/** Makes kubeconfigs for the users of pods: of a user's name and token, for one API server. */
final class PodKubeconfig {
    private static final ObjectMapper JSON = new ObjectMapper();

    private PodKubeconfig() {}

    /** @throws IOException if the authority's file cannot be read */
    static BinaryOperator<String> of(Config config) throws IOException {
        String server = config.getMasterUrl();
        String authority = config.getCaCertData() != null
                ? config.getCaCertData()
                : config.getCaCertFile() == null
                        ? ""
                        : Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(config.getCaCertFile())));
        return (user, token) -> text(server, authority, user, token);
    }

    private static String text(String server, String authority, String user, String token) {
        ObjectNode config = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Config");
        ObjectNode cluster =
                config.putArray("clusters").addObject().put("name", "cluster").putObject("cluster");
        cluster.put("server", server);
        if (!authority.isEmpty()) {
            cluster.put("certificate-authority-data", authority);
        }
        config.putArray("users").addObject().put("name", user).putObject("user").put("token", token);
        config.putArray("contexts")
                .addObject()
                .put("name", "pod")
                .putObject("context")
                .put("cluster", "cluster")
                .put("user", user);
        return config.put("current-context", "pod").toPrettyString();
    }
}
