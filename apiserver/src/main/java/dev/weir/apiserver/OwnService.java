package dev.weir.apiserver;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.store.VersionedStore;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.UUID;

/** The Service {@code kubernetes} in the namespace {@code default}, with its endpoints: where this server listens. */
final class OwnService {
    private static final String NAME = "kubernetes";
    private static final String NAMESPACE = "default";
    private static final String ADDRESS = "10.96.0.1";
    private static final int PORT = 443;

    private OwnService() {}

    /** Writes what is absent or says something else. */
    static void publish(VersionedStore store, InetSocketAddress listens) {
        put(store, "services", service(listens.getPort()));
        put(store, "endpoints", endpoints(listens));
        put(store, "endpointslices.discovery.k8s.io", slice(listens));
    }

    private static void put(VersionedStore store, String resource, ObjectNode wanted) {
        VersionedStore.Key key = new VersionedStore.Key(resource, NAMESPACE, NAME);
        Optional<VersionedStore.Entry> present = store.get(key);
        if (present.isEmpty()) {
            store.create(key, wanted);
            return;
        }
        ObjectNode next = present.get().object().deepCopy();
        wanted.properties().forEach(entry -> {
            if (!entry.getKey().equals("metadata")) {
                next.set(entry.getKey(), entry.getValue());
            }
        });
        if (!Json.same(next, present.get().object())) {
            // who writes it at the same time writes the same
            store.replace(key, present.get().revision(), next);
        }
    }

    private static ObjectNode object(String apiVersion, String kind) {
        ObjectNode object = Json.MAPPER.createObjectNode();
        object.put("apiVersion", apiVersion).put("kind", kind);
        object.putObject("metadata")
                .put("name", NAME)
                .put("namespace", NAMESPACE)
                .put("uid", UUID.randomUUID().toString())
                .put(
                        "creationTimestamp",
                        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        return object;
    }

    private static ObjectNode service(int target) {
        ObjectNode service = object("v1", "Service");
        service.withObject("/metadata")
                .putObject("labels")
                .put("component", "apiserver")
                .put("provider", "kubernetes");
        ObjectNode spec = service.putObject("spec");
        spec.putArray("ports")
                .addObject()
                .put("name", "https")
                .put("protocol", "TCP")
                .put("port", PORT)
                .put("targetPort", target);
        spec.put("clusterIP", ADDRESS).putArray("clusterIPs").add(ADDRESS);
        spec.put("type", "ClusterIP").put("sessionAffinity", "None");
        spec.putArray("ipFamilies").add("IPv4");
        spec.put("ipFamilyPolicy", "SingleStack").put("internalTrafficPolicy", "Cluster");
        service.putObject("status").putObject("loadBalancer");
        return service;
    }

    private static ObjectNode endpoints(InetSocketAddress listens) {
        ObjectNode endpoints = object("v1", "Endpoints");
        // other controllers leave these endpoints alone, as they do on a cluster
        endpoints.withObject("/metadata").putObject("labels").put("endpointslice.kubernetes.io/skip-mirror", "true");
        ObjectNode subset = endpoints.putArray("subsets").addObject();
        subset.putArray("addresses").addObject().put("ip", listens.getAddress().getHostAddress());
        subset.putArray("ports")
                .addObject()
                .put("name", "https")
                .put("port", listens.getPort())
                .put("protocol", "TCP");
        return endpoints;
    }

    private static ObjectNode slice(InetSocketAddress listens) {
        ObjectNode slice = object("discovery.k8s.io/v1", "EndpointSlice");
        slice.withObject("/metadata").put("generation", 1).putObject("labels").put("kubernetes.io/service-name", NAME);
        slice.put("addressType", "IPv4");
        ObjectNode endpoint = slice.putArray("endpoints").addObject();
        endpoint.putArray("addresses").add(listens.getAddress().getHostAddress());
        endpoint.putObject("conditions").put("ready", true);
        slice.putArray("ports")
                .addObject()
                .put("name", "https")
                .put("protocol", "TCP")
                .put("port", listens.getPort());
        return slice;
    }
}
