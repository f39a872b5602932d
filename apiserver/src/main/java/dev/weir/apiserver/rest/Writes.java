package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.auth.RoleGuard;
import dev.weir.apiserver.merge.FieldManagement;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.store.VersionedStore;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Creating and updating: the steps that every write goes through, after apiserver's generic registry. */
public final class Writes {
    private static final String SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789";
    private static final int MOST_ATTEMPTS = 8;
    private static final Set<String> CREATED_BY_UPDATE = Set.of(
            "services",
            "endpoints",
            "events",
            "events.events.k8s.io",
            "limitranges",
            "leases.coordination.k8s.io",
            "runtimeclasses.node.k8s.io",
            "clusterroles.rbac.authorization.k8s.io",
            "clusterrolebindings.rbac.authorization.k8s.io",
            "roles.rbac.authorization.k8s.io",
            "rolebindings.rbac.authorization.k8s.io");

    private final Resources resources;
    private final Clock clock;
    private final RoleGuard guard;
    private final PodAdmission pods;
    /** Between a look at the addresses in use and the write of a Service no other one may come. */
    private final ReentrantLock services = new ReentrantLock();

    private final SecureRandom random = new SecureRandom();

    public Writes(Resources resources, Clock clock, RoleGuard guard) {
        this.resources = resources;
        this.clock = clock;
        this.guard = guard;
        this.pods = new PodAdmission(resources);
    }

    /** Runs a write; those of Services one after the other. */
    private <T> T inOrder(ResourceType type, Supplier<T> write) {
        if (!type.qualifiedPlural().equals("services")) {
            return write.get();
        }
        services.lock();
        try {
            return write.get();
        } finally {
            services.unlock();
        }
    }

    /** Where a write goes: {@code name} is empty for a create, {@code subresource} for the main resource. */
    public record Target(ResourceType type, String namespace, String name, String subresource) {}

    String now() {
        return clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    }

    FieldManagement management(Target target) {
        ResourceStrategy strategy = resources.strategy(target.type());
        return new FieldManagement(
                strategy.schema(), target.type().apiVersion(), strategy.resetFields(target.subresource()));
    }

    /** Reads what was sent. @return what the sender should be told of it */
    private List<String> decode(Target target, ObjectNode sent, WriteOptions options) {
        ResourceStrategy strategy = resources.strategy(target.type());
        return new Identity(resources.kinds())
                .check(
                        target,
                        sent,
                        !strategy.servesStrategicMerge(),
                        object -> options.report(target.type(), strategy.decode(object)));
    }

