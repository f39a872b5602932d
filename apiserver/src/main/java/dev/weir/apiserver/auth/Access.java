package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.store.VersionedStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Role-based access control over the roles and bindings in the store, after Kubernetes' RBAC authorizer. */
public final class Access {
    private static final String GROUP = ".rbac.authorization.k8s.io";
    private static final Set<String> PUBLIC_PATHS =
            Set.of("/version", "/api", "/apis", "/openapi/v3", "/healthz", "/livez", "/readyz");
    private static final Set<String> SELF_REVIEWS =
            Set.of("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews");

    private final VersionedStore store;
    private final boolean enforced;

    /** @param enforced false lets every authenticated user do everything */
    public Access(VersionedStore store, boolean enforced) {
        this.store = store;
        this.enforced = enforced;
    }

    /** Something that a user may or may not do. */
    private record Attributes(String verb, String group, String resource, String namespace, String name) {}

    /** @throws ApiException 403 if the user may not */
    public void require(User user, String verb, ResourceType type, String namespace, String name, String subresource) {
        String resource = subresource.isEmpty() ? type.plural() : type.plural() + "/" + subresource;
        Attributes asked = new Attributes(verb, type.group(), resource, namespace, name);
        if (SELF_REVIEWS.contains(type.plural()) || allowed(user, asked)) {
            return;
        }
        String where = namespace.isEmpty() ? "at the cluster scope" : "in the namespace \"" + namespace + "\"";
        throw ApiException.forbidden(
                type,
                name,
                "User \"" + user.name() + "\" cannot " + verb + " resource \"" + resource + "\" in API group \""
                        + type.group() + "\" " + where);
    }

    /** Discovery is open to everybody who is known; other paths to masters. */
    public void requirePath(User user, String verb, String path) {
        boolean open = PUBLIC_PATHS.stream().anyMatch(prefix -> path.equals(prefix) || path.startsWith(prefix + "/"));
        if (!open && enforced && !user.isMaster()) {
            throw ApiException.forbiddenPath(
                    "forbidden: User \"" + user.name() + "\" cannot " + verb + " path \"" + path + "\"");
        }
    }

    private boolean allowed(User user, Attributes asked) {
        if (!enforced || user.isMaster()) {
            return true;
        }
        return rules(user, asked.namespace()).stream().anyMatch(rule -> matches(rule, asked));
    }

    /** Every rule that some binding gives to the user in the namespace. */
    private List<JsonNode> rules(User user, String namespace) {
        List<JsonNode> rules = new ArrayList<>();
        for (ObjectNode binding : list("clusterrolebindings" + GROUP, null)) {
            if (bound(binding, user)) {
                rules.addAll(rulesOf(binding, ""));
            }
        }
        if (!namespace.isEmpty()) {
            for (ObjectNode binding : list("rolebindings" + GROUP, namespace)) {
                if (bound(binding, user)) {
                    rules.addAll(rulesOf(binding, namespace));
                }
            }
        }
        return rules;
    }

    private List<ObjectNode> list(String resource, @org.jspecify.annotations.Nullable String namespace) {
        try {
            return store.list(resource, namespace, 0).entries().stream()
                    .map(VersionedStore.Entry::object)
                    .toList();
        } catch (VersionedStore.CompactedException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private List<JsonNode> rulesOf(ObjectNode binding, String namespace) {
        JsonNode reference = binding.path("roleRef");
        boolean cluster = reference.path("kind").asText().equals("ClusterRole");
        VersionedStore.Key key = new VersionedStore.Key(
                (cluster ? "clusterroles" : "roles") + GROUP,
                cluster ? "" : namespace,
                reference.path("name").asText());
        List<JsonNode> rules = new ArrayList<>();
        store.get(key).ifPresent(role -> role.object().path("rules").forEach(rules::add));
        return rules;
    }

    private static boolean bound(ObjectNode binding, User user) {
        for (JsonNode subject : binding.path("subjects")) {
            String name = subject.path("name").asText();
            boolean matches = switch (subject.path("kind").asText()) {
                case "User" -> user.name().equals(name);
                case "Group" -> user.groups().contains(name);
                case "ServiceAccount" ->
                    user.name()
                            .equals("system:serviceaccount:"
                                    + subject.path("namespace").asText() + ":" + name);
                default -> false;
            };
            if (matches) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(JsonNode rule, Attributes asked) {
        return has(rule.path("verbs"), asked.verb())
                && has(rule.path("apiGroups"), asked.group())
                && hasResource(rule.path("resources"), asked.resource())
                && (rule.path("resourceNames").isEmpty() || contains(rule.path("resourceNames"), asked.name()));
    }

    private static boolean hasResource(JsonNode resources, String resource) {
        if (has(resources, resource)) {
            return true;
        }
        int slash = resource.indexOf('/');
        return slash > 0 && contains(resources, "*" + resource.substring(slash));
    }

    private static boolean has(JsonNode list, String value) {
        return contains(list, "*") || contains(list, value);
    }

    private static boolean contains(JsonNode list, String value) {
        for (JsonNode item : list) {
            if (item.asText().equals(value)) {
                return true;
            }
        }
        return false;
    }

    /** Fills in the status of an access or authentication review. */
    public void review(String plural, ObjectNode review, User asking) {
        ObjectNode status = review.putObject("status");
        JsonNode spec = review.path("spec");
        switch (plural) {
            case "selfsubjectaccessreviews" -> status.put("allowed", allowed(asking, attributes(spec)));
            case "subjectaccessreviews", "localsubjectaccessreviews" -> {
                List<String> groups = new ArrayList<>();
                spec.path("groups").forEach(group -> groups.add(group.asText()));
                User other = new User(spec.path("user").asText(), "", groups);
                status.put("allowed", allowed(other, attributes(spec)));
            }
            case "selfsubjectrulesreviews" -> rulesReview(spec, status, asking);
            case "selfsubjectreviews" -> userInfo(status.putObject("userInfo"), asking);
            default -> status.put("authenticated", false);
        }
    }

    private static void userInfo(ObjectNode info, User user) {
        info.put("username", user.name());
        if (!user.uid().isEmpty()) {
            info.put("uid", user.uid());
        }
        ArrayNode groups = info.putArray("groups");
        user.groups().forEach(groups::add);
    }

    private static Attributes attributes(JsonNode spec) {
        JsonNode resource = spec.path("resourceAttributes");
        String sub = resource.path("subresource").asText("");
        String plural = resource.path("resource").asText("");
        return new Attributes(
                resource.path("verb").asText(""),
                resource.path("group").asText(""),
                sub.isEmpty() ? plural : plural + "/" + sub,
                resource.path("namespace").asText(""),
                resource.path("name").asText(""));
    }

    private void rulesReview(JsonNode spec, ObjectNode status, User asking) {
        ArrayNode rules = status.putArray("resourceRules");
        status.putArray("nonResourceRules");
        status.put("incomplete", false);
        if (!enforced || asking.isMaster()) {
            ObjectNode all = rules.addObject();
            all.putArray("verbs").add("*");
            all.putArray("apiGroups").add("*");
            all.putArray("resources").add("*");
        } else {
            rules(asking, spec.path("namespace").asText("")).forEach(rules::add);
        }
    }
}
