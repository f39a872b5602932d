package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** What namespaces let others refer to. Immutable. */
final class ReferenceGrants {
    private final List<JsonNode> grants;

    ReferenceGrants(List<JsonNode> grants) {
        this.grants = grants;
    }

    /**
     * One end of a reference.
     *
     * @param group empty for the core
     */
    record End(String group, String kind, String namespace) {}

    /** True within a namespace, and where the other one has a grant. */
    boolean allows(End from, End to, String name) {
        return from.namespace().equals(to.namespace())
                || grants.stream()
                        .filter(grant -> grant.path("metadata")
                                .path("namespace")
                                .asText()
                                .equals(to.namespace()))
                        .anyMatch(grant -> names(grant.path("spec"), from, to, name));
    }

    private static boolean names(JsonNode spec, End from, End to, String name) {
        for (JsonNode source : spec.path("from")) {
            if (source.path("group").asText().equals(from.group())
                    && source.path("kind").asText().equals(from.kind())
                    && source.path("namespace").asText().equals(from.namespace())) {
                return names(spec.path("to"), to, name);
            }
        }
        return false;
    }

    private static boolean names(JsonNode targets, End to, String name) {
        for (JsonNode target : targets) {
            String only = target.path("name").asText("");
            if (target.path("group").asText().equals(to.group())
                    && target.path("kind").asText().equals(to.kind())
                    && (only.isEmpty() || only.equals(name))) {
                return true;
            }
        }
        return false;
    }
}
