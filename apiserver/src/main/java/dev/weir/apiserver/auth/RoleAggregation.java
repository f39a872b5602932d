package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.store.VersionedStore;
import java.util.List;

/**
 * Gathers the rules of cluster roles that have an {@code aggregationRule} from the roles that it selects, after every
 * write of a cluster role. Safe for concurrent use.
 */
public final class RoleAggregation {
    private static final String CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io";

    private final VersionedStore store;

    public RoleAggregation(VersionedStore store) {
        this.store = store;
    }

    /** To be called after every write to the store. */
    public void written(VersionedStore.Event event) {
        if (!event.entry().key().resource().equals(CLUSTER_ROLES)) {
            return;
        }
        List<VersionedStore.Entry> roles = Access.entries(store, CLUSTER_ROLES, null);
        for (VersionedStore.Entry role : roles) {
            JsonNode selectors = role.object().path("aggregationRule").path("clusterRoleSelectors");
            if (selectors.isEmpty()) {
                continue;
            }
            ArrayNode rules = gathered(selectors, role, roles);
            if (!Json.same(rules, role.object().path("rules"))) {
                ObjectNode next = role.object().deepCopy();
                next.set("rules", rules);
                // the event of a write that comes between gathers again
                store.replace(role.key(), role.revision(), next);
            }
        }
    }

    private static ArrayNode gathered(JsonNode selectors, VersionedStore.Entry self, List<VersionedStore.Entry> roles) {
        ArrayNode rules = Json.MAPPER.createArrayNode();
        for (VersionedStore.Entry role : roles) {
            if (!role.key().equals(self.key()) && selected(selectors, role.object())) {
                for (JsonNode rule : role.object().path("rules")) {
                    if (!contains(rules, rule)) {
                        rules.add(rule.deepCopy());
                    }
                }
            }
        }
        return rules;
    }

    private static boolean selected(JsonNode selectors, ObjectNode role) {
        JsonNode labels = role.path("metadata").path("labels");
        for (JsonNode selector : selectors) {
            boolean matches = !selector.path("matchLabels").isEmpty()
                    && selector.path("matchLabels").properties().stream()
                            .allMatch(label -> label.getValue().equals(labels.get(label.getKey())));
            if (matches) {
                return true;
            }
        }
        return false;
    }

    private static boolean contains(ArrayNode rules, JsonNode rule) {
        for (JsonNode known : rules) {
            if (Json.same(known, rule)) {
                return true;
            }
        }
        return false;
    }
}
