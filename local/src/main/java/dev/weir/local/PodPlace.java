package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Where a node runs a pod, and what is beside it. */
enum PodPlace {
    /** In the node's own network, at the node's address: the pod asks for that. */
    NODE,
    /** At an address of its own in the node's network: this process serves it. */
    HOSTED,
    /** In a network namespace of its own, outside of the mesh. */
    ALONE,
    /** In a network namespace of its own, where an Envoy carries what it sends. */
    MESHED,
    /** In a network namespace of its own, as an Envoy. */
    GATEWAY;

    /** Istio's own word for pods that stay out of the mesh, as a label or an annotation. */
    private static final String INJECT = "sidecar.istio.io/inject";

    /** The place for a pod: commands are clients, so they are meshed, unless they say no or are Weir's own operator. */
    static PodPlace of(Pod pod, Images images) {
        if (Boolean.TRUE.equals(pod.getSpec().getHostNetwork())) {
            return NODE;
        }
        List<Images.Program> programs = Stream.concat(
                        pod.getSpec().getInitContainers().stream(), pod.getSpec().getContainers().stream())
                .map(container -> images.find(container.getImage()))
                .toList();
        if (programs.stream().anyMatch(Images.Program.Gateway.class::isInstance)) {
            return GATEWAY;
        }
        if (programs.stream().anyMatch(PodPlace::inside)) {
            return HOSTED;
        }
        boolean client = programs.stream().allMatch(Images.Program.Command.class::isInstance);
        return client
                        && !refuses(pod.getMetadata().getLabels())
                        && !refuses(pod.getMetadata().getAnnotations())
                ? MESHED
                : ALONE;
    }

    /** Whether this process serves it. */
    private static boolean inside(Images.Program program) {
        return switch (program) {
            case Images.Program.HttpBin _, Images.Program.Podinfo _, Images.Program.Remote _ -> true;
            case Images.Program.Command _,
                    Images.Program.Server _,
                    Images.Program.Gateway _,
                    Images.Program.Operator _,
                    Images.Program.Unknown _ -> false;
        };
    }

    private static boolean refuses(@Nullable Map<String, String> words) {
        return words != null && "false".equals(words.get(INJECT));
    }
}
