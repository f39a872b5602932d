package dev.weir.local;

import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The pods behind a Service, by the ports on which they serve it: a named port may be another number in each pod. */
final class ServicePorts {
    private ServicePorts() {}

    /** A port of the Service as a pod has it. */
    record Port(String name, String protocol, int number) {}

    static boolean hasSelector(Service service) {
        return service.getSpec().getSelector() != null
                && !service.getSpec().getSelector().isEmpty()
                && !"ExternalName".equals(service.getSpec().getType());
    }

    /** The selected pods that have an address and have not ended, sorted by name, by their ports. */
    static Map<List<Port>, List<Pod>> groups(Service service, List<Pod> pods) {
        Map<List<Port>, List<Pod>> groups = new LinkedHashMap<>();
        pods.stream()
                .filter(pod -> selects(service, pod))
                .filter(pod -> pod.getStatus() != null && pod.getStatus().getPodIP() != null)
                .filter(pod -> !OwnedPods.ended(pod))
                .sorted(Comparator.comparing(pod -> pod.getMetadata().getName()))
                .forEach(pod -> groups.computeIfAbsent(ports(service, pod), _ -> new ArrayList<>())
                        .add(pod));
        return groups;
    }

    static boolean selects(Service service, Pod pod) {
        Map<String, String> labels = pod.getMetadata().getLabels();
        return labels != null
                && hasSelector(service)
                && pod.getMetadata().getNamespace().equals(service.getMetadata().getNamespace())
                && labels.entrySet().containsAll(service.getSpec().getSelector().entrySet());
    }

    private static List<Port> ports(Service service, Pod pod) {
        List<Port> ports = new ArrayList<>();
        for (ServicePort port : service.getSpec().getPorts()) {
            target(port, pod)
                    .ifPresent(number -> ports.add(new Port(
                            Objects.requireNonNullElse(port.getName(), ""),
                            Objects.requireNonNullElse(port.getProtocol(), "TCP"),
                            number)));
        }
        return ports;
    }

    private static Optional<Integer> target(ServicePort port, Pod pod) {
        IntOrString target = port.getTargetPort();
        if (target == null) {
            return Optional.of(port.getPort());
        }
        if (target.getIntVal() != null) {
            return Optional.of(target.getIntVal());
        }
        return pod.getSpec().getContainers().stream()
                .flatMap(container -> container.getPorts().stream())
                .filter(candidate -> target.getStrVal().equals(candidate.getName()))
                .map(ContainerPort::getContainerPort)
                .findFirst();
    }

    /** The name by which the Service's pod is reached beside the Service itself, if it has one. */
    static @Nullable String hostname(Service service, Pod pod) {
        String hostname = pod.getSpec().getHostname();
        boolean named = hostname != null
                && !hostname.isEmpty()
                && service.getMetadata().getName().equals(pod.getSpec().getSubdomain());
        return named ? hostname : null;
    }

    /** Whether a pod may get requests: it is ready, or the Service does not care. */
    static boolean ready(Service service, Pod pod) {
        return OwnedPods.isReady(pod) || Boolean.TRUE.equals(service.getSpec().getPublishNotReadyAddresses());
    }
}
