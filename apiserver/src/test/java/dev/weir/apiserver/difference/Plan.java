package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A sequence while it is drawn: its steps so far, and the words and names of its namespace. */
final class Plan {
    static final List<String> NAMES = List.of("one", "two", "three");
    static final String MERGE = "application/merge-patch+json";
    static final String STRATEGIC = "application/strategic-merge-patch+json";
    static final String JSON_PATCH = "application/json-patch+json";
    static final String APPLY = "application/apply-patch+yaml";

    final Draw draw;
    final String word;
    final List<Step> steps = new ArrayList<>();

    Plan(Draw draw, long seed) {
        this.draw = draw;
        this.word = "d" + seed;
    }

    /** Adds a step. @return its number */
    int add(Step step) {
        steps.add(step);
        return steps.size() - 1;
    }

    /** Waits until what was written is known to who answers from caches; see {@link Settling}. */
    void settle(String what) {
        add(Step.of(Step.SETTLE, what));
    }

    String namespace() {
        return word;
    }

    /** One of the names that objects of the kind have here; those of all namespaces carry the sequence's word. */
    String someName(KindModel kind) {
        return name(kind, draw.one(NAMES));
    }

    String name(KindModel kind, String name) {
        return kind.cluster() ? word + "-" + name : name;
    }

    Map<String, String> words(String name) {
        return Map.of("$name", name, "$ns", word, "$seq", word);
    }

    JsonNode value(JsonNode template, String name) {
        return draw.value(template, words(name));
    }

    JsonNode oneOf(KindModel kind, String part, String name) {
        return value(draw.one(kind.part(part)), name);
    }

    String collection(KindModel kind) {
        return kind.collection(kind.someVersion(draw), word);
    }

    String path(KindModel kind, String name) {
        return collection(kind) + "/" + name;
    }

    static String version(String path) {
        String[] parts = path.split("/");
        return parts[1].equals("api") ? parts[2] : parts[2] + "/" + parts[3];
    }

    /** A new object of the kind with a draw of its content, for the version that a path is of. */
    ObjectNode object(KindModel kind, String name, String version) {
        ObjectNode object = head(kind, version);
        ObjectNode metadata = object.putObject("metadata");
        metadata.put("name", name);
        if (!kind.cluster() && draw.chance(70)) {
            metadata.put("namespace", word);
        }
        ObjectNode labels = metadata.putObject("labels");
        labels.put("app", draw.one(NAMES)).put("seq", word);
        if (draw.chance(60)) {
            labels.put("tier", draw.chance(50) ? "web" : "db");
        }
        if (draw.chance(30)) {
            metadata.putObject("annotations").put("note", "n");
        }
        if (value(kind.part("object"), name) instanceof ObjectNode content) {
            object.setAll(content);
        }
        return object;
    }

    static ObjectNode head(KindModel kind, String version) {
        ObjectNode object = Step.JSON.createObjectNode();
        return object.put("apiVersion", version).put("kind", kind.kind());
    }

    static String query(String name, String value) {
        return name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    static JsonNode json(String text) {
        try {
            return Step.JSON.readTree(text);
        } catch (com.fasterxml.jackson.core.JsonProcessingException malformed) {
            throw new IllegalArgumentException(malformed);
        }
    }

    /** A body that is an earlier answer with a merge patch over it. */
    static ObjectNode answer(int step, JsonNode overlay) {
        ObjectNode body = Step.JSON.createObjectNode();
        body.put("$step", step).set("$overlay", overlay);
        return body;
    }
}
