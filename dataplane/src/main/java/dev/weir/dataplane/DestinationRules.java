package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The subsets that DestinationRules define, compiled. Immutable. */
final class DestinationRules {
    private static final Set<String> SPEC = Set.of("host", "subsets", "exportTo");
    private static final Set<String> SUBSET = Set.of("name", "labels");
    /** Where rules for the whole mesh are. */
    private static final String ROOT = "istio-system";

    private final Map<String, HostIndex<Subsets>> byNamespace = new HashMap<>();

    /**
     * Those of one host from one namespace.
     *
     * @param exportTo namespaces that see them, {@code *} for all
     */
    private record Subsets(Set<String> exportTo, Map<String, Map<String, String>> labels) {
        boolean visible(String own, String from) {
            return exportTo.contains("*") || exportTo.contains(from) || exportTo.contains(".") && own.equals(from);
        }
    }

    /** @param rules oldest first: the first definition of a subset counts */
    DestinationRules(List<JsonNode> rules) {
        Map<String, Map<String, Subsets>> hosts = new HashMap<>();
        for (JsonNode rule : rules) {
            String namespace = rule.path("metadata").path("namespace").asText();
            String host = RouteCompiler.qualify(rule.path("spec").path("host").asText(), namespace)
                    .toLowerCase(Locale.ROOT);
            Subsets subsets = hosts.computeIfAbsent(namespace, _ -> new LinkedHashMap<>())
                    .computeIfAbsent(host, _ -> new Subsets(new HashSet<>(), new LinkedHashMap<>()));
            JsonNode exportTo = rule.path("spec").path("exportTo");
            exportTo.forEach(to -> subsets.exportTo().add(to.asText()));
            if (exportTo.isEmpty()) {
                subsets.exportTo().add("*");
            }
            for (JsonNode subset : rule.path("spec").path("subsets")) {
                Map<String, String> labels = new LinkedHashMap<>();
                subset.path("labels")
                        .properties()
                        .forEach(label ->
                                labels.put(label.getKey(), label.getValue().asText()));
                subsets.labels().putIfAbsent(subset.path("name").asText(), labels);
            }
        }
        hosts.forEach((namespace, byHost) -> byNamespace.put(namespace, new HostIndex<>(byHost)));
    }

    /** What a rule asks for in vain. */
    static Findings findings(JsonNode rule) {
        Findings findings = new Findings();
        findings.onlyServed(rule.path("spec"), "spec", SPEC);
        int index = 0;
        for (JsonNode subset : rule.path("spec").path("subsets")) {
            findings.onlyServed(subset, "spec.subsets[" + index++ + "]", SUBSET);
        }
        return findings;
    }

    /**
     * The labels of a subset's pods, or null if it is not defined. The first namespace that has a rule for the host
     * decides: the caller's, the service's, the mesh's.
     *
     * @param fqdn the service's full name
     */
    @Nullable
    Map<String, String> labels(String fqdn, String subset, String caller) {
        String[] parts = fqdn.split("\\.", 3);
        List<String> order = new ArrayList<>(List.of(caller));
        if (parts.length == 3) {
            order.add(parts[1]);
        }
        order.add(ROOT);
        for (String namespace : order) {
            HostIndex<Subsets> index = byNamespace.get(namespace);
            Subsets found = index == null ? null : index.find(fqdn);
            if (found != null && found.visible(namespace, caller)) {
                return found.labels().get(subset);
            }
        }
        return null;
    }
}
