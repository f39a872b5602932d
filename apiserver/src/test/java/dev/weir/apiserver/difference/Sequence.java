package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests in order, in a namespace of their own, and perhaps what a real server answered.
 *
 * @param topic what they are about
 * @param setup what is done first and not compared; {@code ${start}} is the revision after it
 * @param answers one for each step, or none
 */
record Sequence(long seed, String topic, String namespace, List<Step> setup, List<Step> steps, List<Answer> answers) {

    /** What a server said; the body of a watch is the array of its events. */
    record Answer(int code, JsonNode body, List<String> warnings) {
        ObjectNode write() {
            ObjectNode json = Step.JSON.createObjectNode();
            json.put("code", code);
            if (!body.isMissingNode()) {
                json.set("body", body);
            }
            if (!warnings.isEmpty()) {
                ArrayNode list = json.putArray("warnings");
                warnings.forEach(list::add);
            }
            return json;
        }

        static Answer read(JsonNode json) {
            List<String> warnings = new ArrayList<>();
            json.path("warnings").forEach(warning -> warnings.add(warning.asText()));
            return new Answer(json.path("code").asInt(200), json.path("body"), warnings);
        }
    }

    Sequence answered(List<Answer> all) {
        return new Sequence(seed, topic, namespace, setup, steps, all);
    }

    ObjectNode write() {
        ObjectNode json = Step.JSON.createObjectNode();
        json.put("seed", seed).put("topic", topic).put("namespace", namespace);
        ArrayNode first = json.putArray("setup");
        setup.forEach(step -> first.add(step.write()));
        ArrayNode list = json.putArray("steps");
        for (int i = 0; i < steps.size(); i++) {
            ObjectNode one = list.addObject();
            one.set("request", steps.get(i).write());
            if (i < answers.size()) {
                one.set("response", answers.get(i).write());
            }
        }
        return json;
    }

    /** Reads one of these, or a recording in the older form, whose watches stand apart. */
    static Sequence read(JsonNode json) {
        String namespace = json.path("namespace").asText();
        List<Step> setup = new ArrayList<>();
        json.path("setup").forEach(step -> setup.add(Step.read(step)));
        if (!json.has("setup")) {
            setup.add(namespace(namespace));
        }
        List<Step> steps = new ArrayList<>();
        List<Answer> answers = new ArrayList<>();
        for (JsonNode one : json.path("steps")) {
            steps.add(Step.read(one.path("request")));
            if (one.has("response")) {
                answers.add(Answer.read(one.path("response")));
            }
        }
        int requests = steps.size();
        json.path("watches").properties().forEach(watch -> {
            String collection = collection(steps.subList(0, requests), watch.getKey());
            steps.add(Step.of(Step.WATCH, collection + "?watch=1&resourceVersion=${start}&timeoutSeconds=1"));
            answers.add(new Answer(200, watch.getValue(), List.of()));
        });
        return new Sequence(
                json.path("seed").asLong(), json.path("topic").asText(""), namespace, setup, steps, answers);
    }

    private static String collection(List<Step> steps, String plural) {
        return steps.stream()
                .map(step -> step.path().split("\\?", 2)[0])
                .filter(path -> path.matches(".*/namespaces/[^/]+/" + plural + "(/.*)?"))
                .map(path -> path.replaceFirst("(namespaces/[^/]+/[a-z]+).*$", "$1"))
                .findFirst()
                .orElse("/api/v1/namespaces/none/" + plural);
    }

    static Step namespace(String name) {
        ObjectNode body = Step.JSON.createObjectNode();
        body.put("apiVersion", "v1").put("kind", "Namespace");
        body.putObject("metadata").put("name", name);
        return Step.of("POST", "/api/v1/namespaces", body);
    }
}
