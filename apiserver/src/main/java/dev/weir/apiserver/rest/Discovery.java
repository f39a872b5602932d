package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.schema.Recorded;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.zip.CRC32;

/** What the server serves, as clients ask for it: version, groups, resources, OpenAPI documents. */
public final class Discovery {
    private final Kinds kinds;
    private final Supplier<Map<String, ObjectNode>> customDocuments;
    private final JsonNode recordedIndex = Recorded.json("openapi/index.json").path("paths");
    private final Map<String, byte[]> packedDocuments = new ConcurrentHashMap<>();
    private final Map<String, byte[]> plainDocuments = new ConcurrentHashMap<>();

    /** @param customDocuments OpenAPI documents of custom groups, by path such as {@code apis/example.com/v1} */
    public Discovery(Kinds kinds, Supplier<Map<String, ObjectNode>> customDocuments) {
        this.kinds = kinds;
        this.customDocuments = customDocuments;
    }

    /** Answers a discovery path; empty if the path is none. */
    public Optional<ApiResponse> answer(ApiRequest request) {
        String path = request.path().replaceAll("/$", "");
        switch (path) {
            case "/version" -> {
                return json(Recorded.json("version.json"));
            }
            case "/healthz", "/livez", "/readyz" -> {
                return Optional.of(new ApiResponse.Bytes(
                        200, "text/plain; charset=utf-8", "ok".getBytes(StandardCharsets.UTF_8), Map.of()));
            }
            case "/api" -> {
                return aggregated(request, true).or(() -> json(coreVersions()));
            }
            case "/apis" -> {
                return aggregated(request, false).or(() -> json(groupList()));
            }
            case "/openapi/v3" -> {
                return json(openApiIndex());
            }
            case "/openapi/v2" -> {
                return Optional.of(OpenApiV2.answer(request.accept()));
            }
            default -> {}
        }
        if (path.startsWith("/openapi/v3/")) {
            return openApi(path.substring("/openapi/v3/".length()), request);
        }
        String[] parts = path.substring(1).split("/");
        if (parts[0].equals("api") && parts.length == 2 && parts[1].equals("v1")) {
            return resourceList("", "v1");
        }
        if (parts[0].equals("apis") && parts.length == 2) {
            return group(parts[1]).flatMap(item -> json(apiGroup(item, true)));
        }
        if (parts[0].equals("apis") && parts.length == 3) {
            return resourceList(parts[1], parts[2]);
        }
        return Optional.empty();
    }

    private static Optional<ApiResponse> json(JsonNode body) {
        return Optional.of(new ApiResponse.Json(200, body));
    }

    private Optional<ApiResponse> aggregated(ApiRequest request, boolean core) {
        for (String version : new String[] {"v2", "v2beta1"}) {
            String form = "g=apidiscovery.k8s.io;v=" + version + ";as=APIGroupDiscoveryList";
            if (request.accept().replace(" ", "").contains(form)) {
                ObjectNode list = Json.MAPPER.createObjectNode();
                list.put("kind", "APIGroupDiscoveryList").put("apiVersion", "apidiscovery.k8s.io/" + version);
                list.putObject("metadata");
                ArrayNode items = list.putArray("items");
                kinds.groups(core).forEach(items::add);
                byte[] body = Json.write(list).getBytes(StandardCharsets.UTF_8);
                String tag = "\"" + checksum(body) + "\"";
                return Optional.of(new ApiResponse.Bytes(
                        200, "application/json;" + form, body, Map.of("ETag", tag, "Vary", "Accept")));
            }
        }
        return Optional.empty();
    }

    private static String checksum(byte[] body) {
        CRC32 crc = new CRC32();
        crc.update(body);
        return HexFormat.of().toHexDigits(crc.getValue());
    }

    private static ObjectNode coreVersions() {
        ObjectNode versions = Json.MAPPER.createObjectNode();
        versions.put("kind", "APIVersions").putArray("versions").add("v1");
        versions.putArray("serverAddressByClientCIDRs");
        return versions;
    }

    private ObjectNode groupList() {
        ObjectNode list = Json.MAPPER.createObjectNode();
        list.put("kind", "APIGroupList").put("apiVersion", "v1");
        ArrayNode groups = list.putArray("groups");
        kinds.groups(false).forEach(item -> groups.add(apiGroup(item, false)));
        return list;
    }

    private Optional<JsonNode> group(String name) {
        return kinds.groups(false).stream()
                .filter(item -> item.path("metadata").path("name").asText().equals(name))
                .findFirst();
    }

