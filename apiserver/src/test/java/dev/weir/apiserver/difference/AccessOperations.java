package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Draws roles and bindings, and what a user who has only those may do and may hand on. */
final class AccessOperations {
    private static final String RBAC = "rbac.authorization.k8s.io";
    private static final String DEV = "dev";

    private final Plan plan;
    private final Draw draw;
    private final String root;

    AccessOperations(Plan plan) {
        this.plan = plan;
        this.draw = plan.draw;
        this.root = "/apis/" + RBAC + "/v1/namespaces/" + plan.namespace();
    }

    void draw(int operations) {
        plan.add(Step.of("POST", root + "/roles", role("Role", "held", 2)));
        plan.add(Step.of("POST", root + "/rolebindings", binding("held", "Role", "held", DEV)));
        plan.settle(Settling.ACCESS);
        for (int i = 0; i < operations; i++) {
            switch (draw.below(10)) {
                case 0, 1, 2 -> ask();
                case 3 -> review();
                case 4 -> change();
                case 5, 6 ->
                    plan.add(Step.of("POST", root + "/roles", role("Role", draw.one(Plan.NAMES), 2))
                            .as(DEV));
                case 7 ->
                    plan.add(Step.of(
                                    "POST",
                                    root + "/rolebindings",
                                    binding(
                                            draw.one(Plan.NAMES),
                                            draw.one(List.of("Role", "ClusterRole")),
                                            draw.one(List.of("held", "one", "two", "none")),
                                            "someone"))
                            .as(DEV));
                case 8 -> impersonate();
                default -> edit();
            }
        }
        plan.add(Step.of("GET", root + "/roles"));
        plan.add(Step.of("GET", root + "/rolebindings"));
    }

    private JsonNode rule() {
        return Plan.json(
                draw.one(
                        List.of(
                                "{\"apiGroups\": [\"\"], \"resources\": [\"configmaps\"], \"verbs\": [\"get\", \"list\", \"create\"]}",
                                "{\"apiGroups\": [\"\"], \"resources\": [\"configmaps\"], \"verbs\": [\"*\"]}",
                                "{\"apiGroups\": [\"\"], \"resources\": [\"configmaps\"], \"resourceNames\": [\"one\"], \"verbs\": [\"get\", \"delete\"]}",
                                "{\"apiGroups\": [\"\", \"apps\"], \"resources\": [\"secrets\", \"deployments\"], \"verbs\": [\"get\", \"watch\"]}",
                                "{\"apiGroups\": [\"*\"], \"resources\": [\"*\"], \"verbs\": [\"get\"]}",
                                "{\"apiGroups\": [\"\"], \"resources\": [\"pods\", \"pods/status\"], \"verbs\": [\"get\", \"patch\"]}",
                                "{\"apiGroups\": [\"\"], \"resources\": [\"*/status\"], \"verbs\": [\"patch\"]}",
                                "{\"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"roles\", \"rolebindings\"], \"verbs\": [\"*\"]}",
                                "{\"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"roles\", \"rolebindings\"], \"verbs\": [\"create\", \"update\", \"patch\"]}",
                                "{\"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"roles\"], \"verbs\": [\"escalate\", \"bind\"]}",
                                "{\"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"clusterroles\"], \"resourceNames\": [\"view\"], \"verbs\": [\"bind\"]}")));
    }

    private ObjectNode role(String kind, String name, int rules) {
        ObjectNode role = Step.JSON.createObjectNode();
        role.put("apiVersion", RBAC + "/v1").put("kind", kind);
        role.putObject("metadata").put("name", name);
        ArrayNode list = role.putArray("rules");
        int count = 1 + draw.below(rules);
        for (int i = 0; i < count; i++) {
            list.add(rule());
        }
        if (name.equals("held") && draw.chance(60)) {
            list.add(
                    Plan.json(
                            "{\"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"roles\", \"rolebindings\"], \"verbs\": [\"create\", \"update\", \"patch\", \"get\", \"delete\"]}"));
        }
        return role;
    }

    private ObjectNode binding(String name, String kind, String role, String user) {
        ObjectNode binding = Step.JSON.createObjectNode();
        binding.put("apiVersion", RBAC + "/v1").put("kind", "RoleBinding");
        binding.putObject("metadata").put("name", name);
        binding.putObject("roleRef").put("apiGroup", RBAC).put("kind", kind).put("name", role);
        binding.putArray("subjects")
                .addObject()
                .put("kind", "User")
                .put("apiGroup", RBAC)
                .put("name", user);
        return binding;
    }

