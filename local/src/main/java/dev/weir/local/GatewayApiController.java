package dev.weir.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.GatewayPorts;
import dev.weir.dataplane.MeshConfig;
import dev.weir.dataplane.ObjectStatus;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Opens the Gateways of Gateway API and writes what becomes of its objects into their statuses, if it has changed. */
final class GatewayApiController implements AutoCloseable {
    /** What istiod calls itself. */
    static final String CONTROLLER = "istio.io/gateway-controller";

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Somebody else was faster, or the object is gone; the event of that calls again. */
    private static final Set<Integer> OVERTAKEN = Set.of(404, 409);

    private final KubernetesClient client;
    private final DataPlane dataPlane;
    private final GatewayAddresses addresses;
    private final Path list;
    private final Clock clock;
    private final KeyQueue queue = new KeyQueue("gatewayapi", KeyQueue.Work.once(_ -> reconcile()));
    private volatile MeshConfig config = MeshConfig.EMPTY;
    /** What the file says; at the start that of an earlier local mode. */
    private String listed = "unknown";

    /** @param list a file that names the open Gateways for {@code weir local status} */
    GatewayApiController(
            KubernetesClient client, DataPlane dataPlane, GatewayAddresses addresses, Path list, Clock clock) {
        this.client = client;
        this.dataPlane = dataPlane;
        this.addresses = addresses;
        this.list = list;
        this.clock = clock;
    }

    /** The data plane has taken a configuration. */
    void changed(MeshConfig inForce) {
        config = inForce;
        queue.add("all");
    }

    private void reconcile() {
        MeshConfig seen = config;
        List<GatewayPorts> gateways = dataPlane.gateways();
        Map<String, Map<Integer, InetSocketAddress>> bound = addresses.open(gateways);
        list(gateways, bound);
        for (ObjectStatus status : dataPlane.statuses(bound)) {
            seen.of(status.kind()).stream()
                    .filter(object -> is(object, status))
                    .findFirst()
                    .ifPresent(object -> write(object, status));
        }
    }

    private static boolean is(JsonNode object, ObjectStatus status) {
        JsonNode metadata = object.path("metadata");
        return metadata.path("name").asText().equals(status.name())
                && metadata.path("namespace").asText("").equals(status.namespace());
    }

    private void write(JsonNode object, ObjectStatus wanted) {
        Optional<ObjectNode> next =
                StatusMerge.merge(object.path("status"), wanted.status(), CONTROLLER, clock.instant());
        if (next.isEmpty()) {
            return;
        }
        for (String field : Set.of("addresses")) {
            if (object.path("status").has(field) && !next.get().has(field)) {
                next.get().putNull(field);
            }
        }
        ObjectNode patch = JSON.createObjectNode();
        patch.putObject("metadata")
                .put(
                        "resourceVersion",
                        object.path("metadata").path("resourceVersion").asText());
        patch.set("status", next.get());
        try {
            resource(wanted).subresource("status").patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
        } catch (KubernetesClientException refused) {
            if (!OVERTAKEN.contains(refused.getCode())) {
                throw refused;
            }
        }
    }

    private Resource<GenericKubernetesResource> resource(ObjectStatus status) {
        var kind = client.genericKubernetesResources(DataPlaneFeed.definition(status.kind()));
        return status.namespace().isEmpty()
                ? kind.withName(status.name())
                : kind.inNamespace(status.namespace()).withName(status.name());
    }

    private void list(List<GatewayPorts> gateways, Map<String, Map<Integer, InetSocketAddress>> bound) {
        Map<String, String> lines = new TreeMap<>();
        for (GatewayPorts gateway : gateways) {
            lines.put(
                    gateway.key(),
                    bound.getOrDefault(gateway.key(), Map.of()).entrySet().stream()
                            .map(port -> (gateway.secure().contains(port.getKey()) ? "https://" : "http://")
                                    + port.getValue().getAddress().getHostAddress() + ":"
                                    + port.getValue().getPort())
                            .collect(Collectors.joining(" ")));
        }
        String text = lines.entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue() + "\n")
                .collect(Collectors.joining());
        if (!text.equals(listed)) {
            try {
                Files.writeString(list, text);
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
            listed = text;
        }
    }

    @Override
    public void close() {
        queue.close();
        addresses.close();
        try {
            Files.deleteIfExists(list);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
