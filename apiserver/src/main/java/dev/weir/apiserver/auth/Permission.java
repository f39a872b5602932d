package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Something that a user may or may not do.
 *
 * @param resource with its subresource, for example {@code pods/log}; empty for a path
 * @param path a path that is no resource's; empty for resources
 */
record Permission(String verb, String group, String resource, String namespace, String name, String path) {
    static Permission ofResource(String verb, String group, String resource, String namespace, String name) {
        return new Permission(verb, group, resource, namespace, name, "");
    }

    static Permission ofPath(String verb, String path) {
        return new Permission(verb, "", "", "", "", path);
    }

    /** True if a policy rule grants this. */
    boolean grantedBy(JsonNode rule) {
        if (!has(rule.path("verbs"), verb)) {
            return false;
        }
        if (!path.isEmpty()) {
            return matchesPath(rule.path("nonResourceURLs"));
        }
        return has(rule.path("apiGroups"), group)
                && hasResource(rule.path("resources"))
                && (rule.path("resourceNames").isEmpty() || contains(rule.path("resourceNames"), name));
    }

    private boolean matchesPath(JsonNode patterns) {
        for (JsonNode pattern : patterns) {
            String text = pattern.asText();
            boolean matches =
                    text.endsWith("*") ? path.startsWith(text.substring(0, text.length() - 1)) : path.equals(text);
            if (matches) {
                return true;
            }
        }
        return false;
    }

    private boolean hasResource(JsonNode resources) {
        int slash = resource.indexOf('/');
        return has(resources, resource) || slash > 0 && contains(resources, "*" + resource.substring(slash));
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
}