    /** The user tries something. */
    private void ask() {
        String core = "/api/v1/namespaces/" + plan.namespace();
        String map = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \""
                + draw.one(Plan.NAMES) + "\"}}";
        Step step = switch (draw.below(14)) {
            case 0 -> Step.of("GET", core + "/configmaps/" + draw.one(Plan.NAMES));
            case 1 -> Step.of("GET", core + "/configmaps");
            case 2 -> Step.of("POST", core + "/configmaps", Plan.json(map));
            case 3 -> Step.of("DELETE", core + "/configmaps/" + draw.one(Plan.NAMES));
            case 4 -> Step.of("DELETE", core + "/configmaps");
            case 5 -> Step.of("GET", core + "/secrets/one");
            case 6 ->
                Step.of("PATCH", core + "/pods/one/status", Plan.json("{}")).type(Plan.MERGE);
            case 7 -> Step.of("GET", "/api/v1/nodes");
            case 8 -> Step.of("GET", "/api/v1/configmaps");
            case 9 ->
                Step.of(
                                "PATCH",
                                core + "/configmaps/new?fieldManager=dev",
                                Plan.json(map.replaceAll("(one|two|three)\"}}$", "new\"}}")))
                        .type(Plan.APPLY);
            case 10 -> Step.of("GET", "/apis/apps/v1/namespaces/" + plan.namespace() + "/deployments/one/scale");
            case 11 ->
                Step.of(
                        "GET",
                        draw.one(List.of(
                                "/version", "/healthz", "/metrics", "/logs", "/apis", "/openapi/v3", "/nothing")));
            case 12 -> Step.of("GET", "/apis/none.example.com/v1/things");
            default -> Step.of("GET", core);
        };
        boolean own = step.path().matches("/(version|healthz|metrics|apis|openapi/v3)");
        plan.add(
                own
                        ? Step.of("GET", "/logs").as(DEV)
                        : step.as(draw.chance(90) ? DEV : draw.one(List.of("ops", "wrong"))));
    }

    private void review() {
        ObjectNode review = Step.JSON.createObjectNode();
        boolean self = draw.chance(60);
        String kind = self ? "SelfSubjectAccessReview" : "SubjectAccessReview";
        review.put("apiVersion", "authorization.k8s.io/v1").put("kind", kind);
        ObjectNode spec = review.putObject("spec");
        ObjectNode attributes = spec.putObject("resourceAttributes");
        attributes.put("verb", draw.one(List.of("get", "list", "create", "delete", "*", "escalate", "bind")));
        attributes.put("resource", draw.one(List.of("configmaps", "secrets", "pods", "roles", "nodes", "*")));
        attributes.put("group", draw.one(List.of("", "", "apps", RBAC, "*")));
        if (draw.chance(80)) {
            attributes.put("namespace", plan.namespace());
        }
        if (draw.chance(30)) {
            attributes.put("name", "one");
        }
        if (draw.chance(20)) {
            attributes.put("subresource", "status");
        }
        if (!self) {
            spec.put("user", draw.one(List.of(DEV, "", "someone")));
            if (draw.chance(40)) {
                spec.putArray("groups").add("devs");
            }
        }
        if (draw.chance(15)) {
            spec.remove("resourceAttributes");
            spec.putObject("nonResourceAttributes").put("path", "/metrics").put("verb", "get");
        } else if (draw.chance(5)) {
            spec.remove("resourceAttributes");
        }
        String plural = self ? "selfsubjectaccessreviews" : "subjectaccessreviews";
        plan.add(Step.of("POST", "/apis/authorization.k8s.io/v1/" + plural, review)
                .as(self ? DEV : ""));
        if (draw.chance(20)) {
            plan.add(Step.of(
                            "POST",
                            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                            Plan.json(
                                    "{\"apiVersion\": \"authentication.k8s.io/v1\", \"kind\": \"SelfSubjectReview\"}"))
                    .as(DEV));
        }
    }

    /** The administrator gives or takes. */
    private void change() {
        if (draw.chance(30)) {
            plan.add(Step.of("DELETE", root + "/rolebindings/held"));
        } else if (draw.chance(40)) {
            plan.add(Step.of("PUT", root + "/rolebindings/held", binding("held", "Role", "held", DEV)));
        } else {
            plan.add(Step.of("PUT", root + "/roles/held", role("Role", "held", 3)));
        }
        plan.settle(Settling.ACCESS);
    }

    private void edit() {
        String name = draw.one(List.of("held", "one", "two"));
        ObjectNode patch = Step.JSON.createObjectNode();
        if (draw.chance(70)) {
            patch.putArray("rules").add(rule());
        } else {
            patch.putObject("metadata").putObject("labels").put("l", "x");
        }
        plan.add(Step.of("PATCH", root + "/roles/" + name, patch)
                .type(Plan.MERGE)
                .as(DEV));
        plan.settle(Settling.ACCESS);
    }

    private void impersonate() {
        String target = draw.one(List.of("/api/v1/namespaces/" + plan.namespace() + "/serviceaccounts/default/token"));
        plan.add(Step.of(
                        "POST",
                        target,
                        Plan.json(
                                "{\"apiVersion\": \"authentication.k8s.io/v1\", \"kind\": \"TokenRequest\", \"spec\": {}}"))
                .as(DEV));
    }
}
