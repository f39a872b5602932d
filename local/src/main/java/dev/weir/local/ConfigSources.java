package dev.weir.local;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What volumes and variables of one namespace come from: ConfigMaps and Secrets key by key, claims. */
final class ConfigSources {
    private final KubernetesClient client;
    private final String namespace;

    ConfigSources(KubernetesClient client, String namespace) {
        this.client = client;
        this.namespace = namespace;
    }

    /**
     * All keys of a ConfigMap.
     *
     * @return empty if it does not exist and need not
     * @throws Misconfigured if it does not exist and has to
     */
    Optional<Map<String, byte[]>> configMap(String name, @Nullable Boolean optional) throws Misconfigured {
        ConfigMap map =
                client.configMaps().inNamespace(namespace).withName(name).get();
        if (map == null) {
            return missing("configmap", name, optional);
        }
        Map<String, byte[]> all = new TreeMap<>();
        if (map.getData() != null) {
            map.getData().forEach((key, value) -> all.put(key, value.getBytes(StandardCharsets.UTF_8)));
        }
        decode(map.getBinaryData(), all);
        return Optional.of(all);
    }

    /** All keys of a Secret; as {@link #configMap}. */
    Optional<Map<String, byte[]>> secret(String name, @Nullable Boolean optional) throws Misconfigured {
        Secret secret = client.secrets().inNamespace(namespace).withName(name).get();
        if (secret == null) {
            return missing("secret", name, optional);
        }
        Map<String, byte[]> all = new TreeMap<>();
        decode(secret.getData(), all);
        return Optional.of(all);
    }

    /** @throws Misconfigured if there is no such claim */
    void mustHaveClaim(String name) throws Misconfigured {
        if (client.persistentVolumeClaims()
                        .inNamespace(namespace)
                        .withName(name)
                        .get()
                == null) {
            throw new Misconfigured("persistentvolumeclaim \"" + name + "\" not found");
        }
    }

    private static void decode(@Nullable Map<String, String> encoded, Map<String, byte[]> all) {
        if (encoded != null) {
            encoded.forEach((key, value) -> all.put(key, Base64.getDecoder().decode(value)));
        }
    }

    private static Optional<Map<String, byte[]>> missing(String kind, String name, @Nullable Boolean optional)
            throws Misconfigured {
        if (Boolean.TRUE.equals(optional)) {
            return Optional.empty();
        }
        throw new Misconfigured(kind + " \"" + name + "\" not found");
    }
}
