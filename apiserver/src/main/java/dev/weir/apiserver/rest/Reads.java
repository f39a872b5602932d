package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.store.VersionedStore;
import dev.weir.apiserver.store.Watch;
import dev.weir.apiserver.table.Tables;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Get, list and watch. */
public final class Reads {
    private static final String INITIAL_EVENTS_END = "k8s.io/initial-events-end";

    private static final List<String> MATCHES = List.of("", "Exact", "NotOlderThan");

    private final Resources resources;
    private final Tables tables;

    public Reads(Resources resources, Tables tables) {
        this.resources = resources;
        this.tables = tables;
    }

    public ApiResponse get(Writes.Target target, ApiRequest request) {
        Rendering rendering =
                Rendering.of(request, resources.strategy(target.type()).servesStrategicMerge());
        String version = request.queryOr("resourceVersion", "");
        if (!version.matches("\\d{0,18}")) {
            throw ApiException.internal(malformed(version));
        }
        requireReached(request);
        ObjectNode object = resources.get(target.type(), target.namespace(), target.name());
        rendering.requireTable();
        return new ApiResponse.Json(
                200,
                switch (rendering.kind()) {
                    case PLAIN -> object;
                    case METADATA -> partial(object);
                    case TABLE ->
                        tables.ofObjects(
                                target.type(),
                                List.of(object),
                                rendering.includeObject(),
                                object.path("metadata").path("resourceVersion").asText(),
                                true);
                });
    }

    static ObjectNode partial(ObjectNode object) {
        ObjectNode partial = Json.MAPPER.createObjectNode();
        partial.put("kind", "PartialObjectMetadata").put("apiVersion", "meta.k8s.io/v1");
        partial.set("metadata", object.path("metadata"));
        return partial;
    }

    /** @param namespace null for all namespaces and for cluster scope */
    public ApiResponse list(ResourceType type, @Nullable String namespace, ApiRequest request) {
        Predicate<JsonNode> selector = Selectors.parse(
                type, resources.strategy(type).selectableFields(), request, () -> checkListOptions(request));
        boolean builtIn = resources.strategy(type).servesStrategicMerge();
        Rendering rendering = Rendering.ofList(request, builtIn);
        rendering.requireList(request, type, builtIn);
        Page page = Page.of(request);
        if (!request.queryOr("continue", "").isEmpty()
                && !request.queryOr("resourceVersion", "").isEmpty()) {
            throw ApiException.badRequest("specifying resource version is not allowed when using continue");
        }
        requireReached(request);
        VersionedStore.Listing listing = snapshot(type, namespace, page.revision());
        List<ObjectNode> items = new ArrayList<>();
        long remaining = 0;
        String next = null;
        boolean more = false;
        for (VersionedStore.Entry entry : listing.entries()) {
            String at = entry.key().namespace() + "/" + entry.key().name();
            if (page.after() != null && at.compareTo(page.after()) <= 0) {
                continue;
            }
            boolean full = page.limit() > 0 && items.size() == page.limit();
            // whether what is left is selected is found out by who goes on
            more |= full;
            ObjectNode object = visible(type, entry.object());
            if (!selector.test(object)) {
                continue;
            }
            if (full) {
                remaining++;
            } else {
                items.add(object);
                next = at;
            }
        }
        ObjectNode metadata = Json.MAPPER.createObjectNode();
        if (rendering.kind() == Rendering.Kind.PLAIN
                && !resources.strategy(type).servesStrategicMerge()) {
            metadata.put("continue", "");
        }
        metadata.put("resourceVersion", Long.toString(listing.revision()));
        if (more && next != null) {
            metadata.put("continue", Page.token(listing.revision(), next));
            if (request.query("labelSelector") == null && request.query("fieldSelector") == null) {
                metadata.put("remainingItemCount", remaining);
            }
        }
        return new ApiResponse.Json(200, render(type, items, metadata, rendering));
    }

    private ObjectNode visible(ResourceType type, ObjectNode stored) {
        ResourceStrategy strategy = resources.strategy(type);
        return strategy.shown(strategy.onRead(stored));
    }

    private JsonNode render(ResourceType type, List<ObjectNode> items, ObjectNode metadata, Rendering rendering) {
        rendering.requireTable();
        if (rendering.kind() == Rendering.Kind.TABLE) {
            ObjectNode table = tables.ofObjects(
                    type,
                    items,
                    rendering.includeObject(),
                    metadata.path("resourceVersion").asText(),
                    true);
            table.set("metadata", metadata);
            return table;
        }
        boolean metadataOnly = rendering.kind() == Rendering.Kind.METADATA;
        ObjectNode list = Json.MAPPER.createObjectNode();
        list.put("kind", metadataOnly ? "PartialObjectMetadataList" : type.listKind());
        list.put("apiVersion", metadataOnly ? "meta.k8s.io/v1" : type.apiVersion());
        list.set("metadata", metadata);
        if (metadataOnly && items.isEmpty()) {
            list.putNull("items");
            return list;
        }
        ArrayNode array = list.putArray("items");
        boolean typed = resources.strategy(type).servesStrategicMerge();
        for (ObjectNode item : items) {
            if (metadataOnly) {
                array.add(partial(item));
            } else if (typed) {
                ObjectNode bare = Json.MAPPER.createObjectNode();
                bare.setAll(item);
                bare.remove(List.of("kind", "apiVersion"));
                array.add(bare);
            } else {
                array.add(item);
            }
        }
        return list;
    }

