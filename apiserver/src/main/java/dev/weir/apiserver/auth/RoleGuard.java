package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.ResourceType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Nobody hands out what he does not hold: who writes a role must have its permissions or be allowed to {@code escalate},
 * who binds one must have them or be allowed to {@code bind}.
 */
public final class RoleGuard {
    private static final String GROUP = "rbac.authorization.k8s.io";

    private final Access access;

    public RoleGuard(Access access) {
        this.access = access;
    }

    /**
     * @param live null on create
     * @throws ApiException 403 if the write would grant more than the writer has
     */
    public void check(ResourceType type, User user, ObjectNode next, @Nullable ObjectNode live) {
        if (!type.group().equals(GROUP) || access.mayEverything(user)) {
            return;
        }
        String name = next.path("metadata").path("name").asText("");
        String namespace = next.path("metadata").path("namespace").asText("");
        boolean role = type.plural().endsWith("roles");
        String field = role ? "rules" : "subjects";
        if (live != null && Json.same(next.get(field), live.get(field))) {
            return;
        }
        JsonNode reference = next.path("roleRef");
        boolean cluster = reference.path("kind").asText().equals("ClusterRole");
        Permission exempt = role
                ? Permission.ofResource("escalate", GROUP, type.plural(), namespace, name)
                : Permission.ofResource(
                        "bind",
                        GROUP,
                        cluster ? "clusterroles" : "roles",
                        namespace,
                        reference.path("name").asText());
        if (access.allowed(user, exempt)) {
            return;
        }
        List<JsonNode> granted = new ArrayList<>();
        if (role) {
            next.path("rules").forEach(granted::add);
        } else {
            if (!access.knows(next, namespace)) {
                // upstream's words, which name the binding's resource
                throw ApiException.notFound(type, reference.path("name").asText());
            }
            granted.addAll(access.rulesOf(next, namespace));
        }
        List<String> missing = granted.stream()
                .filter(rule -> !access.covers(user, namespace, rule))
                .map(RoleGuard::shown)
                .toList();
        if (!missing.isEmpty()) {
            String groups = user.groups().stream().map(g -> "\"" + g + "\"").collect(Collectors.joining(" "));
            throw ApiException.forbidden(
                    type,
                    name,
                    "user \"" + user.name() + "\" (groups=[" + groups
                            + "]) is attempting to grant RBAC permissions not currently held:\n"
                            + String.join("\n", missing));
        }
    }

    private static String shown(JsonNode rule) {
        List<String> parts = new ArrayList<>();
        for (String[] field : new String[][] {
            {"apiGroups", "APIGroups"},
            {"resources", "Resources"},
            {"resourceNames", "ResourceNames"},
            {"nonResourceURLs", "NonResourceURLs"},
            {"verbs", "Verbs"}
        }) {
            if (!rule.path(field[0]).isEmpty()) {
                parts.add(field[1] + ":"
                        + rule.path(field[0])
                                .valueStream()
                                .map(JsonNode::toString)
                                .collect(Collectors.joining(" ", "[", "]")));
            }
        }
        return "{" + String.join(", ", parts) + "}";
    }
}
