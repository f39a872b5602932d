package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.store.VersionedStore;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** Deleting: at once, after finalizers, or gracefully for pods. */
public final class Deletes {
    private static final Set<String> PERMANENT_NAMESPACES = Set.of("default", "kube-system", "kube-public");
    private static final int POD_GRACE_SECONDS = 30;

    /** Whose deletion is answered with what was deleted. */
    private static final Set<String> ANSWERED = Set.of(
            "pods",
            "services",
            "podtemplates",
            "serviceaccounts",
            "persistentvolumes",
            "persistentvolumeclaims",
            "resourcequotas",
            "storageclasses.storage.k8s.io");

    private static final String JOBS = "jobs.batch";
    /** Whose dependents stay unless a deletion says otherwise. */
    private static final Set<String> ORPHANING = Set.of(JOBS, "replicationcontrollers");

    /** Holds a definition until its objects are gone. */
    public static final String CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

    private final Resources resources;
    private final Clock clock;

    public Deletes(Resources resources, Clock clock) {
        this.resources = resources;
        this.clock = clock;
    }

    public ApiResponse delete(Writes.Target target, ApiRequest request) {
        ObjectNode options = options(request);
        boolean dryRun = WriteOptions.of(request, "DeleteOptions").dryRunWith(options);
        boolean unsaid = !options.has("propagationPolicy") && !options.has("orphanDependents");
        if (!unsaid || !target.type().qualifiedPlural().equals(JOBS)) {
            return delete(target, options, dryRun);
        }
        String warning =
                "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to"
                        + " remove them or set propagationPolicy=Orphan to suppress this warning";
        try {
            ApiResponse answer = delete(target, options, dryRun);
            return answer instanceof ApiResponse.Json json ? json.withWarning(warning) : answer;
        } catch (ApiException refused) {
            throw refused.withWarnings(List.of(warning));
        }
    }

    /** @param options a DeleteOptions object */
    ApiResponse delete(Writes.Target target, ObjectNode options, boolean dryRun) {
        ResourceType type = target.type();
        VersionedStore.Key key = Resources.key(type, target.namespace(), target.name());
        while (true) {
            VersionedStore.Entry entry =
                    resources.store().get(key).orElseThrow(() -> ApiException.notFound(type, target.name()));
            ObjectNode live = resources.read(type, entry.object());
            checkPreconditions(type, live, options.path("preconditions"));
            Optional<ApiResponse> answer = attempt(target, entry, live, options, dryRun);
            if (answer.isPresent()) {
                return answer.get();
            }
        }
    }

    private static ObjectNode options(ApiRequest request) {
        ObjectNode options = request.body().length == 0 ? Json.MAPPER.createObjectNode() : Bodies.object(request);
        for (String name : List.of("propagationPolicy", "gracePeriodSeconds")) {
            String value = request.query(name);
            if (value != null && !options.has(name)) {
                if (name.equals("gracePeriodSeconds")) {
                    options.put(name, number(value));
                } else {
                    options.put(name, value);
                }
            }
        }
        checkOptions(options);
        return options;
    }

