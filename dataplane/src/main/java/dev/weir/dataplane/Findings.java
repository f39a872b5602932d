package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Collects what an object asks for and is not done, each with the field's path and what happens instead. */
final class Findings {
    private final List<String> texts = new ArrayList<>();

    /** @param path as in {@code spec.http[0].timeout} */
    void add(String path, String what) {
        texts.add(path + ": " + what);
    }

    /** Reports every field of {@code node} that is not among those served. */
    void onlyServed(JsonNode node, String path, Set<String> served) {
        node.properties().forEach(field -> {
            if (!served.contains(field.getKey())) {
                add(path + "." + field.getKey(), "not served, ignored");
            }
        });
    }

    /** In the order of discovery. */
    List<String> texts() {
        return List.copyOf(texts);
    }
}
