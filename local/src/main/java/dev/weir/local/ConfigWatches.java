package dev.weir.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Watches of single ConfigMaps and Secrets, one for each however many pods follow it. Thread-safe. */
final class ConfigWatches implements AutoCloseable {
    private final KubernetesClient client;
    private final Map<Source, Watched> watched = new HashMap<>();
    private boolean closed;

    /** An object whose content pods follow. */
    record Source(String kind, String namespace, String name) {
        static Source configMap(String namespace, String name) {
            return new Source("ConfigMap", namespace, name);
        }

        static Source secret(String namespace, String name) {
            return new Source("Secret", namespace, name);
        }
    }

    private record Watched(SharedIndexInformer<?> informer, List<Runnable> followers) {}

    ConfigWatches(KubernetesClient client) {
        this.client = client;
    }

    /** Calls {@code changed} at every change of one of the objects, and once at first for those that exist, until closed. */
    AutoCloseable follow(Set<Source> sources, Runnable changed) {
        // the same call may come twice, each with an end of its own
        Runnable follower = () -> changed.run();
        sources.forEach(source -> add(source, follower));
        return () -> sources.forEach(source -> remove(source, follower));
    }

    private synchronized void add(Source source, Runnable follower) {
        if (closed) {
            return;
        }
        Watched present = watched.get(source);
        if (present == null) {
            SharedIndexInformer<? extends HasMetadata> informer = informer(source);
            watched.put(source, new Watched(informer, new ArrayList<>(List.of(follower))));
            Controllers.on(informer, _ -> changed(source));
            informer.start();
        } else {
            present.followers().add(follower);
            follower.run();
        }
    }

    private SharedIndexInformer<? extends HasMetadata> informer(Source source) {
        return source.kind().equals("Secret")
                ? informer(client.secrets().inNamespace(source.namespace()).withName(source.name()))
                : informer(client.configMaps().inNamespace(source.namespace()).withName(source.name()));
    }

    private static <T extends HasMetadata> SharedIndexInformer<T> informer(Resource<T> object) {
        SharedIndexInformer<T> informer = object.runnableInformer(0);
        informer.exceptionHandler((_, _) -> true);
        return informer;
    }

    private void changed(Source source) {
        List<Runnable> followers;
        synchronized (this) {
            Watched present = watched.get(source);
            followers = present == null ? List.of() : List.copyOf(present.followers());
        }
        followers.forEach(Runnable::run);
    }

    private synchronized void remove(Source source, Runnable follower) {
        Watched present = watched.get(source);
        if (present != null
                && present.followers().remove(follower)
                && present.followers().isEmpty()) {
            watched.remove(source);
            present.informer().close();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        watched.values().forEach(present -> present.informer().close());
        watched.clear();
    }
}
