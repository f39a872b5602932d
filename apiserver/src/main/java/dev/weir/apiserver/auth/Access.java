package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.store.VersionedStore;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Role-based access control over the roles and bindings in the store, after Kubernetes' RBAC authorizer. */
public final class Access {
    private static final String GROUP = ".rbac.authorization.k8s.io";
    private final VersionedStore store;
    private final boolean enforced;

    /** @param enforced false lets every authenticated user do everything */
    public Access(VersionedStore store, boolean enforced) {
        this.store = store;
        this.enforced = enforced;
    }

    /** @throws ApiException 403 if the user may not */
    public void require(User user, String verb, ResourceType type, String namespace, String name, String subresource) {
        String resource = subresource.isEmpty() ? type.plural() : type.plural() + "/" + subresource;
        Permission asked = Permission.ofResource(verb, type.group(), resource, namespace, name);
        if (allowed(user, asked)) {
            return;
        }
        String where = namespace.isEmpty() ? "at the cluster scope" : "in the namespace \"" + namespace + "\"";
        throw ApiException.forbidden(
                type,
                name,
                "User \"" + user.name() + "\" cannot " + verb + " resource \"" + resource + "\" in API group \""
                        + type.group() + "\" " + where);
    }

    /** @throws ApiException 403 if the user may not ask for this path */
    public void requirePath(User user, String verb, String path) {
        if (!allowed(user, Permission.ofPath(verb, path))) {
            throw ApiException.forbiddenPath(
                    "forbidden: User \"" + user.name() + "\" cannot " + verb + " path \"" + path + "\"");
        }
    }

    boolean allowed(User user, Permission asked) {
        return mayEverything(user) || granted(rules(user, asked.namespace()), asked);
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

    private List<ObjectNode> list(String resource, @Nullable String namespace) {
        return entries(store, resource, namespace).stream()
                .map(VersionedStore.Entry::object)
                .toList();
    }

    /** What the store has now of a resource. */
    static List<VersionedStore.Entry> entries(VersionedStore store, String resource, @Nullable String namespace) {
        try {
            return store.list(resource, namespace, 0).entries();
        } catch (VersionedStore.CompactedException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static VersionedStore.Key roleOf(ObjectNode binding, String namespace) {
        JsonNode reference = binding.path("roleRef");
        boolean cluster = reference.path("kind").asText().equals("ClusterRole");
        return new VersionedStore.Key(
                (cluster ? "clusterroles" : "roles") + GROUP,
                cluster ? "" : namespace,
                reference.path("name").asText());
    }

    /** True if the role that a binding refers to is there. */
    boolean knows(ObjectNode binding, String namespace) {
        return store.get(roleOf(binding, namespace)).isPresent();
    }

    /** The rules of the role that a binding refers to; none if there is no such role. */
    List<JsonNode> rulesOf(ObjectNode binding, String namespace) {
        List<JsonNode> rules = new ArrayList<>();
        store.get(roleOf(binding, namespace))
                .ifPresent(role -> role.object().path("rules").forEach(rules::add));
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

    /** True if no rule can refuse the user. */
    boolean mayEverything(User user) {
        return !enforced || user.isMaster();
    }

    /** True if the user holds everything that a policy rule grants. */
    boolean covers(User user, String namespace, JsonNode rule) {
        List<JsonNode> held = rules(user, namespace);
        for (JsonNode verb : rule.path("verbs")) {
            for (JsonNode path : rule.path("nonResourceURLs")) {
                if (!granted(held, Permission.ofPath(verb.asText(), path.asText()))) {
                    return false;
                }
            }
            for (JsonNode group : rule.path("apiGroups")) {
                for (JsonNode resource : rule.path("resources")) {
                    if (!coversResource(held, rule, verb.asText(), group.asText(), resource.asText())) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    private static boolean coversResource(
            List<JsonNode> held, JsonNode rule, String verb, String group, String resource) {
        if (rule.path("resourceNames").isEmpty()) {
            return granted(held, Permission.ofResource(verb, group, resource, "", ""));
        }
        for (JsonNode name : rule.path("resourceNames")) {
            if (!granted(held, Permission.ofResource(verb, group, resource, "", name.asText()))) {
                return false;
            }
        }
        return true;
    }

    private static boolean granted(List<JsonNode> rules, Permission asked) {
        return rules.stream().anyMatch(asked::grantedBy);
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

    private static Permission attributes(JsonNode spec) {
        JsonNode path = spec.path("nonResourceAttributes");
        if (path.isObject()) {
            return Permission.ofPath(
                    path.path("verb").asText(""), path.path("path").asText(""));
        }
        JsonNode resource = spec.path("resourceAttributes");
        String sub = resource.path("subresource").asText("");
        String plural = resource.path("resource").asText("");
        return Permission.ofResource(
                resource.path("verb").asText(""),
                resource.path("group").asText(""),
                sub.isEmpty() ? plural : plural + "/" + sub,
                resource.path("namespace").asText(""),
                resource.path("name").asText(""));
    }

    private void rulesReview(JsonNode spec, ObjectNode status, User asking) {
        ArrayNode rules = status.putArray("resourceRules");
        ArrayNode paths = status.putArray("nonResourceRules");
        status.put("incomplete", false);
        if (!enforced || asking.isMaster()) {
            ObjectNode all = rules.addObject();
            all.putArray("verbs").add("*");
            all.putArray("apiGroups").add("*");
            all.putArray("resources").add("*");
        } else {
            rules(asking, spec.path("namespace").asText(""))
                    .forEach(rule -> (rule.has("nonResourceURLs") ? paths : rules).add(rule));
        }
    }
}
