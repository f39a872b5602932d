package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Draws creates, replacements, patches and applies of any kind. */
final class WriteOperations {
    private static final JsonNode METADATA =
            KindModel.documents("metadata.yaml").getFirst();

    private final Plan plan;
    private final Draw draw;

    WriteOperations(Plan plan) {
        this.plan = plan;
        this.draw = plan.draw;
    }

    void add(KindModel kind) {
        switch (draw.below(20)) {
            case 0, 1, 2, 3 -> create(kind);
            case 4 -> createDoubtful(kind);
            case 5, 6 -> replace(kind);
            case 7 -> readModifyWrite(kind);
            case 8, 9 -> patch(kind, "merge", Plan.MERGE);
            case 10, 11 -> patch(kind, "strategic", Plan.STRATEGIC);
            case 12, 13 -> patch(kind, "json", Plan.JSON_PATCH);
            case 14, 15, 16, 17 -> apply(kind);
            case 18 -> metadata(kind);
            default -> makeDoubtful(kind);
        }
    }

    void create(KindModel kind) {
        String path = plan.collection(kind);
        ObjectNode object = plan.object(kind, plan.someName(kind), Plan.version(path));
        if (draw.chance(8)) {
            ObjectNode metadata = (ObjectNode) object.get("metadata");
            metadata.remove("name");
            metadata.put("generateName", "gen-");
            plan.add(Step.of("POST", path + "?dryRun=All", object));
            return;
        }
        plan.add(Step.of("POST", path + options(), object));
    }

    private String options() {
        return switch (draw.below(12)) {
            case 0 -> "?dryRun=All";
            case 1 -> "?fieldManager=creator";
            case 2 -> "?fieldValidation=Strict";
            case 3 -> "?fieldValidation=Ignore";
            case 4 -> "?fieldValidation=Strict&dryRun=All";
            case 5 -> draw.one(List.of("?fieldValidation=Odd", "?dryRun=Some", "?pretty=false", "?fieldManager=a%0Ab"));
            default -> "";
        };
    }

    private void createDoubtful(KindModel kind) {
        if (!kind.has("bad")) {
            create(kind);
            return;
        }
        String path = plan.collection(kind);
        String name = plan.someName(kind);
        JsonNode object = Executor.merge(plan.object(kind, name, Plan.version(path)), plan.oneOf(kind, "bad", name));
        plan.add(Step.of("POST", path + (draw.chance(20) ? "?fieldValidation=Strict" : ""), object));
    }

    /** Makes a good object doubtful by a patch. */
    private void makeDoubtful(KindModel kind) {
        if (kind.has("bad")) {
            patch(kind, "bad", Plan.MERGE);
        } else {
            create(kind);
        }
    }

    private void replace(KindModel kind) {
        String name = plan.someName(kind);
        String path = plan.path(kind, name);
        ObjectNode object = plan.object(kind, name, Plan.version(path));
        ObjectNode metadata = (ObjectNode) object.get("metadata");
        switch (draw.below(14)) {
            case 0 -> metadata.put("resourceVersion", "1");
            case 1 -> metadata.put("uid", "11111111-1111-1111-1111-111111111111");
            case 2 -> metadata.put("name", "other");
            case 3 -> metadata.put("namespace", "elsewhere");
            case 4 -> object.put("kind", kind.custom() ? kind.kind() : "Other");
            case 5 -> object.put("apiVersion", "other/v1");
            case 6 -> metadata.put("resourceVersion", "nonsense");
            case 7 -> metadata.put("creationTimestamp", "2026-01-01T00:00:00Z");
            default -> {
                // as it is
            }
        }
        if (kind.custom() && draw.chance(70)) {
            int read = plan.add(Step.of("GET", path));
            metadata.put("resourceVersion", "${step:" + read + ":/metadata/resourceVersion}");
        }
        plan.add(Step.of("PUT", path + options(), object));
    }

    /** What clients with a cache do: the object as it was read, with a change. */
    private void readModifyWrite(KindModel kind) {
        String name = plan.someName(kind);
        String path = plan.path(kind, name);
        int read = plan.add(Step.of("GET", path));
        if (draw.chance(20)) {
            metadataOf(kind, name, path);
        }
        String part = kind.has("merge") && draw.chance(60) ? "merge" : "object";
        JsonNode overlay =
                part.equals("merge") ? plan.oneOf(kind, "merge", name) : plan.value(kind.part("object"), name);
        plan.add(Step.of("PUT", path + (draw.chance(20) ? "?fieldManager=writer" : ""), Plan.answer(read, overlay)));
    }

    private void patch(KindModel kind, String part, String type) {
        if (!kind.has(part)) {
            apply(kind);
            return;
        }
        String name = plan.someName(kind);
        JsonNode body = plan.oneOf(kind, part, name);
        if (part.equals("merge") && draw.chance(15)) {
            ObjectNode guarded = body.deepCopy();
            guarded.putObject("metadata").put("resourceVersion", draw.chance(50) ? "1" : "0");
            body = guarded;
        }
        String manager = draw.chance(30) ? "?fieldManager=patcher" : "";
        String more = draw.chance(10) ? (manager.isEmpty() ? "?" : "&") + "dryRun=All" : "";
        String strict =
                draw.chance(10) ? (manager.isEmpty() && more.isEmpty() ? "?" : "&") + "fieldValidation=Strict" : "";
        plan.add(Step.of("PATCH", plan.path(kind, name) + manager + more + strict, body)
                .type(type));
    }

    /** Two appliers who do not always agree. */
    void apply(KindModel kind) {
        if (!kind.has("apply")) {
            create(kind);
            return;
        }
        String name = plan.someName(kind);
        String path = plan.path(kind, name);
        ObjectNode object = Plan.head(kind, Plan.version(path));
        ObjectNode metadata = object.putObject("metadata");
        metadata.put("name", name);
        ObjectNode labels = metadata.putObject("labels");
        labels.put("seq", plan.word);
        if (draw.chance(40)) {
            labels.put("app", draw.one(Plan.NAMES));
        }
        if (plan.oneOf(kind, "apply", name) instanceof ObjectNode content) {
            object.setAll(content);
        }
        switch (draw.below(25)) {
            case 0 -> metadata.put("resourceVersion", "1");
            case 1 -> metadata.putArray("managedFields");
            case 2 -> metadata.put("name", "other");
            case 3 -> object.remove("kind");
            case 4 -> object.put("surprise", 1);
            default -> {
                // as it is
            }
        }
        String manager = draw.chance(50) ? "alpha" : "beta";
        String query = "?fieldManager=" + manager + (draw.chance(35) ? "&force=true" : "")
                + (draw.chance(8) ? "&dryRun=All" : "");
        if (draw.chance(3)) {
            query = draw.chance(50) ? "" : "?force=true";
        }
        plan.add(Step.of("PATCH", path + query, object).type(Plan.APPLY));
    }

    private void metadata(KindModel kind) {
        String name = plan.someName(kind);
        metadataOf(kind, name, plan.path(kind, name));
    }

    private void metadataOf(KindModel kind, String name, String path) {
        JsonNode body = plan.value(draw.one(METADATA), name);
        boolean strategic = !kind.custom() && draw.chance(30);
        plan.add(Step.of("PATCH", path, body).type(strategic ? Plan.STRATEGIC : Plan.MERGE));
    }
}
