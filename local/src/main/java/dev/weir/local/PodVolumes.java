package dev.weir.local;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;

/** A pod's volumes as folders on the host, since its processes see the host's files. */
final class PodVolumes {
    private final KubernetesClient client;
    private final Pod pod;
    private final Path folder;

    PodVolumes(KubernetesClient client, Pod pod, Path folder) {
        this.client = client;
        this.pod = pod;
        this.folder = folder;
    }

    /** Writes the files of ConfigMaps and Secrets. */
    void write() throws IOException {
        Files.createDirectories(folder);
        for (Volume volume : pod.getSpec().getVolumes()) {
            Path at = Files.createDirectories(folder.resolve("volumes").resolve(volume.getName()));
            String namespace = pod.getMetadata().getNamespace();
            if (volume.getConfigMap() != null) {
                ConfigMap map = client.configMaps()
                        .inNamespace(namespace)
                        .withName(volume.getConfigMap().getName())
                        .require();
                for (Map.Entry<String, String> file : map.getData().entrySet()) {
                    Files.writeString(at.resolve(safe(file.getKey())), file.getValue(), StandardCharsets.UTF_8);
                }
            } else if (volume.getSecret() != null) {
                Secret secret = client.secrets()
                        .inNamespace(namespace)
                        .withName(volume.getSecret().getSecretName())
                        .require();
                for (Map.Entry<String, String> file : secret.getData().entrySet()) {
                    Files.write(
                            at.resolve(safe(file.getKey())), Base64.getDecoder().decode(file.getValue()));
                }
            }
        }
    }

    private static String safe(String key) throws IOException {
        if (key.contains("/") || key.equals("..")) {
            throw new IOException("file name '" + key + "' is not allowed");
        }
        return key;
    }

    /** The folder that stands for the container's working directory: the volume mounted there, or the pod's own. */
    Path workingDirectory(Container container) {
        String wanted = container.getWorkingDir();
        for (VolumeMount mount : container.getVolumeMounts()) {
            if (mount.getMountPath().equals(wanted)) {
                return folder.resolve("volumes").resolve(mount.getName());
            }
        }
        return folder;
    }
}
