package dev.weir.local;

import io.fabric8.kubernetes.api.model.EndpointAddress;
import io.fabric8.kubernetes.api.model.EndpointAddressBuilder;
import io.fabric8.kubernetes.api.model.EndpointPort;
import io.fabric8.kubernetes.api.model.EndpointSubset;
import io.fabric8.kubernetes.api.model.EndpointSubsetBuilder;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.EndpointsBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The older form of {@link EndpointSliceController}'s lists, which older clients still ask for. */
final class EndpointsController {
    private static final String MANAGED_BY = "endpoints.kubernetes.io/managed-by";
    private static final String SELF = "endpoint-controller";

    private final KubernetesClient client;
    private final Indexer<Service> services;
    private final Indexer<Pod> pods;

    EndpointsController(KubernetesClient client, Indexer<Service> services, Indexer<Pod> pods) {
        this.client = client;
        this.services = services;
        this.pods = pods;
    }

    void reconcile(String key) {
        int slash = key.indexOf('/');
        var operation = client.endpoints().inNamespace(key.substring(0, slash)).withName(key.substring(slash + 1));
        Endpoints present = operation.get();
        Service service = services.getByKey(key);
        if (service == null) {
            if (present != null && managed(present)) {
                operation.delete();
            }
            return;
        }
        if (service.getMetadata().getDeletionTimestamp() != null || !ServicePorts.hasSelector(service)) {
            return;
        }
        List<EndpointSubset> subsets = new ArrayList<>();
        ServicePorts.groups(service, pods.list())
                .forEach((ports, serving) -> subsets.add(subset(service, ports, serving)));
        subsets.removeIf(subset ->
                subset.getAddresses().isEmpty() && subset.getNotReadyAddresses().isEmpty());
        if (present == null) {
            client.resource(new EndpointsBuilder()
                            .withNewMetadata()
                            .withName(service.getMetadata().getName())
                            .withNamespace(service.getMetadata().getNamespace())
                            .withLabels(service.getMetadata().getLabels())
                            .addToLabels(MANAGED_BY, SELF)
                            .endMetadata()
                            .withSubsets(subsets)
                            .build())
                    .create();
        } else if (!subsets.equals(present.getSubsets())) {
            client.resource(new EndpointsBuilder(present).withSubsets(subsets).build())
                    .update();
        }
    }

    private static boolean managed(Endpoints endpoints) {
        Map<String, String> labels = endpoints.getMetadata().getLabels();
        return labels != null && SELF.equals(labels.get(MANAGED_BY));
    }

    private static EndpointSubset subset(Service service, List<ServicePorts.Port> ports, List<Pod> serving) {
        List<EndpointAddress> ready = new ArrayList<>();
        List<EndpointAddress> unready = new ArrayList<>();
        for (Pod pod : serving) {
            if (pod.getMetadata().getDeletionTimestamp() == null) {
                (ServicePorts.ready(service, pod) ? ready : unready).add(address(service, pod));
            }
        }
        List<EndpointPort> list = ports.stream()
                .map(port -> new EndpointPort(
                        null, port.name().isEmpty() ? null : port.name(), port.number(), port.protocol()))
                .toList();
        return new EndpointSubsetBuilder()
                .withAddresses(ready)
                .withNotReadyAddresses(unready)
                .withPorts(list)
                .build();
    }

    private static EndpointAddress address(Service service, Pod pod) {
        return new EndpointAddressBuilder()
                .withIp(pod.getStatus().getPodIP())
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