    /** Creates an object. The answer is what was stored, or would be. */
    public ApiResponse create(Target target, ApiRequest request) {
        WriteOptions options = WriteOptions.of(request, "CreateOptions");
        ObjectNode object = Bodies.object(request);
        ResourceStrategy strategy = resources.strategy(target.type());
        List<String> warnings = decode(target, object, options);
        strategy.setDefaults(object);
        try {
            return insert(target, object, options, true).answer(201, warnings);
        } catch (ApiException refused) {
            throw refused.withWarnings(concat(warnings, refused.warnings()));
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    /** What came of a write: the object as its writer sees it, and what the writer should be told. */
    public record Written(ObjectNode object, List<String> warnings) {
        ApiResponse answer(int code, List<String> before) {
            return new ApiResponse.Json(code, object, concat(before, warnings));
        }
    }

    /** Stores a new, decoded and defaulted object. */
    Written insert(Target target, ObjectNode object, WriteOptions options, boolean track) {
        ResourceType type = target.type();
        ResourceStrategy strategy = resources.strategy(type);
        ObjectNode metadata = object.withObject("/metadata");
        if (!metadata.path("resourceVersion").asText("").isEmpty()) {
            throw ApiException.internal("resourceVersion should not be set on objects to be created");
        }
        admitNamespace(type, target.namespace());
        if (track) {
            management(target).track(null, object, new FieldManagement.Writer(options.manager(), "", now()));
        }
        for (String field : List.of("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")) {
            metadata.remove(field);
        }
        metadata.put("uid", UUID.randomUUID().toString()).put("creationTimestamp", now());
        metadata.remove("generation");
        if (strategy.hasGeneration()) {
            metadata.put("generation", 1);
        }
        if (type.qualifiedPlural().equals("pods")) {
            pods.admit(object, target.namespace());
        }
        return inOrder(type, () -> insert(target, object, options));
    }

    private Written insert(Target target, ObjectNode object, WriteOptions options) {
        ResourceType type = target.type();
        ResourceStrategy strategy = resources.strategy(type);
        ObjectNode metadata = object.withObject("/metadata");
        String prefix = metadata.path("generateName").asText("");
        boolean generated =
                !prefix.isEmpty() && metadata.path("name").asText("").isEmpty();
        for (int attempt = 1; ; attempt++) {
            if (generated) {
                metadata.put("name", generate(prefix));
            }
            ObjectNode candidate = object.deepCopy();
            strategy.prepareForCreate(candidate);
            List<FieldError> errors =
                    strategy.validate(candidate, null, ObjectMeta.validate(candidate, ObjectMeta.ruleOf(type)));
            String name = metadata.path("name").asText("");
            if (!errors.isEmpty()) {
                throw ApiException.invalid(type, name, errors);
            }
            VersionedStore.Key key = Resources.key(type, target.namespace(), name);
            guard.check(type, options.user(), candidate, null);
            List<String> warnings = strategy.warnings(candidate);
            Optional<VersionedStore.Entry> present = resources.store().get(key);
            if (options.dryRun() && present.isEmpty()) {
                return new Written(strategy.onRead(candidate), warnings);
            }
            Optional<VersionedStore.Entry> stored =
                    options.dryRun() ? Optional.empty() : resources.store().create(key, candidate);
            if (stored.isPresent()) {
                return new Written(strategy.shown(strategy.onRead(stored.get().object())), warnings);
            }
            if (!generated || attempt == MOST_ATTEMPTS) {
                boolean terminating = present.map(
                                e -> e.object().path("metadata").has("deletionTimestamp"))
                        .orElse(false);
                throw ApiException.alreadyExists(type, name, terminating).withWarnings(warnings);
            }
        }
    }

    private String generate(String prefix) {
        StringBuilder name = new StringBuilder(prefix.length() > 58 ? prefix.substring(0, 58) : prefix);
        for (int i = 0; i < 5; i++) {
            name.append(SUFFIX_LETTERS.charAt(random.nextInt(SUFFIX_LETTERS.length())));
        }
        return name.toString();
    }

    private void admitNamespace(ResourceType type, String namespace) {
        if (!type.namespaced()) {
            return;
        }
        ResourceType namespaces = resources.kinds().find("", "v1", "namespaces").orElseThrow();
        ObjectNode found = resources
                .store()
                .get(Resources.key(namespaces, "", namespace))
                .map(VersionedStore.Entry::object)
                .orElseThrow(() -> ApiException.notFound(namespaces, namespace));
        if (found.path("metadata").has("deletionTimestamp")) {
            throw ApiException.forbidden(
                    type,
                    "",
                    "unable to create new content in namespace " + namespace + " because it is being terminated");
        }
    }

    /** Replaces an object, creating Services that are not there. */
    public ApiResponse update(Target target, ApiRequest request) {
        WriteOptions options = WriteOptions.of(request, "UpdateOptions");
        ObjectNode sent = Bodies.object(request);
        if (target.name().isEmpty()) {
            throw ApiException.badRequest("name must be provided");
        }
        ResourceStrategy strategy = resources.strategy(target.type());
        List<String> warnings = decode(target, sent, options);
        String name = sent.path("metadata").path("name").asText("");
        if (name.isEmpty()) {
            sent.withObject("/metadata").put("name", target.name());
        } else if (!name.equals(target.name())) {
            throw ApiException.badRequest("the name of the object (" + name + ") does not match the name on the URL ("
                            + target.name() + ")")
                    .withWarnings(warnings);
        }
        strategy.setDefaults(sent);
        try {
            return replace(target, sent, options, warnings);
        } catch (ApiException refused) {
            throw refused.withWarnings(concat(warnings, refused.warnings()));
        }
    }

    private ApiResponse replace(Target target, ObjectNode sent, WriteOptions options, List<String> warnings) {
        ResourceStrategy strategy = resources.strategy(target.type());
        Optional<ObjectNode> live = resources.find(target.type(), target.namespace(), target.name());
        boolean creates = CREATED_BY_UPDATE.contains(target.type().qualifiedPlural())
                && target.subresource().isEmpty();
        if (live.isEmpty() && !creates) {
            throw ApiException.notFound(target.type(), target.name());
        }
        checkUid(target, sent, live.orElse(null));
        if (live.isEmpty()) {
            revision(sent);
            sent.withObject("/metadata").remove("resourceVersion");
            return insert(target, sent, options, true).answer(201, warnings);
        }
        if (!strategy.allowsUnconditionalUpdate() && revision(sent) == 0) {
            throw unconditional(target.type(), target.name());
        }
        FieldManagement.Writer writer = writer(target, options);
        return modify(target, options, object -> {
                    ObjectNode copy = sent.deepCopy();
                    management(target).track(object, copy, writer);
                    return copy;
                })
                .answer(200, warnings);
    }

    static ApiException unconditional(ResourceType type, String name) {
        FieldError error = new FieldError(
                FieldError.Kind.INVALID, "metadata.resourceVersion", "0", "must be specified for an update");
        return ApiException.invalid(type.group(), type.plural(), name, List.of(error));
    }

    FieldManagement.Writer writer(Target target, WriteOptions options) {
        return new FieldManagement.Writer(options.manager(), target.subresource(), now());
    }

    private static long revision(ObjectNode object) {
        String text = object.path("metadata").path("resourceVersion").asText("");
        if (text.isEmpty()) {
            return 0;
        }
        try {
            return Long.parseUnsignedLong(text);
        } catch (NumberFormatException malformed) {
            throw ApiException.internal("strconv.ParseUint: parsing \"" + text + "\": invalid syntax");
        }
    }

    private static void checkUid(Target target, ObjectNode sent, @Nullable ObjectNode live) {
        String wanted = sent.path("metadata").path("uid").asText("");
        String present = live == null ? "" : live.path("metadata").path("uid").asText("");
        if (wanted.isEmpty() || wanted.equals(present)) {
            return;
        }
        ResourceType type = target.type();
        String folder = type.plural().equals("services")
                ? "services/specs"
                : type.group().contains(".") && !type.group().endsWith(".k8s.io")
                        ? type.group() + "/" + type.plural()
                        : type.plural();
        throw ApiException.conflict(
                type,
                target.name(),
                "StorageError: invalid object, Code: 4, Key: /registry/" + folder + "/" + target.namespace() + "/"
                        + target.name() + ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in"
                        + " precondition: " + wanted + ", UID in object meta: " + present);
    }

    /**
     * Reads, changes and writes back, again if another write came between and the change does not insist on a version.
     *
     * @param change from the live object to the wanted one, managed fields done; must not change its argument
     */
    public Written modify(Target target, WriteOptions options, Function<ObjectNode, ObjectNode> change) {
        return inOrder(target.type(), () -> modifyNow(target, options, change));
    }

    private Written modifyNow(Target target, WriteOptions options, Function<ObjectNode, ObjectNode> change) {
        ResourceType type = target.type();
        VersionedStore.Key key = Resources.key(type, target.namespace(), target.name());
        while (true) {
            VersionedStore.Entry entry =
                    resources.store().get(key).orElseThrow(() -> ApiException.notFound(type, target.name()));
            ObjectNode live = resources.read(type, entry.object());
            ObjectNode wanted = change.apply(live);
            long asked = revision(wanted);
            if (asked != 0 && asked != entry.revision()) {
                throw ApiException.modified(type, target.name());
            }
            ObjectNode next = prepareUpdate(target, wanted, live);
            guard.check(type, options.user(), next, live);
            ResourceStrategy strategy = resources.strategy(type);
            boolean main = target.subresource().isEmpty();
            List<String> warnings = main ? strategy.warnings(next) : List.of();
            Optional<ObjectNode> written = unchanged(next, live) && !options.dryRun()
                    ? Optional.of(live)
                    : options.dryRun() ? Optional.of(withRevision(next, live)) : write(type, key, entry, next);
            if (written.isPresent()) {
                return new Written(main ? strategy.shown(written.get()) : written.get(), warnings);
            }
        }
    }

    private static ObjectNode withRevision(ObjectNode next, ObjectNode live) {
        next.withObject("/metadata")
                .set("resourceVersion", live.path("metadata").path("resourceVersion"));
        return next;
    }

    /** Stores the new state, or removes the object if it was only waiting for its last finalizer. */
    private Optional<ObjectNode> write(
            ResourceType type, VersionedStore.Key key, VersionedStore.Entry entry, ObjectNode next) {
        JsonNode metadata = next.path("metadata");
        boolean done = metadata.has("deletionTimestamp")
                && metadata.path("finalizers").isEmpty()
                && !(type.plural().equals("pods")
                        && metadata.path("deletionGracePeriodSeconds").asLong() > 0)
                && next.path("spec").path("finalizers").isEmpty();
        if (done) {
            // watchers see the object as it was stored last, the writer what it asked for
            return resources
                    .store()
                    .remove(key, entry.revision(), entry.object().deepCopy())
                    .map(_ -> next);
        }
        Optional<VersionedStore.Entry> stored = resources.store().replace(key, entry.revision(), next);
        return stored.map(VersionedStore.Entry::object);
    }

    private ObjectNode prepareUpdate(Target target, ObjectNode wanted, ObjectNode live) {
        ResourceType type = target.type();
        ResourceStrategy strategy = resources.strategy(type);
        ObjectNode next = wanted.deepCopy();
        ObjectNode metadata = next.withObject("/metadata");
        JsonNode before = live.path("metadata");
        List<FieldError> ofMetadata = new ArrayList<>(Identity.changed(metadata, before));
        for (String field : List.of(
                "name",
                "namespace",
                "uid",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "generation",
                "generateName",
                "selfLink")) {
            if (before.has(field)) {
                metadata.set(field, before.get(field));
            } else if (!field.equals("generateName")) {
                metadata.remove(field);
            }
        }
        if (target.subresource().isEmpty()) {
            strategy.prepareForUpdate(next, live);
            if (type.qualifiedPlural().equals("pods")) {
                PodAdmission.tolerations(next.withObject("/spec"));
            }
        } else if (target.subresource().equals("status")) {
            keepAllButStatus(strategy, next, live);
        } else if (target.subresource().equals(EphemeralContainers.NAME)) {
            next = EphemeralContainers.only(next, live);
            metadata = next.withObject("/metadata");
        }
        boolean maySpec = !List.of("status", "binding").contains(target.subresource());
        if (strategy.hasGeneration() && maySpec && strategy.specChanged(next, live)) {
            metadata.put("generation", before.path("generation").asInt() + 1);
        }
        ofMetadata.addAll(ObjectMeta.validate(next, ObjectMeta.NameRule.PATH_SEGMENT));
        ofMetadata.addAll(finalizersOnlyShrink(metadata, before));
        if (target.subresource().equals(EphemeralContainers.NAME)) {
            ofMetadata.addAll(EphemeralContainers.problems(next, live));
        }
        List<FieldError> errors = strategy.validate(next, live, ofMetadata);
        if (!errors.isEmpty()) {
            throw ApiException.invalid(type, target.name(), errors);
        }
        metadata.set("resourceVersion", before.path("resourceVersion"));
        return next;
    }

    private static void keepAllButStatus(ResourceStrategy strategy, ObjectNode next, ObjectNode live) {
        boolean custom = !strategy.servesStrategicMerge();
        live.properties().forEach(entry -> {
            if (!entry.getKey().equals("status") && !entry.getKey().equals("metadata")) {
                next.set(entry.getKey(), entry.getValue().deepCopy());
            }
        });
        next.properties().removeIf(entry -> !entry.getKey().equals("status") && !live.has(entry.getKey()));
        ObjectNode metadata = next.withObject("/metadata");
        List<String> kept = custom
                ? List.of("labels", "annotations", "finalizers", "ownerReferences", "generateName")
                : live.path("kind").asText().equals("Deployment") ? List.of("labels") : List.of();
        for (String field : kept) {
            JsonNode before = live.path("metadata").get(field);
            if (before == null) {
                metadata.remove(field);
            } else {
                metadata.set(field, before.deepCopy());
            }
        }
    }

    private static List<FieldError> finalizersOnlyShrink(JsonNode metadata, JsonNode before) {
        if (!before.has("deletionTimestamp")) {
            return List.of();
        }
        List<String> old = new ArrayList<>();
        before.path("finalizers").forEach(f -> old.add(f.asText()));
        List<FieldError> errors = new ArrayList<>();
        List<String> added = new ArrayList<>();
        metadata.path("finalizers").forEach(f -> {
            if (!old.contains(f.asText())) {
                added.add("\"" + f.asText() + "\"");
            }
        });
        if (!added.isEmpty()) {
            errors.add(new FieldError(
                    FieldError.Kind.FORBIDDEN,
                    "metadata.finalizers",
                    null,
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{"
                            + String.join(", ", added) + "}"));
        }
        return errors;
    }

    /** A write that changes nothing but the times of managed fields is not written. */
    private static boolean unchanged(ObjectNode next, ObjectNode live) {
        return Json.same(withoutTimes(next), withoutTimes(live));
    }

    private static ObjectNode withoutTimes(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        ObjectNode metadata = copy.withObject("/metadata");
        metadata.remove("resourceVersion");
        metadata.path("managedFields").forEach(entry -> ((ObjectNode) entry).remove("time"));
        return copy;
    }
}
