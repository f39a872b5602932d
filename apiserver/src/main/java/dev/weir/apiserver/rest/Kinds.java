package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.schema.Recorded;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** What the server serves: the built-in resources as recorded, and custom ones as their definitions come and go. */
public final class Kinds {
    private final ArrayNode builtInGroups;
    private final Map<String, ResourceType> builtIn = new ConcurrentHashMap<>();
    private final Map<String, ObjectNode> customGroups = new ConcurrentSkipListMap<>();
    private final Map<String, ResourceType> custom = new ConcurrentSkipListMap<>();

    public Kinds() {
        builtInGroups = (ArrayNode) Recorded.json("discovery.json.gz");
        for (JsonNode group : builtInGroups) {
            types(group).forEach(type -> builtIn.put(path(type.group(), type.version(), type.plural()), type));
        }
    }

    /** Finds a resource by the parts of its path. */
    public Optional<ResourceType> find(String group, String version, String plural) {
        String path = path(group, version, plural);
        ResourceType type = builtIn.get(path);
        return Optional.ofNullable(type != null ? type : custom.get(path));
    }

    /** True if there is any resource in a group. */
    boolean knows(String group) {
        return all().stream().anyMatch(type -> type.group().equals(group));
    }

    public Optional<ResourceType> findKind(String apiVersion, String kind) {
        return all().stream()
                .filter(type -> type.kind().equals(kind) && type.apiVersion().equals(apiVersion))
                .findFirst();
    }

    public Collection<ResourceType> all() {
        List<ResourceType> all = new ArrayList<>(builtIn.values());
        all.addAll(custom.values());
        return all;
    }

    /** Serves these types of a definition instead of those that it had; an empty list withdraws it. */
    public synchronized void setCustom(String definition, String group, List<ResourceType> types) {
        custom.values().removeIf(type -> type.qualifiedPlural().equals(definition));
        types.forEach(type -> custom.put(path(type.group(), type.version(), type.plural()), type));
        List<ResourceType> ofGroup =
                custom.values().stream().filter(t -> t.group().equals(group)).toList();
        if (ofGroup.isEmpty()) {
            customGroups.remove(group);
        } else {
            customGroups.put(group, aggregated(group, ofGroup));
        }
    }

    /** The items of aggregated discovery: core for {@code /api}, the rest for {@code /apis}. */
    public List<JsonNode> groups(boolean core) {
        List<JsonNode> groups = new ArrayList<>();
        for (JsonNode group : builtInGroups) {
            if (group.path("metadata").path("name").asText().isEmpty() == core) {
                groups.add(group);
            }
        }
        if (!core) {
            groups.addAll(customGroups.values());
        }
        return groups;
    }

    private static ObjectNode aggregated(String group, List<ResourceType> types) {
        ObjectNode item = JsonNodeFactory.instance.objectNode();
        item.putObject("metadata").put("name", group);
        Map<String, ArrayNode> versions = new TreeMap<>(KubeVersions.NEWEST_FIRST);
        for (ResourceType type : types) {
            versions.computeIfAbsent(type.version(), _ -> JsonNodeFactory.instance.arrayNode())
                    .add(resource(type));
        }
        ArrayNode list = item.putArray("versions");
        versions.forEach((version, resources) -> list.addObject()
                .put("version", version)
                .put("freshness", "Current")
                .set("resources", resources));
        return item;
    }

    private static ObjectNode resource(ResourceType type) {
        ObjectNode resource = JsonNodeFactory.instance.objectNode();
        resource.put("resource", type.plural());
        kind(resource, type.group(), type.version(), type.kind());
        resource.put("scope", type.namespaced() ? "Namespaced" : "Cluster").put("singularResource", type.singular());
        strings(resource, "verbs", type.verbs());
        strings(resource, "shortNames", type.shortNames());
        strings(resource, "categories", type.categories());
        for (String name : type.subresources()) {
            ObjectNode sub = resource.withArray("subresources").addObject();
            sub.put("subresource", name);
            if (name.equals("scale")) {
                kind(sub, "autoscaling", "v1", "Scale");
            } else {
                kind(sub, type.group(), type.version(), type.kind());
            }
            strings(sub, "verbs", List.of("get", "patch", "update"));
        }
        return resource;
    }

    private static void kind(ObjectNode node, String group, String version, String kind) {
        node.putObject("responseKind")
                .put("group", group)
                .put("version", version)
                .put("kind", kind);
    }

    private static void strings(ObjectNode node, String field, Collection<String> values) {
        if (!values.isEmpty()) {
            ArrayNode array = node.putArray(field);
            values.forEach(array::add);
        }
    }

    private static List<ResourceType> types(JsonNode group) {
        List<ResourceType> types = new ArrayList<>();
        String name = group.path("metadata").path("name").asText();
        for (JsonNode version : group.path("versions")) {
            for (JsonNode resource : version.path("resources")) {
                Set<String> subresources = new LinkedHashSet<>();
                resource.path("subresources")
                        .forEach(sub -> subresources.add(sub.path("subresource").asText()));
                String kind = resource.path("responseKind").path("kind").asText();
                types.add(new ResourceType(
                        name,
                        version.path("version").asText(),
                        resource.path("resource").asText(),
                        resource.path("singularResource").asText(),
                        kind,
                        kind + "List",
                        resource.path("scope").asText().equals("Namespaced"),
                        texts(resource.path("shortNames")),
                        texts(resource.path("categories")),
                        texts(resource.path("verbs")),
                        subresources));
            }
        }
        return types;
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(item -> texts.add(item.asText()));
        return List.copyOf(texts);
    }

    private static String path(String group, String version, String plural) {
        return group + "/" + version + "/" + plural;
    }
}
