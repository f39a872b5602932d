package dev.weir.local;

import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.discovery.v1.Endpoint;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointPort;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointPortBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSliceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Lists the pods behind each Service. */
final class EndpointSliceController {
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
                || service.getSpec().getSelector() == null
                || service.getSpec().getSelector().isEmpty()) {
            return;
        }
        String name = service.getMetadata().getName();
        String namespace = service.getMetadata().getNamespace();
        List<Pod> selected = pods.list().stream()
                .filter(pod -> pod.getMetadata().getNamespace().equals(namespace))
                .filter(pod -> selects(service, pod))
                .filter(pod -> pod.getStatus() != null && pod.getStatus().getPodIP() != null)
                .sorted(Comparator.comparing(pod -> pod.getMetadata().getName()))
                .toList();
        EndpointSlice wanted = new EndpointSliceBuilder()
                .withNewMetadata()
                .withName(name + "-local")
                .withNamespace(namespace)
                .withLabels(service.getMetadata().getLabels())
                .addToLabels(Map.of("kubernetes.io/service-name", name, "endpointslice.kubernetes.io/managed-by", SELF))
                .addNewOwnerReference()
                .withApiVersion("v1")
                .withKind("Service")
                .withName(name)
                .withUid(service.getMetadata().getUid())
                .withController(true)
                .withBlockOwnerDeletion(true)
                .endOwnerReference()
                .endMetadata()
                .withAddressType("IPv4")
                .withEndpoints(
                        selected.stream().map(EndpointSliceController::endpoint).toList())
                .withPorts(ports(service, selected))
                .build();
        EndpointSlice present = slices.getByKey(namespace + "/" + name + "-local");
        if (present == null) {
            client.resource(wanted).create();
        } else if (!same(present, wanted)) {
            present = new EndpointSliceBuilder(present)
                    .withEndpoints(wanted.getEndpoints())
                    .withPorts(wanted.getPorts())
                    .build();
            client.resource(present).update();
        }
    }

    private static boolean same(EndpointSlice a, EndpointSlice b) {
        return Serialization.asJson(a.getEndpoints()).equals(Serialization.asJson(b.getEndpoints()))
                && Serialization.asJson(a.getPorts()).equals(Serialization.asJson(b.getPorts()));
    }

    private static boolean selects(Service service, Pod pod) {
        Map<String, String> labels = pod.getMetadata().getLabels();
        return labels != null
                && labels.entrySet().containsAll(service.getSpec().getSelector().entrySet());
    }

    private static Endpoint endpoint(Pod pod) {
        boolean terminating = pod.getMetadata().getDeletionTimestamp() != null;
        boolean serving = ReplicaSetController.isReady(pod);
        return new EndpointBuilder()
                .withAddresses(pod.getStatus().getPodIP())
                .withNewConditions()
                .withReady(serving && !terminating)
                .withServing(serving)
                .withTerminating(terminating)
                .endConditions()
                .withNodeName(pod.getSpec().getNodeName())
                .withNewTargetRef()
                .withKind("Pod")
                .withName(pod.getMetadata().getName())
                .withNamespace(pod.getMetadata().getNamespace())
                .withUid(pod.getMetadata().getUid())
                .endTargetRef()
                .build();
    }

    private static List<EndpointPort> ports(Service service, List<Pod> selected) {
        List<EndpointPort> ports = new ArrayList<>();
        for (ServicePort port : service.getSpec().getPorts()) {
            ports.add(new EndpointPortBuilder()
                    .withName(port.getName() == null ? "" : port.getName())
                    .withProtocol(port.getProtocol())
                    .withPort(target(port, selected))
                    .build());
        }
        return ports;
    }

    private static int target(ServicePort port, List<Pod> selected) {
        IntOrString target = port.getTargetPort();
        if (target == null) {
            return port.getPort();
        }
        if (target.getIntVal() != null) {
            return target.getIntVal();
        }
        return selected.stream()
                .flatMap(pod -> pod.getSpec().getContainers().stream())
                .flatMap(container -> container.getPorts().stream())
                .filter(candidate -> target.getStrVal().equals(candidate.getName()))
                .map(ContainerPort::getContainerPort)
                .findFirst()
                .orElse(port.getPort());
    }
}
