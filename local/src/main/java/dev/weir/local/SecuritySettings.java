package dev.weir.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.StreamSupport;

/** The parts of a pod that say as whom and with which rights it runs: local mode has no say in that. */
final class SecuritySettings {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SecuritySettings() {}

    /** The settings that the pod has and that have no effect, by name, sorted. */
    static List<String> ignored(Pod pod) {
        JsonNode spec = JSON.valueToTree(pod.getSpec());
        TreeSet<String> names = new TreeSet<>();
        spec.path("securityContext").fieldNames().forEachRemaining(names::add);
        for (String containers : List.of("initContainers", "containers")) {
            StreamSupport.stream(spec.path(containers).spliterator(), false)
                    .forEach(container ->
                            container.path("securityContext").fieldNames().forEachRemaining(names::add));
        }
        return List.copyOf(names);
    }
}
