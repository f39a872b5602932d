package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.discovery.v1.Endpoint;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointPort;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointPortBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSliceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Lists the pods behind each Service in slices: one for each set of port numbers. */
final class EndpointSliceController {
    static final String SERVICE = "kubernetes.io/service-name";
    private static final String MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
    private static final String SELF = "endpointslice-controller.k8s.io";

    private final KubernetesClient client;
    private final Indexer<Service> services;
    private final Indexer<Pod> pods;
    private final Indexer<EndpointSlice> slices;

    EndpointSliceController(
            KubernetesClient client, Indexer<Service> services, Indexer<Pod> pods, Indexer<EndpointSlice> slices) {
        this.client = client;
        this.services = services;
        this.pods = pods;
        this.slices = slices;
    }

    void reconcile(String key) {
        Service service = services.getByKey(key);
        if (service == null
                || service.getMetadata().getDeletionTimestamp() != null
                || !ServicePorts.hasSelector(service)) {
            return;
        }
        Map<List<ServicePorts.Port>, List<Pod>> groups = ServicePorts.groups(service, pods.list());
        Map<String, EndpointSlice> wanted = new HashMap<>();
        if (groups.isEmpty()) {
            EndpointSlice empty = slice(service, List.of(), List.of());
            wanted.put(empty.getMetadata().getName(), empty);
        }
        groups.forEach((ports, serving) -> {
            EndpointSlice slice = slice(service, ports, serving);
            wanted.put(slice.getMetadata().getName(), slice);
        });
        for (EndpointSlice present : slices.list()) {
            if (!service.getMetadata()
                    .getNamespace()
                    .equals(present.getMetadata().getNamespace())) {
                continue;
            }
            Map<String, String> labels = present.getMetadata().getLabels();
            boolean ours = labels != null
                    && service.getMetadata().getName().equals(labels.get(SERVICE))
                    && SELF.equals(labels.get(MANAGED_BY));
            EndpointSlice next = wanted.remove(present.getMetadata().getName());
            if (ours && next == null) {
                client.resource(present).delete();
            } else if (next != null && !same(present, next)) {
                client.resource(new EndpointSliceBuilder(present)
                                .withEndpoints(next.getEndpoints())
                                .withPorts(next.getPorts())
                                .build())
                        .update();
            }
        }
        wanted.values().forEach(slice -> client.resource(slice).create());
    }

    private static EndpointSlice slice(Service service, List<ServicePorts.Port> ports, List<Pod> serving) {
        String name = service.getMetadata().getName();
        return new EndpointSliceBuilder()
                .withNewMetadata()
                .withName(name + "-" + Integer.toHexString(ports.hashCode()))
                .withNamespace(service.getMetadata().getNamespace())
                .withLabels(service.getMetadata().getLabels())
                .addToLabels(Map.of(SERVICE, name, MANAGED_BY, SELF))
                .withOwnerReferences(Owners.reference(service))
                .endMetadata()
                .withAddressType("IPv4")
                .withEndpoints(
                        serving.stream().map(pod -> endpoint(service, pod)).toList())
                .withPorts(ports.stream().map(EndpointSliceController::port).toList())
                .build();
    }

    private static EndpointPort port(ServicePorts.Port port) {
        return new EndpointPortBuilder()
                .withName(port.name())
                .withProtocol(port.protocol())
                .withPort(port.number())
                .build();
    }

    private static boolean same(EndpointSlice a, EndpointSlice b) {
        return given(a.getEndpoints()).equals(given(b.getEndpoints()))
                && given(a.getPorts()).equals(given(b.getPorts()));
    }

    /** The API server says null for none. */
    private static <T> List<T> given(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    private static Endpoint endpoint(Service service, Pod pod) {
        boolean terminating = pod.getMetadata().getDeletionTimestamp() != null;
        boolean serving = ServicePorts.ready(service, pod);
        return new EndpointBuilder()
                .withAddresses(pod.getStatus().getPodIP())
                .withNewConditions()
                .withReady(serving && !terminating)
                .withServing(serving)
                .withTerminating(terminating)
                .endConditions()
                .withHostname(ServicePorts.hostname(service, pod))
                .withNodeName(pod.getSpec().getNodeName())
                .withNewTargetRef()
                .withKind("Pod")
                .withName(pod.getMetadata().getName())
                .withNamespace(pod.getMetadata().getNamespace())
                .withUid(pod.getMetadata().getUid())
                .endTargetRef()
                .build();
    }
}