    private static ObjectNode apiGroup(JsonNode item, boolean standalone) {
        ObjectNode group = Json.MAPPER.createObjectNode();
        if (standalone) {
            group.put("kind", "APIGroup").put("apiVersion", "v1");
        }
        String name = item.path("metadata").path("name").asText();
        group.put("name", name);
        ArrayNode versions = group.putArray("versions");
        for (JsonNode version : item.path("versions")) {
            String text = version.path("version").asText();
            versions.addObject().put("groupVersion", name + "/" + text).put("version", text);
        }
        group.set("preferredVersion", versions.get(0));
        return group;
    }

    private Optional<ApiResponse> resourceList(String group, String version) {
        for (JsonNode item : kinds.groups(group.isEmpty())) {
            if (!item.path("metadata").path("name").asText("").equals(group)) {
                continue;
            }
            for (JsonNode candidate : item.path("versions")) {
                if (candidate.path("version").asText().equals(version)) {
                    return json(resources(group, version, candidate.path("resources")));
                }
            }
        }
        return Optional.empty();
    }

    private static ObjectNode resources(String group, String version, JsonNode found) {
        ObjectNode list = Json.MAPPER.createObjectNode();
        list.put("kind", "APIResourceList")
                .put("apiVersion", "v1")
                .put("groupVersion", group.isEmpty() ? version : group + "/" + version);
        ArrayNode resources = list.putArray("resources");
        for (JsonNode resource : found) {
            boolean namespaced = resource.path("scope").asText().equals("Namespaced");
            ObjectNode entry = resources.addObject();
            entry.put("name", resource.path("resource").asText())
                    .put("singularName", resource.path("singularResource").asText())
                    .put("namespaced", namespaced)
                    .put("kind", resource.path("responseKind").path("kind").asText());
            for (String field : new String[] {"verbs", "shortNames", "categories"}) {
                if (resource.has(field)) {
                    entry.set(field, resource.get(field));
                }
            }
            for (JsonNode sub : resource.path("subresources")) {
                ObjectNode below = resources.addObject();
                JsonNode kind = sub.path("responseKind");
                below.put(
                                "name",
                                resource.path("resource").asText() + "/"
                                        + sub.path("subresource").asText())
                        .put("singularName", "")
                        .put("namespaced", namespaced);
                if (!kind.path("group").asText("").isEmpty()) {
                    below.put("group", kind.path("group").asText())
                            .put("version", kind.path("version").asText());
                }
                below.put("kind", kind.path("kind").asText()).set("verbs", sub.path("verbs"));
            }
        }
        return list;
    }

    private ObjectNode openApiIndex() {
        ObjectNode index = Json.MAPPER.createObjectNode();
        ObjectNode paths = index.putObject("paths");
        recordedIndex.properties().forEach(entry -> {
            if (Recorded.exists(file(entry.getKey()))) {
                paths.set(entry.getKey(), entry.getValue());
            }
        });
        customDocuments
                .get()
                .forEach((path, document) -> paths.putObject(path)
                        .put("serverRelativeURL", "/openapi/v3/" + path + "?hash=" + checksum(bytes(document))));
        return index;
    }

    private static byte[] bytes(JsonNode document) {
        return Json.write(document).getBytes(StandardCharsets.UTF_8);
    }

    private static String file(String path) {
        return "openapi/" + path.replace('/', '_') + ".json.gz";
    }

    /** A document; it may be kept for long by whoever names its hash, as the index does. */
    private Optional<ApiResponse> openApi(String path, ApiRequest request) {
        ObjectNode custom = customDocuments.get().get(path);
        if (custom != null) {
            byte[] body = bytes(custom);
            return Optional.of(document(body, false, checksum(body), request));
        }
        if (!path.matches("[a-z0-9./]+") || !Recorded.exists(file(path))) {
            return Optional.empty();
        }
        String url = recordedIndex.path(path).path("serverRelativeURL").asText("");
        String hash = url.substring(url.indexOf("hash=") + "hash=".length());
        boolean packed = request.acceptsGzip();
        byte[] body = (packed ? packedDocuments : plainDocuments)
                .computeIfAbsent(path, _ -> packed ? Recorded.packed(file(path)) : Recorded.bytes(file(path)));
        return Optional.of(document(body, packed, hash, request));
    }

    private static ApiResponse document(byte[] body, boolean packed, String hash, ApiRequest request) {
        Map<String, String> headers = new HashMap<>();
        headers.put("ETag", "\"" + hash + "\"");
        headers.put("Vary", "Accept, Accept-Encoding");
        if (packed) {
            headers.put("Content-Encoding", "gzip");
        }
        if (hash.equals(request.query("hash"))) {
            headers.put("Cache-Control", "public, immutable");
        }
        return new ApiResponse.Bytes(200, "application/json", body, headers);
    }
}
