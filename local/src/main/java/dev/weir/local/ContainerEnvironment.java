package dev.weir.local;

import io.fabric8.kubernetes.api.model.ConfigMapKeySelector;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.SecretKeySelector;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The variables that a container's spec asks for. */
final class ContainerEnvironment {
    private final PodFields fields;
    private final ConfigSources sources;

    ContainerEnvironment(PodFields fields, ConfigSources sources) {
        this.fields = fields;
        this.sources = sources;
    }

    /**
     * The given variables and those of {@code envFrom} and {@code env}, later ones over earlier ones; a variable may
     * refer to those before it.
     *
     * @throws Misconfigured if a source that is not optional is missing
     */
    Map<String, String> resolve(Container container, Map<String, String> given) throws Misconfigured {
        Map<String, String> own = new LinkedHashMap<>();
        for (EnvFromSource from : container.getEnvFrom()) {
            String prefix = Objects.requireNonNullElse(from.getPrefix(), "");
            all(from).forEach((key, value) -> own.put(prefix + key, new String(value, StandardCharsets.UTF_8)));
        }
        for (EnvVar variable : container.getEnv()) {
            Optional<String> value = variable.getValueFrom() == null
                    ? Optional.of(Expansion.expand(Objects.requireNonNullElse(variable.getValue(), ""), own))
                    : value(variable.getValueFrom(), container);
            value.ifPresent(text -> own.put(variable.getName(), text));
        }
        Map<String, String> all = new HashMap<>(given);
        all.putAll(own);
        return all;
    }

    private Map<String, byte[]> all(EnvFromSource from) throws Misconfigured {
        if (from.getConfigMapRef() != null) {
            return sources.configMap(
                            from.getConfigMapRef().getName(),
                            from.getConfigMapRef().getOptional())
                    .orElse(Map.of());
        }
        if (from.getSecretRef() != null) {
            return sources.secret(
                            from.getSecretRef().getName(), from.getSecretRef().getOptional())
                    .orElse(Map.of());
        }
        return Map.of();
    }

    private Optional<String> value(EnvVarSource from, Container container) throws Misconfigured {
        if (from.getFieldRef() != null) {
            return Optional.of(fields.field(from.getFieldRef().getFieldPath()));
        }
        if (from.getResourceFieldRef() != null) {
            return Optional.of(fields.resource(container, from.getResourceFieldRef()));
        }
        if (from.getConfigMapKeyRef() != null) {
            ConfigMapKeySelector key = from.getConfigMapKeyRef();
            Optional<Map<String, byte[]>> map = sources.configMap(key.getName(), key.getOptional());
            return key(map.orElse(null), key.getKey(), "ConfigMap", key.getName(), key.getOptional());
        }
        if (from.getSecretKeyRef() != null) {
            SecretKeySelector key = from.getSecretKeyRef();
            Optional<Map<String, byte[]>> secret = sources.secret(key.getName(), key.getOptional());
            return key(secret.orElse(null), key.getKey(), "Secret", key.getName(), key.getOptional());
        }
        return Optional.empty();
    }

    private Optional<String> key(
            @Nullable Map<String, byte[]> all, String key, String kind, String name, @Nullable Boolean optional)
            throws Misconfigured {
        byte[] value = all == null ? null : all.get(key);
        if (value != null) {
            return Optional.of(new String(value, StandardCharsets.UTF_8));
        }
        if (Boolean.TRUE.equals(optional)) {
            return Optional.empty();
        }
        throw new Misconfigured("couldn't find key " + key + " in " + kind + " "
                + fields.pod().getMetadata().getNamespace() + "/" + name);
    }
}
