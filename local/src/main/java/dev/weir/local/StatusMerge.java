package dev.weir.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/** Puts a wanted status over the one that an object has: conditions keep their times while they hold. Pure. */
final class StatusMerge {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TIME = "lastTransitionTime";
    /** What tells the entries of lists that hold conditions apart. */
    private static final List<String> KEYS = List.of("name", "parentRef");

    private StatusMerge() {}

    /**
     * The status to write, or empty if nothing would change.
     *
     * @param wanted conditions have no times
     * @param controller whose entries the {@code parents} of a route are; those of others stay
     */
    static Optional<ObjectNode> merge(JsonNode current, ObjectNode wanted, String controller, Instant now) {
        ObjectNode next = (ObjectNode) plain(wanted);
        if (next.has("parents")) {
            ArrayNode parents = JSON.createArrayNode();
            for (JsonNode parent : current.path("parents")) {
                if (!parent.path("controllerName").asText().equals(controller)) {
                    parents.add(parent);
                }
            }
            parents.addAll((ArrayNode) next.path("parents"));
            next.set("parents", parents);
            if (parents.isEmpty() && current.path("parents").isEmpty()) {
                return Optional.empty();
            }
        }
        times(current, next, now.truncatedTo(ChronoUnit.SECONDS).toString());
        return plain(next).equals(plain(current)) ? Optional.empty() : Optional.of(next);
    }

    /** The same numbers, however they were made. */
    private static JsonNode plain(JsonNode node) {
        try {
            return node.isMissingNode() ? JSON.createObjectNode() : JSON.readTree(node.toString());
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static void times(JsonNode current, ObjectNode next, String now) {
        for (JsonNode condition : next.path("conditions")) {
            JsonNode before = find(current.path("conditions"), "type", condition.path("type"));
            boolean same = before.path("status").equals(condition.path("status")) && before.has(TIME);
            if (!condition.has(TIME)) {
                ((ObjectNode) condition).put(TIME, same ? before.path(TIME).asText() : now);
            }
        }
        next.properties().forEach(field -> {
            if (field.getValue() instanceof ArrayNode entries && !field.getKey().equals("conditions")) {
                for (JsonNode entry : entries) {
                    if (entry instanceof ObjectNode object && object.has("conditions")) {
                        times(counterpart(current.path(field.getKey()), object), object, now);
                    }
                }
            }
        });
    }

    private static JsonNode counterpart(JsonNode entries, ObjectNode entry) {
        for (String key : KEYS) {
            if (entry.has(key)) {
                return find(entries, key, entry.path(key));
            }
        }
        return JSON.missingNode();
    }

    private static JsonNode find(JsonNode entries, String key, JsonNode value) {
        for (JsonNode entry : entries) {
            if (entry.path(key).equals(value)) {
                return entry;
            }
        }
        return JSON.missingNode();
    }
}