    private static void checkOptions(ObjectNode options) {
        List<FieldError> errors = new ArrayList<>();
        JsonNode dryRun = options.path("dryRun");
        if (dryRun.valueStream().anyMatch(value -> !value.asText().equals("All"))) {
            errors.add(new FieldError(
                    FieldError.Kind.NOT_SUPPORTED, "dryRun", dryRun.toString(), "supported values: \"All\""));
        }
        if (options.has("propagationPolicy") && options.has("orphanDependents")) {
            errors.add(new FieldError(
                    FieldError.Kind.INVALID,
                    "propagationPolicy",
                    Json.write(options.path("propagationPolicy")),
                    "orphanDependents and deletionPropagation cannot be both set"));
        }
        String policy = options.path("propagationPolicy").asText("");
        if (!policy.isEmpty() && !List.of("Foreground", "Background", "Orphan").contains(policy)) {
            errors.add(new FieldError(
                    FieldError.Kind.NOT_SUPPORTED,
                    "propagationPolicy",
                    "\"" + policy + "\"",
                    "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""));
        }
        if (!errors.isEmpty()) {
            throw ApiException.invalid("meta.k8s.io", "DeleteOptions", "", errors);
        }
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException malformed) {
            throw ApiException.badRequest("strconv.ParseInt: parsing \"" + text + "\": invalid syntax");
        }
    }

    /** @throws ApiException 409 if the object is another one, or another revision, than was asked for */
    static void checkPreconditions(ResourceType type, ObjectNode live, JsonNode preconditions) {
        String qualified = type.group().isEmpty() ? type.kind() : type.kind() + "." + type.group();
        for (String field : List.of("uid", "resourceVersion")) {
            String wanted = preconditions.path(field).asText("");
            String present = live.path("metadata").path(field).asText("");
            if (!wanted.isEmpty() && !wanted.equals(present)) {
                String word = field.equals("uid") ? "UID" : "ResourceVersion";
                throw ApiException.conflict(
                        qualified,
                        type.group(),
                        type.kind(),
                        live.path("metadata").path("name").asText(),
                        "the " + word + " in the precondition (" + wanted + ") does not match the " + word
                                + " in record (" + present + "). The object might have been "
                                + (field.equals("uid") ? "deleted and then recreated" : "modified"));
            }
        }
    }

    private Optional<ApiResponse> attempt(
            Writes.Target target, VersionedStore.Entry entry, ObjectNode live, ObjectNode options, boolean dryRun) {
        ResourceType type = target.type();
        ObjectNode next = live.deepCopy();
        ObjectNode metadata = next.withObject("/metadata");
        boolean collected = !type.plural().equals("events");
        List<String> finalizers =
                collected ? finalizers(metadata, policy(type, metadata, options)) : finalizers(metadata, "");
        boolean definition = type.plural().equals("customresourcedefinitions");
        if (definition && !metadata.has("deletionTimestamp") && !finalizers.contains(CLEANUP)) {
            finalizers.add(CLEANUP);
        }
        long grace = grace(type, live, options);
        boolean terminating = metadata.has("deletionTimestamp");
        boolean namespace = type.plural().equals("namespaces");
        if (namespace && PERMANENT_NAMESPACES.contains(target.name())) {
            throw ApiException.forbidden(type, target.name(), "this namespace may not be deleted");
        }
        if (finalizers.isEmpty()
                && grace == 0
                && !(namespace && !next.path("spec").path("finalizers").isEmpty())) {
            Optional<VersionedStore.Entry> last = Optional.of(entry);
            if (type.qualifiedPlural().equals("pods")) {
                // a pod is always told to end first, even if nothing has to end
                markDeleted(type, next, finalizers, 0, terminating);
                last = dryRun ? last : resources.store().replace(entry.key(), entry.revision(), next);
            }
            if (!dryRun && last.filter(marked -> removed(marked, entry, next)).isEmpty()) {
                return Optional.empty();
            }
            boolean answersObject = ANSWERED.contains(type.qualifiedPlural());
            return Optional.of(new ApiResponse.Json(
                    200, answersObject ? resources.strategy(type).shown(next) : success(type, live)));
        }
        boolean shorter = terminating
                && grace < metadata.path("deletionGracePeriodSeconds").asLong();
        if (terminating && !shorter && sameFinalizers(metadata, finalizers)) {
            return Optional.of(new ApiResponse.Json(200, live));
        }
        markDeleted(type, next, finalizers, grace, terminating);
        if (dryRun) {
            return Optional.of(new ApiResponse.Json(200, next));
        }
        return resources
                .store()
                .replace(entry.key(), entry.revision(), next)
                .map(stored -> new ApiResponse.Json(200, stored.object()));
    }

    private void markDeleted(
            ResourceType type, ObjectNode next, List<String> finalizers, long grace, boolean terminating) {
        ObjectNode metadata = next.withObject("/metadata");
        metadata.put("deletionGracePeriodSeconds", Math.toIntExact(grace));
        metadata.put(
                "deletionTimestamp",
                clock.instant()
                        .plusSeconds(grace)
                        .truncatedTo(ChronoUnit.SECONDS)
                        .toString());
        if (!finalizers.isEmpty()) {
            ArrayNode list = metadata.putArray("finalizers");
            finalizers.forEach(list::add);
        }
        if (!terminating && metadata.has("generation")) {
            metadata.put("generation", metadata.path("generation").asInt() + 1);
        }
        if (type.plural().equals("namespaces")) {
            next.withObject("/status").put("phase", "Terminating");
            metadata.remove("deletionGracePeriodSeconds");
        }
    }

    /** @param seen before it was marked */
    private boolean removed(VersionedStore.Entry marked, VersionedStore.Entry seen, ObjectNode last) {
        if (resources.store().remove(marked.key(), marked.revision(), last).isPresent()) {
            return true;
        }
        // whoever saw the mark, as a node does, may have been faster
        return marked.revision() != seen.revision()
                && resources.store().get(marked.key()).isEmpty();
    }

    private static boolean sameFinalizers(ObjectNode metadata, List<String> finalizers) {
        List<String> present = new ArrayList<>();
        metadata.path("finalizers").forEach(f -> present.add(f.asText()));
        return present.equals(finalizers);
    }

    private static long grace(ResourceType type, ObjectNode live, ObjectNode options) {
        if (!type.plural().equals("pods")) {
            return 0;
        }
        if (live.path("spec").path("nodeName").asText("").isEmpty()
                || List.of("Succeeded", "Failed")
                        .contains(live.path("status").path("phase").asText())) {
            return 0;
        }
        long asked = options.path("gracePeriodSeconds")
                .asLong(live.path("spec").path("terminationGracePeriodSeconds").asLong(POD_GRACE_SECONDS));
        return asked < 0 ? 1 : asked;
    }

    /** What becomes of dependents: as asked for, or as an earlier deletion said, or as it was when a kind was made. */
    private static String policy(ResourceType type, ObjectNode metadata, ObjectNode options) {
        if (options.path("orphanDependents").asBoolean()) {
            return "Orphan";
        }
        if (options.has("propagationPolicy") || options.has("orphanDependents")) {
            return options.path("propagationPolicy").asText("");
        }
        boolean foreground = metadata.path("finalizers")
                .valueStream()
                .anyMatch(finalizer -> finalizer.asText().equals("foregroundDeletion"));
        return ORPHANING.contains(type.qualifiedPlural()) && !foreground ? "Orphan" : "";
    }

    private static List<String> finalizers(ObjectNode metadata, String policy) {
        List<String> finalizers = new ArrayList<>();
        metadata.path("finalizers").forEach(f -> finalizers.add(f.asText()));
        switch (policy) {
            case "Orphan" -> {
                finalizers.remove("foregroundDeletion");
                if (!finalizers.contains("orphan")) {
                    finalizers.add("orphan");
                }
            }
            case "Foreground" -> {
                finalizers.remove("orphan");
                if (!finalizers.contains("foregroundDeletion")) {
                    finalizers.add("foregroundDeletion");
                }
            }
            case "Background" -> {
                finalizers.remove("orphan");
                finalizers.remove("foregroundDeletion");
            }
            default -> {}
        }
        return finalizers;
    }

    private static ObjectNode success(ResourceType type, ObjectNode live) {
        ObjectNode details = Json.MAPPER.createObjectNode();
        details.put("name", live.path("metadata").path("name").asText());
        if (!type.group().isEmpty()) {
            details.put("group", type.group());
        }
        details.put("kind", type.plural());
        details.put("uid", live.path("metadata").path("uid").asText());
        return ApiException.status("Success", null, null, details, 0);
    }

    /** Deletes every matching object of a collection and answers with the list of them. */
    public ApiResponse deleteCollection(Writes.Target target, ApiRequest request) {
        Predicate<JsonNode> selector =
                Selectors.parse(target.type(), resources.strategy(target.type()).selectableFields(), request);
        ObjectNode list = Json.MAPPER.createObjectNode();
        list.put("kind", target.type().listKind())
                .put("apiVersion", target.type().apiVersion());
        list.putObject("metadata")
                .put("resourceVersion", Long.toString(resources.store().revision()));
        ArrayNode items = list.putArray("items");
        boolean custom = !resources.strategy(target.type()).servesStrategicMerge();
        if (custom) {
            list.withObject("/metadata").put("continue", "");
        }
        String namespace = target.type().namespaced() ? target.namespace() : null;
        try {
            for (VersionedStore.Entry entry : resources
                    .store()
                    .list(Resources.storageName(target.type()), namespace, 0)
                    .entries()) {
                ObjectNode object = resources.read(target.type(), entry.object());
                if (selector.test(object)) {
                    items.add(custom ? object : object.deepCopy().without(List.of("kind", "apiVersion")));
                    deleteOne(target, entry.key().name(), request);
                }
            }
        } catch (VersionedStore.CompactedException impossible) {
            throw new IllegalStateException(impossible);
        }
        return new ApiResponse.Json(200, list);
    }

    private void deleteOne(Writes.Target target, String name, ApiRequest request) {
        try {
            delete(new Writes.Target(target.type(), target.namespace(), name, ""), request);
        } catch (ApiException gone) {
            if (gone.code() != 404) {
                throw gone;
            }
        }
    }
}
