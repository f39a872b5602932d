package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.merge.FieldManagement;
import dev.weir.apiserver.merge.FieldSet;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.Deletes;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.rest.Resources;
import dev.weir.apiserver.rest.Scales;
import dev.weir.apiserver.schema.BuiltInSchemas;
import dev.weir.apiserver.schema.Schema;
import dev.weir.apiserver.store.VersionedStore;
import dev.weir.apiserver.table.Tables;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Serves what CustomResourceDefinitions define, from the moment of their write on. */
public final class Definitions {
    /** Under which name definitions are stored. */
    public static final String RESOURCE = "customresourcedefinitions.apiextensions.k8s.io";

    private static final List<String> VERBS =
            List.of("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch");

    private final Resources resources;
    private final Tables tables;
    private final Clock clock;
    private final Rules rules = new Rules();
    private final Set<JsonNode> vouched = ConcurrentHashMap.newKeySet();
    private final Map<String, Scales.Paths> scales = new ConcurrentHashMap<>();
    private final Map<String, ObjectNode> documents = new ConcurrentHashMap<>();
    private final Schema objectMeta;

    public Definitions(Resources resources, Tables tables, Clock clock) {
        this.resources = resources;
        this.tables = tables;
        this.clock = clock;
        resources.addCheck(
                RESOURCE, (definition, old) -> DefinitionValidation.validate(rules, vouched, definition, old));
        this.objectMeta =
                new BuiltInSchemas().of("", "v1", "ConfigMap").properties().getOrDefault("metadata", Schema.UNKNOWN);
    }

    /** Where custom kinds keep their replicas, by qualified plural. */
    public Map<String, Scales.Paths> scales() {
        return scales;
    }

    /** OpenAPI documents by path. */
    public Map<String, ObjectNode> documents() {
        return documents;
    }

    /**
     * Takes the rules of a definition to be sound without compiling them. To load the compiler takes longer than all
     * else at the start of a server; a rule that is not sound refuses the first write that it concerns.
     */
    public void vouchFor(JsonNode definition) {
        vouched.addAll(RuleChecks.all(definition));
    }

    /** To be called after every write to the store. */
    public void written(VersionedStore.Event event) {
        if (event.entry().key().resource().equals(RESOURCE)) {
            if (event.change() == VersionedStore.Change.DELETED) {
                withdraw(event.entry().object());
            } else {
                serve(event.entry());
            }
        }
    }

    /** Serves a definition that an earlier server stored, or goes on deleting it. */
    public void takeUp(VersionedStore.Entry stored) {
        VersionedStore.Event event = VersionedStore.Event.added(stored);
        written(event);
        if (stored.object().path("metadata").has("deletionTimestamp")) {
            cleanUp(new VersionedStore.Event(VersionedStore.Change.MODIFIED, stored, stored, event.encodings()));
        }
    }

    private void withdraw(ObjectNode definition) {
        String name = definition.path("metadata").path("name").asText();
        String group = definition.path("spec").path("group").asText();
        resources.kinds().setCustom(name, group, List.of());
        scales.remove(name);
        resources.store().forget(name);
    }

    private void serve(VersionedStore.Entry entry) {
        ObjectNode definition = entry.object();
        if (definition.path("metadata").has("deletionTimestamp")) {
            return;
        }
        List<ResourceType> types = new ArrayList<>();
        JsonNode spec = definition.path("spec");
        for (JsonNode version : spec.path("versions")) {
            if (!version.path("served").asBoolean()) {
                continue;
            }
            ResourceType type = type(spec, version);
            types.add(type);
            resources.setStrategy(
                    type, new CustomStrategy(type, version, storageSchema(spec, version), objectMeta, rules));
            tables.setCustom(
                    type, version.get("additionalPrinterColumns") instanceof ArrayNode columns ? columns : null);
            JsonNode scale = version.path("subresources").path("scale");
            if (scale.isObject()) {
                scales.put(
                        type.qualifiedPlural(),
                        new Scales.Paths(
                                scale.path("specReplicasPath").asText(".").substring(1),
                                scale.path("statusReplicasPath").asText(".").substring(1),
                                scale.path("labelSelectorPath").asText(".").substring(1)));
            }
        }
        resources
                .kinds()
                .setCustom(
                        definition.path("metadata").path("name").asText(),
                        spec.path("group").asText(),
                        types);
        types.forEach(type -> documents.put("apis/" + type.apiVersion(), OpenApiDocuments.of(resources, type)));
        if (!established(definition)) {
            establish(entry);
        }
    }

