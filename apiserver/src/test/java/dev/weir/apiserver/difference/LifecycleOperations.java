package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Draws deletions of any kind with what holds them up, and writes of status and scale. */
final class LifecycleOperations {
    private final Plan plan;
    private final Draw draw;

    LifecycleOperations(Plan plan) {
        this.plan = plan;
        this.draw = plan.draw;
    }

    void delete(KindModel kind) {
        String name = plan.someName(kind);
        String path = plan.path(kind, name);
        switch (draw.below(16)) {
            case 0, 1, 2 -> plan.add(Step.of("DELETE", path));
            case 3, 4 -> {
                plan.add(Step.of(
                                "PATCH",
                                path,
                                Plan.json(draw.one(List.of(
                                        "{\"metadata\": {\"finalizers\": [\"weir.dev/one\"]}}",
                                        "{\"metadata\": {\"finalizers\": [\"weir.dev/one\", \"weir.dev/two\"]}}"))))
                        .type(Plan.MERGE));
                plan.add(Step.of("DELETE", path));
                plan.add(Step.of("GET", path));
            }
            case 5 ->
                plan.add(Step.of("PATCH", path, Plan.json("{\"metadata\": {\"finalizers\": null}}"))
                        .type(Plan.MERGE));
            case 6, 7 -> withPolicy(path);
            case 8 -> withPreconditions(path);
            case 9 -> plan.add(Step.of("DELETE", path + "?dryRun=All"));
            case 10 ->
                plan.add(Step.of(
                        "DELETE", path + "?gracePeriodSeconds=" + draw.one(List.of("0", "1", "30", "-1", "x"))));
            case 11 -> collection(kind);
            case 12 -> options(path);
            default -> owned(kind, path);
        }
    }

    private void withPolicy(String path) {
        String policy = draw.one(List.of("Foreground", "Foreground", "Background", "Orphan", "Orphan", "Odd"));
        if (draw.chance(50)) {
            plan.add(Step.of("DELETE", path + "?propagationPolicy=" + policy));
        } else {
            ObjectNode body = Step.JSON.createObjectNode();
            body.put("kind", "DeleteOptions").put("apiVersion", "v1").put("propagationPolicy", policy);
            plan.add(Step.of("DELETE", path, body));
        }
        plan.add(Step.of("GET", path));
        if (draw.chance(50)) {
            // as the garbage collector ends it
            plan.add(Step.of("PATCH", path, Plan.json("{\"metadata\": {\"finalizers\": null}}"))
                    .type(Plan.MERGE));
        }
    }

    private void withPreconditions(String path) {
        int read = plan.add(Step.of("GET", path));
        ObjectNode body = Step.JSON.createObjectNode();
        body.put("kind", "DeleteOptions").put("apiVersion", "v1");
        ObjectNode conditions = body.putObject("preconditions");
        if (draw.chance(60)) {
            conditions.put(
                    "uid",
                    draw.chance(50) ? "${step:" + read + ":/metadata/uid}" : "44444444-4444-4444-4444-444444444444");
        }
        if (draw.chance(50)) {
            conditions.put("resourceVersion", draw.chance(50) ? "${step:" + read + ":/metadata/resourceVersion}" : "1");
        }
        plan.add(Step.of("DELETE", path, body));
    }

    private void options(String path) {
        plan.add(Step.of(
                "DELETE",
                path,
                Plan.json(draw.one(List.of(
                        "{}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", \"gracePeriodSeconds\": 0}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", \"gracePeriodSeconds\": -5}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", \"orphanDependents\": true}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", \"orphanDependents\": true, \"propagationPolicy\": \"Orphan\"}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"meta.k8s.io/v1\", \"dryRun\": [\"All\"]}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", \"dryRun\": [\"Some\"]}",
                        "{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", \"surprise\": 1}")))));
    }

