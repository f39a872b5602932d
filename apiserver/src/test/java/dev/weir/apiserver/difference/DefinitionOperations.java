package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Draws definitions of custom resources, good and bad, and objects of those that are served. */
final class DefinitionOperations {
    private static final JsonNode PARTS =
            KindModel.documents("definitions.yaml").getFirst();
    private static final String DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private final Plan plan;
    private final Draw draw;
    private final String group;
    private final String objects;

    DefinitionOperations(Plan plan) {
        this.plan = plan;
        this.draw = plan.draw;
        this.group = plan.word + ".example.com";
        this.objects = "/apis/" + group + "/v1/namespaces/" + plan.namespace() + "/things";
    }

    void draw(int operations) {
        if (draw.chance(40)) {
            refused(operations);
        } else {
            served(operations);
        }
    }

    /** Definitions that a server should not take; where it does, it is as well to know what it makes of them. */
    private void refused(int operations) {
        for (int i = 0; i < operations / 2; i++) {
            ObjectNode definition = definition("wrong" + i);
            JsonNode bad = plan.value(draw.one(PARTS.path("bad")), plan.word);
            plan.add(Step.of("POST", DEFINITIONS + "?dryRun=All", Executor.merge(definition, bad)));
            ObjectNode schema = definition("schema" + i);
            version(schema)
                    .withObject("/schema")
                    .set("openAPIV3Schema", plan.value(draw.one(PARTS.path("badSchemas")), plan.word));
            plan.add(Step.of("POST", DEFINITIONS + "?dryRun=All", schema));
        }
    }

    private static ObjectNode version(ObjectNode definition) {
        return (ObjectNode) definition.path("spec").path("versions").get(0);
    }

    private ObjectNode definition(String plural) {
        ObjectNode definition = Step.JSON.createObjectNode();
        definition.put("apiVersion", "apiextensions.k8s.io/v1").put("kind", "CustomResourceDefinition");
        definition.putObject("metadata").put("name", plural + "." + group);
        ObjectNode spec = definition.putObject("spec");
        spec.put("group", group).put("scope", "Namespaced");
        ObjectNode names = spec.putObject("names");
        names.put("plural", plural).put("kind", plural.equals("things") ? "Thing" : "K" + plural);
        if (draw.chance(50)) {
            names.put("singular", plural + "one").putArray("shortNames").add(plural + "s");
        }
        ObjectNode version = spec.putArray("versions").addObject();
        version.put("name", "v1").put("served", true).put("storage", true);
        version.putObject("schema").set("openAPIV3Schema", schema());
        ObjectNode subresources = version.putObject("subresources");
        if (draw.chance(60)) {
            subresources.putObject("status");
        }
        if (draw.chance(40)) {
            subresources.putObject("scale").put("specReplicasPath", ".spec.n").put("statusReplicasPath", ".status.n");
        }
        if (draw.chance(50)) {
            version.set("additionalPrinterColumns", plan.value(PARTS.path("columns"), plural));
        }
        return definition;
    }

    /** A schema of fields that are drawn from the parts. */
    private ObjectNode schema() {
        ObjectNode schema = Step.JSON.createObjectNode();
        schema.put("type", "object");
        ObjectNode spec = schema.putObject("properties").putObject("spec");
        spec.put("type", "object");
        ObjectNode properties = spec.putObject("properties");
        properties.set("n", Plan.json("{\"type\": \"integer\"}"));
        for (int i = 0; i < 5; i++) {
            properties.set("f" + i, plan.value(draw.one(PARTS.path("fields")), plan.word));
        }
        if (draw.chance(30)) {
            spec.put("x-kubernetes-preserve-unknown-fields", true);
        }
        if (draw.chance(30)) {
            spec.set("default", Plan.json("{}"));
        }
        if (draw.chance(30)) {
            spec.set("required", Plan.json("[\"f0\"]"));
        }
        ((ObjectNode) schema.path("properties"))
                .set(
                        "status",
                        Plan.json(
                                "{\"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}, \"phase\": {\"type\": \"string\", \"default\": \"New\"}}}"));
        return schema;
    }

    private void served(int operations) {
        ObjectNode definition = definition("things");
        plan.add(Step.of("POST", DEFINITIONS, definition));
        plan.settle(Settling.DEFINITIONS + objects);
        String path = DEFINITIONS + "/things." + group;
        plan.add(Step.of("GET", path));
        for (int i = 0; i < operations; i++) {
            object();
        }
        if (draw.chance(50)) {
            plan.add(Step.of("PATCH", path, plan.value(draw.one(PARTS.path("changes")), "things"))
                    .type(Plan.MERGE));
            plan.settle(Settling.DEFINITIONS + objects);
            plan.add(Step.of("GET", objects));
            object();
            object();
            plan.add(Step.of("GET", path).accepting(Step.TABLE));
        }
        plan.add(Step.of("GET", objects).accepting(Step.TABLE));
        plan.add(Step.of(Step.WATCH, objects + "?watch=1&timeoutSeconds=1&resourceVersion=${start}"));
    }

    private ObjectNode thing(String name) {
        ObjectNode thing = Step.JSON.createObjectNode();
        thing.put("apiVersion", group + "/v1").put("kind", "Thing");
        thing.putObject("metadata").put("name", name);
        ObjectNode spec = thing.putObject("spec");
        for (int i = 0; i < 5; i++) {
            if (draw.chance(60)) {
                spec.set("f" + i, plan.value(draw.one(PARTS.path("values")), plan.word));
            }
        }
        if (draw.chance(30)) {
            spec.put("n", draw.below(4));
        }
        if (draw.chance(20)) {
            spec.put("unknown", 1);
        }
        if (draw.chance(20)) {
            thing.putObject("status").put("n", 1);
        }
        return thing;
    }

    private void object() {
        String name = draw.one(Plan.NAMES);
        String one = objects + "/" + name;
        switch (draw.below(10)) {
            case 0, 1, 2 ->
                plan.add(Step.of(
                        "POST",
                        objects + draw.one(List.of("", "", "?fieldValidation=Strict", "?dryRun=All")),
                        thing(name)));
            case 3 -> {
                int read = plan.add(Step.of("GET", one));
                plan.add(Step.of(
                        "PUT",
                        one,
                        Plan.answer(read, Plan.json("{\"spec\": " + thing(name).get("spec") + "}"))));
            }
            case 4, 5 ->
                plan.add(Step.of(
                                "PATCH",
                                one + "?fieldManager=" + draw.one(List.of("alpha", "beta"))
                                        + (draw.chance(40) ? "&force=true" : ""),
                                thing(name))
                        .type(Plan.APPLY));
            case 6 ->
                plan.add(Step.of(
                                "PATCH",
                                one,
                                Plan.json("{\"spec\": " + thing(name).get("spec") + "}"))
                        .type(Plan.MERGE));
            case 7 ->
                plan.add(Step.of("PATCH", one + "/status", Plan.json("{\"status\": {\"n\": " + draw.below(4) + "}}"))
                        .type(Plan.MERGE));
            case 8 ->
                plan.add(
                        Step.of("PATCH", one + "/scale", Plan.json("{\"spec\": {\"replicas\": " + draw.below(4) + "}}"))
                                .type(Plan.MERGE));
            default -> plan.add(Step.of(draw.chance(60) ? "GET" : "DELETE", one));
        }
    }
}
