package dev.weir.local;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Whether labels are what a selector asks for. */
final class LabelSelectors {
    private LabelSelectors() {}

    /** An empty selector matches everything, an absent one nothing. */
    static boolean matches(@Nullable LabelSelector selector, @Nullable Map<String, String> labels) {
        if (selector == null) {
            return false;
        }
        Map<String, String> have = Objects.requireNonNullElse(labels, Map.of());
        Map<String, String> exact = Objects.requireNonNullElse(selector.getMatchLabels(), Map.of());
        return have.entrySet().containsAll(exact.entrySet())
                && selector.getMatchExpressions().stream().allMatch(requirement -> holds(requirement, have));
    }

    private static boolean holds(LabelSelectorRequirement requirement, Map<String, String> labels) {
        String value = labels.get(requirement.getKey());
        return switch (requirement.getOperator()) {
            case "In" -> value != null && requirement.getValues().contains(value);
            case "NotIn" -> value == null || !requirement.getValues().contains(value);
            case "Exists" -> value != null;
            case "DoesNotExist" -> value == null;
            default -> false;
        };
    }
}
