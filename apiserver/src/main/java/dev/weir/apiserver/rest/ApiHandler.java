package dev.weir.apiserver.rest;

import dev.weir.apiserver.auth.Access;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** From a path and a method to what is asked of which resource. Blocking; safe for concurrent use. */
public final class ApiHandler {
    private final Resources resources;
    private final Discovery discovery;
    private final Reads reads;
    private final Writes writes;
    private final PatchWrites patches;
    private final Deletes deletes;
    private final Scales scales;
    private final Subresources subresources;
    private final Access access;

    ApiHandler(
            Resources resources,
            Discovery discovery,
            Reads reads,
            Writes writes,
            Scales scales,
            Subresources subresources,
            Access access) {
        this.resources = resources;
        this.discovery = discovery;
        this.reads = reads;
        this.writes = writes;
        this.patches = new PatchWrites(resources, writes);
        this.deletes = subresources.deletes();
        this.scales = scales;
        this.subresources = subresources;
        this.access = access;
    }

    /** A resource path taken apart; empty strings where a part is absent. */
    record Parts(String group, String version, String namespace, String plural, String name, String subresource) {
        /** The namespace that a permission is asked in: a namespace is within itself. */
        String scope() {
            boolean itself = group.isEmpty() && plural.equals("namespaces") && !name.isEmpty();
            return itself ? name : namespace;
        }

        /** A resource that nothing serves, for the words of a refusal. */
        ResourceType unknown() {
            return new ResourceType(
                    group, version, plural, plural, plural, plural, true, List.of(), List.of(), List.of(), Set.of());
        }

        static Optional<Parts> of(String path) {
            List<String> parts =
                    Arrays.stream(path.split("/")).filter(p -> !p.isEmpty()).toList();
            int from;
            if (parts.size() >= 3 && parts.getFirst().equals("api")) {
                from = 2;
            } else if (parts.size() >= 4 && parts.getFirst().equals("apis")) {
                from = 3;
            } else {
                return Optional.empty();
            }
            String group = from == 2 ? "" : parts.get(1);
            String version = parts.get(from - 1);
            List<String> rest = parts.subList(from, parts.size());
            String namespace = "";
            boolean nested = rest.getFirst().equals("namespaces")
                    && rest.size() >= 3
                    && !(rest.size() == 3 && List.of("status", "finalize").contains(rest.get(2)));
            if (nested) {
                namespace = rest.get(1);
                rest = rest.subList(2, rest.size());
            }
            return Optional.of(new Parts(
                    group,
                    version,
                    namespace,
                    rest.getFirst(),
                    rest.size() > 1 ? rest.get(1) : "",
                    rest.size() > 2 ? String.join("/", rest.subList(2, rest.size())) : ""));
        }
    }

    /** @throws ApiException for every request that cannot be granted */
    public ApiResponse handle(ApiRequest request) {
        Optional<Parts> parts = Parts.of(request.path());
        if (parts.isEmpty()) {
            if (!request.method().equals("GET")) {
                throw ApiException.methodNotAllowed();
            }
            access.requirePath(request.user(), "get", request.path());
            return discovery.answer(request).orElseGet(() -> text(404, "404 page not found\n"));
        }
        Parts p = parts.get();
        String verb = verb(request, p);
        Optional<ResourceType> found = resources.kinds().find(p.group(), p.version(), p.plural());
        // who may not ask is not told what there is
        access.require(request.user(), verb, found.orElseGet(p::unknown), p.scope(), p.name(), p.subresource());
        if (found.isEmpty() && !resources.kinds().knows(p.group())) {
            return text(404, "404 page not found\n");
        }
        ResourceType type = found.orElseThrow(ApiException::noSuchResource);
        boolean creates = request.method().equals("POST");
        boolean builtIn = resources.strategy(type).servesStrategicMerge();
        if (builtIn
                && p.subresource().isEmpty()
                && !p.name().isEmpty() == creates
                && !List.of("GET", "HEAD", "DELETE").contains(request.method())) {
            throw ApiException.methodNotAllowed();
        }
        Optional<String> notice = resources.strategy(type).deprecation();
        if (notice.isEmpty()) {
            return dispatch(verb, type, p, request);
        }
        try {
            ApiResponse answer = dispatch(verb, type, p, request);
            return answer instanceof ApiResponse.Json json ? json.withWarning(notice.get()) : answer;
        } catch (ApiException refused) {
            boolean unrouted = refused.code() == 404
                    && !p.subresource().isEmpty()
                    && !type.subresources().contains(p.subresource());
            if (refused.code() == 415 || refused.code() == 405 || unrouted) {
                // nobody looked at the kind
                throw refused;
            }
            List<String> warnings = new ArrayList<>(List.of(notice.get()));
            warnings.addAll(refused.warnings());
            throw refused.withWarnings(warnings);
        }
    }

    private static String verb(ApiRequest request, Parts p) {
        boolean one = !p.name().isEmpty();
        return switch (request.method()) {
            case "GET", "HEAD" -> request.flag("watch") && !one ? "watch" : one ? "get" : "list";
            case "POST" -> "create";
            case "PUT" -> "update";
            case "PATCH" -> "patch";
            case "DELETE" -> one ? "delete" : "deletecollection";
            default -> throw ApiException.methodNotAllowed();
        };
    }

    private ApiResponse dispatch(String verb, ResourceType type, Parts p, ApiRequest request) {
        Writes.Target target = new Writes.Target(type, p.namespace(), p.name(), p.subresource());
        @Nullable String namespace = p.namespace().isEmpty() ? null : p.namespace();
        if (!p.subresource().isEmpty()) {
            return subresource(verb, target, request);
        }
        if (!type.verbs().contains(verb)) {
            throw ApiException.methodNotAllowed();
        }
        return switch (verb) {
            case "get" -> reads.get(target, request);
            case "list" -> reads.list(type, namespace, request);
            case "watch" -> reads.watch(type, namespace, request);
            case "create" ->
                subresources.isReview(type) ? subresources.review(type, request) : writes.create(target, request);
            case "update" -> writes.update(target, request);
            case "patch" -> patches.patch(target, request);
            case "delete" -> deletes.delete(target, request);
            default -> deletes.deleteCollection(target, request);
        };
    }

    private ApiResponse subresource(String verb, Writes.Target target, ApiRequest request) {
        if (!target.type().subresources().contains(target.subresource().split("/", 2)[0])) {
            boolean custom = !resources.strategy(target.type()).servesStrategicMerge();
            throw custom ? ApiException.notFound(target.type(), target.name()) : ApiException.noSuchResource();
        }
        return switch (target.subresource()) {
            case "status", EphemeralContainers.NAME ->
                switch (verb) {
                    case "get" -> reads.get(target, request);
                    case "update" -> writes.update(target, request);
                    case "patch" -> patches.patch(target, request);
                    default ->
                        throw resources.strategy(target.type()).servesStrategicMerge()
                                ? ApiException.methodNotAllowed()
                                : ApiException.methodNotSupported(target.type(), verb);
                };
            case "scale" -> verb.equals("get") ? scales.get(target) : scales.update(target, request);
            default -> subresources.handle(verb, target, request);
        };
    }

    /** The body of an answer to a failure. */
    public static ApiResponse failure(ApiException failure) {
        return new ApiResponse.Json(failure.code(), failure.status(), failure.warnings());
    }

    /** Answers plain text, as the mux does for paths that it does not know. */
    static ApiResponse text(int code, String text) {
        return new ApiResponse.Bytes(
                code, "text/plain; charset=utf-8", text.getBytes(java.nio.charset.StandardCharsets.UTF_8), Map.of());
    }
}