    private static void checkListOptions(ApiRequest request) {
        Page.number(request.queryOr("limit", ""));
        List<FieldError> errors = new ArrayList<>();
        String match = request.queryOr("resourceVersionMatch", "");
        String version = request.queryOr("resourceVersion", "");
        if (!match.isEmpty() && version.isEmpty()) {
            errors.add(new FieldError(
                    FieldError.Kind.FORBIDDEN,
                    "resourceVersionMatch",
                    null,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided"));
        }
        if (!MATCHES.contains(match)) {
            errors.add(new FieldError(
                    FieldError.Kind.NOT_SUPPORTED,
                    "resourceVersionMatch",
                    "\"" + match + "\"",
                    "supported values: \"Exact\", \"NotOlderThan\", \"\""));
        }
        if (match.equals("Exact") && version.equals("0")) {
            errors.add(new FieldError(
                    FieldError.Kind.FORBIDDEN,
                    "resourceVersionMatch",
                    null,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }
        if (request.query("sendInitialEvents") != null) {
            errors.add(new FieldError(
                    FieldError.Kind.FORBIDDEN, "sendInitialEvents", null, "sendInitialEvents is forbidden for list"));
        }
        if (!errors.isEmpty()) {
            throw ApiException.invalid("meta.k8s.io", "ListOptions", "", errors);
        }
    }

    /** A reader who has seen a later state than there is here must not be shown an earlier one. */
    private void requireReached(ApiRequest request) {
        String version = request.queryOr("resourceVersion", "");
        if (version.isEmpty()) {
            return;
        }
        try {
            resources.store().requireRevision(revision(version));
        } catch (VersionedStore.FutureException future) {
            throw ApiException.tooLargeRevision(version, future.newest());
        }
    }

    private VersionedStore.Listing snapshot(ResourceType type, @Nullable String namespace, long revision) {
        try {
            return resources.store().list(Resources.storageName(type), type.namespaced() ? namespace : null, revision);
        } catch (VersionedStore.FutureException future) {
            throw ApiException.tooLargeRevision(Long.toString(revision), future.newest());
        } catch (VersionedStore.CompactedException compacted) {
            throw ApiException.expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a"
                            + " new list without the continue parameter, or use the continue token in this response"
                            + " to retrieve the remainder of the results.");
        }
    }

    private record Page(long revision, @Nullable String after, int limit) {
        static Page of(ApiRequest request) {
            int limit = number(request.queryOr("limit", ""));
            String asked = request.queryOr("resourceVersion", "");
            if (!asked.isEmpty()) {
                Reads.revision(asked);
            }
            String token = request.queryOr("continue", "");
            if (!token.isEmpty()) {
                String[] parts = decode(token).split(" ", 2);
                return new Page(Long.parseLong(parts[0]), parts[1], limit);
            }
            String version = request.queryOr("resourceVersion", "");
            boolean exact = request.queryOr("resourceVersionMatch", "").equals("Exact")
                    || limit > 0
                            && !version.isEmpty()
                            && !version.equals("0")
                            && request.queryOr("resourceVersionMatch", "").isEmpty();
            boolean cached = version.equals("0");
            return new Page(exact && !version.isEmpty() ? Reads.revision(version) : 0, null, cached ? 0 : limit);
        }

        static String token(long revision, String after) {
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString((revision + " " + after).getBytes(StandardCharsets.UTF_8));
        }

        private static String decode(String token) {
            try {
                String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
                if (text.matches("\\d{1,18} .*")) {
                    return text;
                }
            } catch (IllegalArgumentException malformed) {
                // refused below with the same words
            }
            throw ApiException.badRequest("invalid continue token: continue key is not valid: " + token);
        }

        private static int number(String text) {
            if (!text.matches("-?\\d{0,9}")) {
                throw ApiException.badRequest("strconv.ParseInt: parsing \"" + text + "\": invalid syntax");
            }
            return text.isEmpty() || text.equals("-") ? 0 : Math.max(0, Integer.parseInt(text));
        }
    }

    private static long revision(String text) {
        if (!text.matches("\\d{1,18}")) {
            throw ApiException.badRequest("invalid resource version: " + malformed(text));
        }
        return Long.parseLong(text);
    }

    private static String malformed(String version) {
        return "resourceVersion: Invalid value: \"" + version + "\": strconv.ParseUint: parsing \"" + version
                + "\": invalid syntax";
    }

    private static ApiException matchForbidden(String why) {
        FieldError error = new FieldError(FieldError.Kind.FORBIDDEN, "resourceVersionMatch", null, why);
        return ApiException.invalid("meta.k8s.io", "ListOptions", "", List.of(error));
    }

    private static void checkWatchOptions(ApiRequest request) {
        if (request.query("sendInitialEvents") == null && request.query("resourceVersionMatch") != null) {
            throw matchForbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if (request.query("sendInitialEvents") != null
                && !request.queryOr("resourceVersionMatch", "").equals("NotOlderThan")) {
            throw matchForbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
    }

    /** Opens a watch; the stream ends after {@code timeoutSeconds}. */
    public ApiResponse watch(ResourceType type, @Nullable String namespace, ApiRequest request) {
        Predicate<JsonNode> selector = Selectors.parse(
                type, resources.strategy(type).selectableFields(), request, () -> checkWatchOptions(request));
        String scope = type.namespaced() ? namespace : null;
        String version = request.queryOr("resourceVersion", "");
        boolean streamList = request.flag("sendInitialEvents");
        boolean fromNow = streamList || version.isEmpty() || version.equals("0");
        Rendering rendering = Rendering.of(request, resources.strategy(type).servesStrategicMerge());
        Function<ObjectNode, JsonNode> render = renderer(type, rendering);
        String form = rendering.kind() == Rendering.Kind.TABLE ? null : rendering.kind() + " " + type.apiVersion();
        List<ObjectNode> initial = new ArrayList<>();
        Duration length = Duration.ofSeconds(seconds(request));
        boolean bookmarks = request.flag("allowWatchBookmarks");
        Function<Long, JsonNode> bookmark = bookmarks ? at -> render.apply(bookmark(type, at, false)) : null;
        try {
            long since = fromNow ? 0 : revision(version);
            if (fromNow) {
                VersionedStore.Listing listing = snapshot(type, namespace, 0);
                since = listing.revision();
                for (VersionedStore.Entry entry : listing.entries()) {
                    ObjectNode object = visible(type, entry.object());
                    if (selector.test(object)) {
                        initial.add(event("ADDED", render.apply(object)));
                    }
                }
                if (streamList && bookmarks) {
                    initial.add(event("BOOKMARK", render.apply(bookmark(type, since, true))));
                }
            }
            Watch watch = resources.store().watch(Resources.storageName(type), scope, since);
            return new ApiResponse.Stream(
                    initial, watch, selector, object -> render.apply(visible(type, object)), form, bookmark, length);
        } catch (VersionedStore.FutureException future) {
            throw ApiException.tooLargeRevision(version, future.newest());
        } catch (VersionedStore.CompactedException compacted) {
            ObjectNode gone = ApiException.expired(
                            "too old resource version: " + version + " (" + compacted.oldest() + ")")
                    .status();
            return new ApiResponse.Stream(
                    List.of(event("ERROR", gone)), null, selector, render, null, null, Duration.ZERO);
        }
    }

    private Function<ObjectNode, JsonNode> renderer(ResourceType type, Rendering rendering) {
        return switch (rendering.kind()) {
            case PLAIN -> object -> object;
            case METADATA -> Reads::partial;
            case TABLE -> {
                AtomicBoolean first = new AtomicBoolean(true);
                yield object -> tables.ofObjects(
                        type,
                        List.of(object),
                        rendering.includeObject(),
                        object.path("metadata").path("resourceVersion").asText(),
                        first.getAndSet(false));
            }
        };
    }

    private static long seconds(ApiRequest request) {
        String text = request.queryOr("timeoutSeconds", "");
        return text.matches("\\d{1,9}") && !text.equals("0")
                ? Long.parseLong(text)
                : ThreadLocalRandom.current().nextLong(1800, 3600);
    }

    /** One line of a watch. */
    public static ObjectNode event(String type, JsonNode object) {
        ObjectNode event = Json.MAPPER.createObjectNode();
        event.put("type", type).set("object", object);
        return event;
    }

    private ObjectNode bookmark(ResourceType type, long revision, boolean initialEnd) {
        ObjectNode object = Json.MAPPER.createObjectNode();
        object.put("kind", type.kind()).put("apiVersion", type.apiVersion());
        ObjectNode metadata = object.putObject("metadata");
        // built-in kinds write even an empty object's structs
        resources.strategy(type).schema().emptyStruct().properties().forEach(entry -> {
            if (!entry.getKey().equals("metadata")) {
                object.set(entry.getKey(), entry.getValue());
            }
        });
        metadata.put("resourceVersion", Long.toString(revision));
        if (initialEnd) {
            metadata.putObject("annotations").put(INITIAL_EVENTS_END, "true");
        }
        return object;
    }
}
