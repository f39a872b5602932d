package dev.weir.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.MeshConfig;
import dev.weir.dataplane.MeshConfig.Kind;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** Watches the objects that the data plane obeys and hands it a new configuration at every change. */
final class DataPlaneFeed implements AutoCloseable {
    /** Where a pod's ports really listen, where that differs: JSON from port to address:port. */
    static final String BOUND_PORTS = "local.weir.dev/bound-ports";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final DataPlane dataPlane;
    private final Consumer<MeshConfig> taken;
    private final KeyQueue queue = new KeyQueue("dataplane", KeyQueue.Work.once(_ -> update()));
    private final Map<Kind, SharedIndexInformer<? extends HasMetadata>> informers = new EnumMap<>(Kind.class);

    /** The watches that nobody else needs. */
    private final List<SharedIndexInformer<?>> own = new ArrayList<>();

    /** @param taken is told of each configuration that the data plane has taken */
    DataPlaneFeed(KubernetesClient client, SharedCaches caches, DataPlane dataPlane, Consumer<MeshConfig> taken) {
        this.dataPlane = dataPlane;
        this.taken = taken;
        add(Kind.SERVICE, caches.services());
        add(Kind.ENDPOINT_SLICE, caches.slices());
        add(Kind.POD, caches.pods());
        add(Kind.NAMESPACE, caches.namespaces());
        var certificates = client.secrets()
                .inAnyNamespace()
                .withField("type", "kubernetes.io/tls")
                .runnableInformer(0);
        own.add(certificates);
        add(Kind.SECRET, certificates);
        for (Kind kind : Kind.values()) {
            if (!informers.containsKey(kind)) {
                var informer = client.genericKubernetesResources(definition(kind))
                        .inAnyNamespace()
                        .runnableInformer(0);
                // a definition that is not there may come later
                informer.exceptionHandler((_, _) -> true);
                own.add(informer);
                add(kind, informer);
            }
        }
    }

    static ResourceDefinitionContext definition(Kind kind) {
        String singular = kind.kind().toLowerCase(Locale.ROOT);
        return new ResourceDefinitionContext.Builder()
                .withGroup(kind.group())
                .withVersion(kind.version())
                .withKind(kind.kind())
                .withPlural(singular + (singular.endsWith("s") ? "es" : "s"))
                .withNamespaced(kind != Kind.GATEWAY_CLASS)
                .build();
    }

    private <T extends HasMetadata> void add(Kind kind, SharedIndexInformer<T> informer) {
        informers.put(kind, informer);
        Controllers.on(informer, _ -> queue.add("all"));
    }

    /** Begins to watch. Returns at once. */
    void start() {
        own.forEach(SharedIndexInformer::start);
    }

    private void update() {
        Map<String, InetSocketAddress> bound = new HashMap<>();
        Map<Kind, List<JsonNode>> objects = new EnumMap<>(Kind.class);
        informers.forEach((kind, informer) -> {
            List<JsonNode> nodes = new ArrayList<>();
            for (HasMetadata object : informer.getIndexer().list()) {
                nodes.add(JSON.valueToTree(object));
                if (object instanceof Pod pod) {
                    bound(pod, bound);
                }
            }
            objects.put(kind, nodes);
        });
        MeshConfig config = new MeshConfig(objects, bound);
        dataPlane.update(config);
        taken.accept(config);
    }

    private static void bound(Pod pod, Map<String, InetSocketAddress> bound) {
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        String text = annotations == null ? null : annotations.get(BOUND_PORTS);
        if (text == null || pod.getStatus() == null || pod.getStatus().getPodIP() == null) {
            return;
        }
        try {
            JSON.readTree(text).properties().forEach(entry -> {
                String at = entry.getValue().asText();
                int colon = at.lastIndexOf(':');
                bound.put(
                        pod.getStatus().getPodIP() + ":" + entry.getKey(),
                        new InetSocketAddress(at.substring(0, colon), Integer.parseInt(at.substring(colon + 1))));
            });
        } catch (JsonProcessingException | RuntimeException malformed) {
            // somebody wrote the annotation by hand; the pod is then reached at its plain address
            return;
        }
    }

    @Override
    public void close() {
        queue.close();
        own.forEach(SharedIndexInformer::close);
    }
}
