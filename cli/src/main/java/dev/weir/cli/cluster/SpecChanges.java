package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What differs between two specs, field by field. Elements of lists are told apart by their names if they have any. */
final class SpecChanges {
    private static final int LONGEST_VALUE = 60;

    private final List<String> changes = new ArrayList<>();

    private SpecChanges() {}

    /** Sentences such as {@code versions[httpbin-1].mirrorPercent: 100 -> 50}, in the order of the fields. */
    static List<String> between(JsonNode before, JsonNode after) {
        SpecChanges found = new SpecChanges();
        found.compare("", before, after);
        return found.changes;
    }

    private void compare(String path, JsonNode before, JsonNode after) {
        if (before.equals(after)) {
            return;
        }
        if (before.isContainerNode() && after.isContainerNode() && before.isArray() == after.isArray()) {
            boolean list = before.isArray();
            Map<String, JsonNode> old = list ? elements(before) : fields(before);
            Map<String, JsonNode> now = list ? elements(after) : fields(after);
            Set<String> keys = new LinkedHashSet<>(old.keySet());
            keys.addAll(now.keySet());
            int others = changes.size();
            for (String key : keys) {
                String at = list ? path + "[" + key + "]" : path.isEmpty() ? key : path + "." + key;
                change(at, old.get(key), now.get(key));
            }
            if (list && changes.size() == others) {
                changes.add(path + ": another order: " + String.join(", ", now.keySet()));
            }
            return;
        }
        changes.add(path + ": " + shown(before) + " -> " + shown(after));
    }

    private void change(
            String at,
            @org.jspecify.annotations.Nullable JsonNode old,
            @org.jspecify.annotations.Nullable JsonNode now) {
        if (old == null && now != null) {
            changes.add(at + ": added " + shown(now));
        } else if (old != null && now == null) {
            changes.add(at + ": removed " + shown(old));
        } else if (old != null && now != null) {
            compare(at, old, now);
        }
    }

    private static Map<String, JsonNode> fields(JsonNode object) {
        Map<String, JsonNode> fields = new LinkedHashMap<>();
        object.properties().forEach(entry -> fields.put(entry.getKey(), entry.getValue()));
        return fields;
    }

    private static Map<String, JsonNode> elements(JsonNode list) {
        Map<String, JsonNode> elements = new LinkedHashMap<>();
        for (int i = 0; i < list.size(); i++) {
            elements.put(list.get(i).path("name").asText(Integer.toString(i)), list.get(i));
        }
        return elements;
    }

    private static String shown(JsonNode value) {
        String text = value.isTextual() ? value.asText() : value.toString();
        return text.length() <= LONGEST_VALUE ? text : text.substring(0, LONGEST_VALUE) + "…";
    }
}
