package dev.weir.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.MeshConfig;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Watches the objects that the data plane obeys and hands it a new configuration at every change. */
final class DataPlaneFeed implements AutoCloseable {
    /** Where a pod's ports really listen, where that differs: JSON from port to address:port. */
    static final String BOUND_PORTS = "local.weir.dev/bound-ports";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final DataPlane dataPlane;
    private final KeyQueue queue = new KeyQueue("dataplane", KeyQueue.Work.once(_ -> update()));
    private final Map<String, SharedIndexInformer<? extends HasMetadata>> informers = new HashMap<>();

    /** The watches that nobody else needs. */
    private final List<SharedIndexInformer<?>> own = new ArrayList<>();

    DataPlaneFeed(KubernetesClient client, SharedCaches caches, DataPlane dataPlane) {
        this.dataPlane = dataPlane;
        add("services", caches.services());
        add("slices", caches.slices());
        add("pods", caches.pods());
        for (String kind : List.of("VirtualService", "Gateway", "DestinationRule")) {
            String plural = kind.toLowerCase(Locale.ROOT) + "s";
            var informer = client.genericKubernetesResources(istio(kind, plural))
                    .inAnyNamespace()
                    .runnableInformer(0);
            own.add(informer);
            add(plural, informer);
        }
    }

    private static ResourceDefinitionContext istio(String kind, String plural) {
        return new ResourceDefinitionContext.Builder()
                .withGroup("networking.istio.io")
                .withVersion("v1")
                .withKind(kind)
                .withPlural(plural)
                .withNamespaced(true)
                .build();
    }

    private <T extends HasMetadata> void add(String name, SharedIndexInformer<T> informer) {
        informers.put(name, informer);
        Controllers.on(informer, _ -> queue.add("all"));
    }

    /** Begins to watch; the definitions of Istio's kinds must be there. Returns at once. */
    void start() {
        own.forEach(SharedIndexInformer::start);
    }

    private void update() {
        Map<String, InetSocketAddress> bound = new HashMap<>();
        for (HasMetadata object : java.util.Objects.requireNonNull(informers.get("pods"))
                .getIndexer()
                .list()) {
            bound((Pod) object, bound);
        }
        dataPlane.update(new MeshConfig(
                json("services"),
                json("slices"),
                json("pods"),
                json("virtualservices"),
                json("gateways"),
                json("destinationrules"),
                bound));
    }

    private List<JsonNode> json(String name) {
        List<JsonNode> nodes = new ArrayList<>();
        for (HasMetadata object : java.util.Objects.requireNonNull(informers.get(name))
                .getIndexer()
                .list()) {
            nodes.add(JSON.valueToTree(object));
        }
        return nodes;
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
