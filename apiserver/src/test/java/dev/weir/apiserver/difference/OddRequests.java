package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;

/** Draws requests that are wrong in their form: paths, methods, content types, bodies, names. */
final class OddRequests {
    private final Plan plan;
    private final Draw draw;
    private final List<KindModel> kinds;

    OddRequests(Plan plan, List<KindModel> kinds) {
        this.plan = plan;
        this.draw = plan.draw;
        this.kinds = kinds;
    }

    void draw(int operations) {
        WriteOperations writes = new WriteOperations(plan);
        KindModel kind = draw.one(kinds);
        writes.create(kind);
        for (int i = 0; i < operations; i++) {
            switch (draw.below(7)) {
                case 0 -> path(kind);
                case 1 -> method(kind);
                case 2 -> contentType(kind);
                case 3 -> text(kind);
                case 4 -> name(kind);
                case 5 -> accept(kind);
                default -> writes.add(kind);
            }
        }
        new ReadOperations(plan).watches(List.of(kind));
    }

    private void path(KindModel kind) {
        plan.add(Step.of(
                "GET",
                draw.one(List.of(
                        "/api/v1/nothings",
                        "/api/v2/pods",
                        "/apis/none.example.com/v1/things",
                        "/apis/apps/v9/deployments",
                        "/apis/apps/v1/namespaces/" + plan.namespace() + "/nothings",
                        "/nothing",
                        "/apis/apps/v1/namespaces/" + plan.namespace() + "/deployments/one/nothing",
                        "/api/v1/namespaces/none-such/configmaps",
                        "/api/v1/namespaces/none-such/configmaps/one",
                        "/api/v1/namespaces/none-such",
                        plan.collection(kind) + "/Bad_Name",
                        // of all namespaces it would list what other sequences make at the same time
                        plan.collection(kind) + (kind.cluster() ? "/none" : "/"),
                        plan.path(kind, "one") + "/nothing"))));
    }

    private void method(KindModel kind) {
        String collection = plan.collection(kind);
        String one = plan.path(kind, plan.name(kind, "one"));
        JsonNode body = plan.object(kind, plan.name(kind, "one"), Plan.version(collection));
        plan.add(
                switch (draw.below(6)) {
                    case 0 -> Step.of("PUT", collection, body);
                    case 1 -> Step.of("PUT", collection, body);
                    case 2 -> Step.of("POST", one, body);
                    case 3 -> Step.of("POST", one + "/status", body);
                    case 4 -> Step.of("DELETE", one + "/status");
                    default -> Step.of("POST", "/version", body);
                });
    }

    private void contentType(KindModel kind) {
        String collection = plan.collection(kind);
        String one = plan.path(kind, plan.name(kind, "one"));
        JsonNode body = plan.object(kind, plan.name(kind, "one"), Plan.version(collection));
        plan.add(
                switch (draw.below(6)) {
                    case 0 -> Step.of("POST", collection, body).type("text/plain");
                    case 1 -> Step.of("POST", collection, body).type("application/yaml");
                    case 2 -> Step.of("PATCH", one, body).type("application/json");
                    case 3 -> Step.of("PATCH", one, body).type("application/apply-patch+json");
                    case 4 -> Step.of("PUT", one, body).type("application/json; charset=utf-8");
                    default -> Step.of("PATCH", one, body).type("application/odd-patch+json");
                });
    }

    private static JsonNode raw(String text) {
        return JsonNodeFactory.instance.textNode(text);
    }

    private void text(KindModel kind) {
        String collection = plan.collection(kind);
        String one = plan.path(kind, plan.name(kind, "one"));
        String head = "\"apiVersion\": \"" + kind.apiVersion() + "\", \"kind\": \"" + kind.kind() + "\"";
        if (kind.kind().equals("Service")) {
            path(kind);
            return;
        }
        JsonNode body = raw(draw.one(List.of(
                "{",
                "[]",
                "\"text\"",
                "",
                "{" + head + "}",
                "{" + head + ", \"metadata\": {\"name\": \"dup\", \"name\": \"dup2\"}}",
                "{" + head + ", \"metadata\": {\"name\": 5}}",
                "{" + head + ", \"metadata\": []}",
                "{\"metadata\": {\"name\": \"x\"}}",
                "{" + head + ", \"metadata\": {\"name\": \"x\", \"labels\": {\"a\": null}}}")));
        switch (draw.below(3)) {
            case 0 -> plan.add(Step.of("POST", collection + (draw.chance(50) ? "?fieldValidation=Strict" : ""), body));
            case 1 ->
                plan.add(Step.of("PATCH", one, body)
                        .type(draw.one(List.of(Plan.MERGE, Plan.JSON_PATCH, Plan.STRATEGIC))));
            default ->
                plan.add(Step.of("PATCH", one + "?fieldManager=alpha", body).type(Plan.APPLY));
        }
    }

    private void name(KindModel kind) {
        String name = draw.one(List.of(
                "Upper",
                "under_score",
                "-dash",
                "dot.ted",
                "a".repeat(64),
                "a".repeat(254),
                "..",
                "per%cent",
                "sla/sh",
                ""));
        String path = plan.collection(kind);
        // without a name a real server tries every address that there is for a Service
        boolean endless = kind.kind().equals("Service") && name.isEmpty();
        plan.add(Step.of("POST", path, plan.object(kind, endless ? "Upper" : name, Plan.version(path))));
    }

    private void accept(KindModel kind) {
        plan.add(Step.of(
                        "GET",
                        draw.chance(50)
                                ? plan.collection(kind).concat("?" + Plan.query("labelSelector", "seq=" + plan.word))
                                : plan.path(kind, plan.name(kind, "one")))
                .accepting(draw.one(List.of(
                        "text/plain",
                        "application/json;as=Table;v=v9;g=meta.k8s.io",
                        "application/json;as=Table;v=v1;g=meta.k8s.io",
                        "application/json;as=Odd;v=v1;g=meta.k8s.io",
                        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
                        "*/*",
                        "image/png,*/*;q=0.1"))));
    }
}
