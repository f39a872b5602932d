package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceFieldSelector;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a pod may learn about itself: the fields of the downward API.
 *
 * @param address the pod's
 */
record PodFields(Pod pod, String address, NodeIdentity node) {
    private static final Pattern SUBSCRIPT = Pattern.compile("metadata\\.(labels|annotations)\\['(.*)']");

    /**
     * A field as text; labels and annotations as sorted lines of {@code key="value"}.
     *
     * @throws Misconfigured if local mode does not know the field
     */
    String field(String path) throws Misconfigured {
        Matcher subscript = SUBSCRIPT.matcher(path);
        if (subscript.matches()) {
            Map<String, String> map = subscript.group(1).equals("labels")
                    ? pod.getMetadata().getLabels()
                    : pod.getMetadata().getAnnotations();
            return map == null ? "" : map.getOrDefault(subscript.group(2), "");
        }
        return switch (path) {
            case "metadata.name" -> pod.getMetadata().getName();
            case "metadata.namespace" -> pod.getMetadata().getNamespace();
            case "metadata.uid" -> pod.getMetadata().getUid();
            case "metadata.labels" -> lines(pod.getMetadata().getLabels());
            case "metadata.annotations" -> lines(pod.getMetadata().getAnnotations());
            case "spec.nodeName" -> node.name();
            case "spec.serviceAccountName" ->
                Objects.requireNonNullElse(pod.getSpec().getServiceAccountName(), "");
            case "status.podIP", "status.podIPs" -> address;
            case "status.hostIP", "status.hostIPs" -> node.address();
            default -> throw new Misconfigured("field \"" + path + "\" is not known");
        };
    }

    private static String lines(@Nullable Map<String, String> map) {
        return map == null
                ? ""
                : new TreeMap<>(map)
                        .entrySet().stream()
                                .map(entry -> entry.getKey() + "=\""
                                        + entry.getValue()
                                                .replace("\\", "\\\\")
                                                .replace("\"", "\\\"")
                                                .replace("\n", "\\n")
                                        + "\"")
                                .collect(Collectors.joining("\n"));
    }

    /** A request or limit of a container in units of the divisor, rounded up; 0 where there is none. */
    String resource(@Nullable Container container, ResourceFieldSelector selector) throws Misconfigured {
        Container meant = container;
        for (Container candidate : pod.getSpec().getContainers()) {
            if (candidate.getName().equals(selector.getContainerName())) {
                meant = candidate;
            }
        }
        String[] path = selector.getResource().split("\\.", 2);
        if (meant == null || path.length != 2) {
            throw new Misconfigured("resource \"" + selector.getResource() + "\" is not known");
        }
        Map<String, Quantity> amounts = meant.getResources() == null
                ? null
                : path[0].equals("limits")
                        ? meant.getResources().getLimits()
                        : meant.getResources().getRequests();
        Quantity amount = amounts == null ? null : amounts.get(path[1]);
        if (amount == null) {
            return "0";
        }
        Quantity divisor = selector.getDivisor();
        BigDecimal by = divisor == null ? BigDecimal.ZERO : divisor.getNumericalAmount();
        return amount.getNumericalAmount()
                .divide(by.signum() == 0 ? BigDecimal.ONE : by, 0, RoundingMode.CEILING)
                .toPlainString();
    }
}
