package dev.weir.cli.lint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * One document of a file.
 *
 * @param source the file, for messages
 * @param content null nodes stand for nothing
 * @param lines by path such as {@code spec.versions[0].name}: where the field begins, counted from 1
 */
public record Manifest(String source, JsonNode content, Map<String, Integer> lines) {
    /** The line of a field; for one that is not there, the line of what it would be in. */
    public int line(String path) {
        String at = path;
        while (!at.isEmpty()) {
            Integer line = lines.get(at);
            if (line != null) {
                return line;
            }
            at = at.substring(0, Math.max(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['))));
        }
        return lines.getOrDefault("", 1);
    }

    public String kind() {
        return content.path("kind").asText();
    }

    public String name() {
        return content.path("metadata").path("name").asText();
    }

    /** True for a Release of any version that Weir knows. */
    public boolean isRelease() {
        return kind().equals("Release") && content.path("apiVersion").asText().startsWith("weir.dev/");
    }
}
