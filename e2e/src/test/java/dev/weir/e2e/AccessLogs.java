package dev.weir.e2e;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The access lines of all pods that ever were in a namespace, those that are gone included. */
final class AccessLogs implements AutoCloseable {
    private final Path folder;
    private final Map<String, String> apps = new ConcurrentHashMap<>();
    private final SharedIndexInformer<Pod> pods;

    /** @param folder where the node keeps pods' files */
    AccessLogs(KubernetesClient client, String namespace, Path folder) {
        this.folder = folder;
        this.pods = client.pods().inNamespace(namespace).inform(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                apps.put(
                        pod.getMetadata().getUid(),
                        pod.getMetadata().getLabels().getOrDefault("app", ""));
            }

            @Override
            public void onUpdate(Pod before, Pod after) {
                // a pod's version never changes
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                // its lines still count
            }
        });
    }

    /** How many requests of a client the pods of a version have logged. */
    long count(String version, String client) {
        return apps.entrySet().stream()
                .filter(pod -> pod.getValue().equals(version))
                .mapToLong(pod -> lines(folder.resolve(pod.getKey()), "?client=" + client + " HTTP"))
                .sum();
    }

    private static long lines(Path pod, String marked) {
        if (!Files.isDirectory(pod)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(pod)) {
            return files.filter(file -> file.toString().endsWith(".log"))
                    .mapToLong(file -> containing(file, marked))
                    .sum();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static long containing(Path file, String marked) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.contains(marked)).count();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    @Override
    public void close() {
        pods.close();
    }
}
