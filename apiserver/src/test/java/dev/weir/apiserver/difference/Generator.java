package dev.weir.apiserver.difference;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Draws sequences: the same seed, the same sequence. */
final class Generator {
    private static final int OPERATIONS = 24;
    private static final int MOST_KINDS = 3;
    private static final List<String> TOPICS = List.of(
            "core",
            "apps",
            "network",
            "batch",
            "pods",
            "podwork",
            "policy",
            "cluster",
            "webhooks",
            "rbac",
            "access",
            "widgets",
            "release",
            "gadgets",
            "custom",
            "definitions",
            "lists",
            "deletes",
            "meta",
            "core");

    private final List<KindModel> kinds = KindModel.all();

    Sequence sequence(long seed) {
        Draw draw = new Draw(new SplittableRandom(seed));
        String topic = TOPICS.get((int) Math.floorMod(seed, (long) TOPICS.size()));
        Plan plan = new Plan(draw, seed);
        switch (topic) {
            case "podwork" -> new PodOperations(plan, kind("Pod"), kind("PodDisruptionBudget")).draw(OPERATIONS);
            case "access" -> new AccessOperations(plan).draw(OPERATIONS);
            case "definitions" -> new DefinitionOperations(plan).draw(OPERATIONS);
            case "meta" -> new OddRequests(plan, kinds).draw(OPERATIONS);
            default -> ordinary(plan, topic);
        }
        List<Step> setup = List.of(Sequence.namespace(plan.namespace()), account(plan.namespace()));
        return new Sequence(seed, topic, plan.namespace(), setup, List.copyOf(plan.steps), List.of());
    }

    private KindModel kind(String name) {
        return kinds.stream().filter(k -> k.kind().equals(name)).findFirst().orElseThrow();
    }

    private static Step account(String namespace) {
        return Step.of(
                "POST",
                "/api/v1/namespaces/" + namespace + "/serviceaccounts",
                Plan.json(
                        "{\"apiVersion\": \"v1\", \"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"default\"}}"));
    }

    private void ordinary(Plan plan, String topic) {
        List<KindModel> here = new ArrayList<>();
        List<KindModel> candidates =
                new ArrayList<>(kinds.stream().filter(k -> k.in(topic)).toList());
        while (here.size() < MOST_KINDS && !candidates.isEmpty()) {
            here.add(candidates.remove(plan.draw.below(candidates.size())));
        }
        WriteOperations writes = new WriteOperations(plan);
        ReadOperations reads = new ReadOperations(plan);
        LifecycleOperations lifecycle = new LifecycleOperations(plan);
        boolean deletes = topic.equals("deletes");
        boolean lists = topic.equals("lists");
        for (KindModel kind : here) {
            writes.create(kind);
        }
        for (int i = 0; i < OPERATIONS; i++) {
            KindModel kind = plan.draw.one(here);
            int choice = plan.draw.below(100);
            if (choice < (deletes ? 40 : 12)) {
                lifecycle.delete(kind);
            } else if (choice < (lists ? 55 : deletes ? 50 : 30)) {
                reads.add(kind);
            } else if (choice < 70 && choice >= 60 && kind.has("status")) {
                lifecycle.status(kind);
            } else if (choice >= 95 && kind.has("scale")) {
                lifecycle.scale(kind);
            } else {
                writes.add(kind);
            }
        }
        reads.watches(here);
    }
}
