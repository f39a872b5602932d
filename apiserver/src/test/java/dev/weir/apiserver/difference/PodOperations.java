package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Draws what schedulers, nodes and drains do to pods. */
final class PodOperations {
    private final Plan plan;
    private final Draw draw;
    private final KindModel pods;
    private final KindModel budgets;

    PodOperations(Plan plan, KindModel pods, KindModel budgets) {
        this.plan = plan;
        this.draw = plan.draw;
        this.pods = pods;
        this.budgets = budgets;
    }

    void draw(int operations) {
        WriteOperations writes = new WriteOperations(plan);
        LifecycleOperations lifecycle = new LifecycleOperations(plan);
        writes.create(pods);
        writes.create(pods);
        for (int i = 0; i < operations; i++) {
            String pod = plan.path(pods, plan.someName(pods));
            switch (draw.below(14)) {
                case 0, 1 -> writes.create(pods);
                case 2, 3 -> bind(pod);
                case 4, 5 -> lifecycle.status(pods);
                case 6 -> evict(pod);
                case 7 -> ephemeral(pod);
                case 8 -> resize(pod);
                case 9 -> connect(pod);
                case 10 -> lifecycle.delete(pods);
                case 11 -> budget(writes, lifecycle);
                default -> writes.add(pods);
            }
        }
        new ReadOperations(plan).watches(List.of(pods, budgets));
    }

    private void budget(WriteOperations writes, LifecycleOperations lifecycle) {
        if (draw.chance(50)) {
            writes.create(budgets);
        } else {
            lifecycle.status(budgets);
        }
        plan.settle(plan.collection(budgets));
    }

    private String nameOf(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private void bind(String pod) {
        ObjectNode binding = Step.JSON.createObjectNode();
        binding.put("apiVersion", "v1").put("kind", "Binding");
        binding.putObject("metadata").put("name", draw.chance(90) ? nameOf(pod) : "other");
        ObjectNode target = binding.putObject("target");
        target.put("apiVersion", "v1").put("kind", draw.chance(90) ? "Node" : "Pod");
        target.put("name", draw.one(List.of("node-a", "node-b", "node-a", "")));
        plan.add(Step.of("POST", pod + "/binding" + (draw.chance(10) ? "?dryRun=All" : ""), binding));
        if (draw.chance(30)) {
            plan.add(Step.of("GET", pod));
        }
    }

    private void evict(String pod) {
        ObjectNode eviction = Step.JSON.createObjectNode();
        eviction.put("apiVersion", "policy/v1").put("kind", "Eviction");
        eviction.putObject("metadata").put("name", draw.chance(90) ? nameOf(pod) : "other");
        if (draw.chance(40)) {
            eviction.putObject("deleteOptions").put("gracePeriodSeconds", draw.below(2) * 5);
        }
        plan.settle(plan.collection(budgets));
        plan.settle(plan.collection(pods));
        plan.add(Step.of("POST", pod + "/eviction" + (draw.chance(10) ? "?dryRun=All" : ""), eviction));
        plan.add(Step.of("GET", pod));
    }

    private void ephemeral(String pod) {
        if (draw.chance(30)) {
            plan.add(Step.of("GET", pod + "/ephemeralcontainers"));
        }
        String container = draw.one(List.of(
                "{\"name\": \"debug\", \"image\": \"debug:1\"}",
                "{\"name\": \"more\", \"image\": \"debug\", \"targetContainerName\": \"app\"}",
                "{\"name\": \"app\", \"image\": \"debug:1\"}",
                "{\"name\": \"debug\", \"image\": \"debug:2\"}",
                "{\"name\": \"bad\", \"image\": \"debug:1\", \"ports\": [{\"containerPort\": 1}]}",
                "{\"name\": \"bad\", \"image\": \"debug:1\", \"targetContainerName\": \"none\"}",
                "{\"name\": \"bad\"}"));
        plan.add(Step.of(
                        "PATCH",
                        pod + "/ephemeralcontainers",
                        Plan.json("{\"spec\": {\"ephemeralContainers\": [" + container + "]}}"))
                .type(draw.chance(80) ? Plan.STRATEGIC : Plan.MERGE));
    }

    private void resize(String pod) {
        String resources = draw.one(List.of(
                "{\"requests\": {\"cpu\": \"200m\"}}",
                "{\"requests\": {\"cpu\": \"150m\"}, \"limits\": {\"cpu\": \"300m\"}}",
                "{\"requests\": {\"cpu\": \"500m\"}, \"limits\": {\"cpu\": \"300m\"}}",
                "{\"requests\": {\"storage\": \"1\"}}",
                "null"));
        plan.add(Step.of(
                        "PATCH",
                        pod + "/resize",
                        Plan.json("{\"spec\": {\"containers\": [{\"name\": \"app\", \"resources\": " + resources
                                + "}]}}"))
                .type(Plan.STRATEGIC));
    }

    private void connect(String pod) {
        String rest = draw.one(List.of(
                "/exec?command=x",
                "/exec?command=x&container=none",
                "/exec",
                "/attach",
                "/portforward?ports=80",
                "/log?container=none",
                "/binding",
                "/nonsense",
                "/status/more"));
        plan.add(Step.of(rest.startsWith("/log") || draw.chance(60) ? "GET" : "POST", pod + rest));
    }
}