    private void collection(KindModel kind) {
        String selector = "seq=" + plan.word + draw.one(List.of("", ",app=one", ",tier"));
        String query = "?" + Plan.query("labelSelector", selector)
                + draw.one(List.of("", "&dryRun=All", "&propagationPolicy=Orphan"));
        plan.add(Step.of("DELETE", plan.collection(kind) + query));
    }

    /** Says that one object is owned by another one. */
    private void owned(KindModel kind, String path) {
        int read = plan.add(Step.of("GET", plan.path(kind, plan.someName(kind))));
        ObjectNode body = Step.JSON.createObjectNode();
        ObjectNode reference =
                body.putObject("metadata").putArray("ownerReferences").addObject();
        reference.put("apiVersion", kind.apiVersion()).put("kind", kind.kind());
        reference.put("name", "${step:" + read + ":/metadata/name}").put("uid", "${step:" + read + ":/metadata/uid}");
        if (draw.chance(50)) {
            reference.put("controller", true);
        }
        if (draw.chance(50)) {
            reference.put("blockOwnerDeletion", true);
        }
        plan.add(Step.of("PATCH", path, body).type(Plan.MERGE));
    }

    /** Reads or writes the status, as the kind's controller would. */
    void status(KindModel kind) {
        String name = plan.someName(kind);
        String path = plan.path(kind, name);
        JsonNode status = kind.has("status") ? plan.oneOf(kind, "status", name) : Plan.json("{\"status\": {}}");
        String manager = draw.chance(40) ? "?fieldManager=controller" : "";
        switch (draw.below(7)) {
            case 0 -> plan.add(Step.of("GET", path + "/status"));
            case 1, 2, 3 ->
                plan.add(Step.of("PATCH", path + "/status" + manager, status).type(Plan.MERGE));
            case 4 -> {
                int read = plan.add(Step.of("GET", path));
                plan.add(Step.of("PUT", path + "/status" + manager, Plan.answer(read, status)));
            }
            case 5 ->
                plan.add(Step.of("PATCH", path + "/status" + manager, status)
                        .type(kind.custom() ? Plan.MERGE : Plan.STRATEGIC));
            default -> {
                ObjectNode object = Plan.head(kind, Plan.version(path));
                object.putObject("metadata").put("name", name);
                object.set("status", status.path("status"));
                plan.add(Step.of(
                                "PATCH",
                                path + "/status?fieldManager=" + draw.one(List.of("alpha", "beta"))
                                        + (draw.chance(30) ? "&force=true" : ""),
                                object)
                        .type(Plan.APPLY));
            }
        }
    }

    /** Reads or writes the scale. */
    void scale(KindModel kind) {
        String name = plan.someName(kind);
        String path = plan.path(kind, name) + "/scale";
        int replicas = draw.below(6);
        // applied to the scale of a custom resource a real server answers 500
        switch (draw.below(kind.custom() ? 6 : 7)) {
            case 0, 1 -> plan.add(Step.of("GET", path));
            case 2, 3 ->
                plan.add(Step.of(
                                "PATCH",
                                path,
                                Plan.json("{\"spec\": {\"replicas\": "
                                        + draw.one(List.of("" + replicas, "-1", "null", "" + replicas))
                                        + "}}"))
                        .type(Plan.MERGE));
            case 4, 5 -> {
                int read = plan.add(Step.of("GET", path));
                plan.add(Step.of(
                        "PUT",
                        path + (draw.chance(50) ? "?fieldManager=scaler" : ""),
                        Plan.answer(read, Plan.json("{\"spec\": {\"replicas\": " + replicas + "}}"))));
            }
            default ->
                plan.add(Step.of(
                                "PATCH",
                                path + "?fieldManager=" + draw.one(List.of("alpha", "beta", "scaler"))
                                        + (draw.chance(50) ? "&force=true" : ""),
                                Plan.json(
                                        "{\"apiVersion\": \"autoscaling/v1\", \"kind\": \"Scale\", \"metadata\": {\"name\": \""
                                                + name + "\"}, \"spec\": {\"replicas\": " + replicas + "}}"))
                        .type(Plan.APPLY));
        }
    }
}