    private static @Nullable JsonNode storageSchema(JsonNode spec, JsonNode version) {
        if (version.path("storage").asBoolean()) {
            return null;
        }
        return spec.path("versions")
                .valueStream()
                .filter(other -> other.path("storage").asBoolean())
                .map(other -> other.path("schema").path("openAPIV3Schema"))
                .findFirst()
                .orElse(null);
    }

    private static ResourceType type(JsonNode spec, JsonNode version) {
        JsonNode names = spec.path("names");
        String kind = names.path("kind").asText();
        Set<String> subresources = new LinkedHashSet<>();
        version.path("subresources").fieldNames().forEachRemaining(subresources::add);
        return new ResourceType(
                spec.path("group").asText(),
                version.path("name").asText(),
                names.path("plural").asText(),
                names.path("singular").asText(kind.toLowerCase(Locale.ROOT)),
                kind,
                names.path("listKind").asText(kind + "List"),
                spec.path("scope").asText().equals("Namespaced"),
                texts(names.path("shortNames")),
                texts(names.path("categories")),
                VERBS,
                subresources);
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(item -> texts.add(item.asText()));
        return texts;
    }

    private static boolean established(ObjectNode definition) {
        for (JsonNode condition : definition.path("status").path("conditions")) {
            if (condition.path("type").asText().equals("Established")) {
                return true;
            }
        }
        return false;
    }

    private void establish(VersionedStore.Entry entry) {
        ObjectNode next = entry.object().deepCopy();
        ObjectNode status = Json.MAPPER.createObjectNode();
        String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        ArrayNode conditions = status.putArray("conditions");
        conditions
                .addObject()
                .put("type", "NamesAccepted")
                .put("status", "True")
                .put("lastTransitionTime", now)
                .put("reason", "NoConflicts")
                .put("message", "no conflicts found");
        conditions
                .addObject()
                .put("type", "Established")
                .put("status", "True")
                .put("lastTransitionTime", now)
                .put("reason", "InitialNamesAccepted")
                .put("message", "the initial names have been accepted");
        ObjectNode names = (ObjectNode) next.path("spec").path("names").deepCopy();
        String kind = names.path("kind").asText();
        if (!names.has("singular")) {
            names.put("singular", kind.toLowerCase(Locale.ROOT));
        }
        if (!names.has("listKind")) {
            names.put("listKind", kind + "List");
        }
        status.set("acceptedNames", names);
        next.withObject("/spec").set("names", names.deepCopy());
        ArrayNode stored = status.putArray("storedVersions");
        next.path("spec").path("versions").forEach(version -> {
            if (version.path("storage").asBoolean()) {
                stored.add(version.path("name").asText());
            }
        });
        next.set("status", status);
        ResourceType type = resources
                .kinds()
                .find("apiextensions.k8s.io", "v1", "customresourcedefinitions")
                .orElseThrow();
        new FieldManagement(resources.strategy(type).schema(), type.apiVersion(), new FieldSet())
                .track(entry.object(), next, new FieldManagement.Writer("kube-apiserver", "status", now));
        resources.store().replace(entry.key(), entry.revision(), next);
    }

    /** Deletes the instances of a definition that is being deleted, then lets it go. */
    public void cleanUp(VersionedStore.Event event) {
        boolean terminating = event.change() == VersionedStore.Change.MODIFIED
                && event.entry().key().resource().equals(RESOURCE)
                && event.entry().object().path("metadata").has("deletionTimestamp");
        if (!terminating
                || !texts(event.entry().object().path("metadata").path("finalizers"))
                        .contains(Deletes.CLEANUP)) {
            return;
        }
        VersionedStore store = resources.store();
        try {
            for (VersionedStore.Entry instance :
                    store.list(event.entry().key().name(), null, 0).entries()) {
                store.remove(
                        instance.key(), instance.revision(), instance.object().deepCopy());
            }
        } catch (VersionedStore.CompactedException impossible) {
            throw new IllegalStateException(impossible);
        }
        ObjectNode last = event.entry().object().deepCopy();
        last.withObject("/metadata").remove("finalizers");
        store.remove(event.entry().key(), event.entry().revision(), last);
    }
}
