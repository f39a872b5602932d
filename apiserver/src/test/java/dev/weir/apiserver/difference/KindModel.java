package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.yaml.snakeyaml.Yaml;

/** What the generator knows of one kind; see kinds.yaml. */
record KindModel(JsonNode json) {
    private static final String FOLDER = "/difference/";

    static List<KindModel> all() {
        return documents("kinds.yaml")
                .getFirst()
                .valueStream()
                .map(KindModel::new)
                .toList();
    }

    /** The documents of a resource of this package, with YAML's anchors resolved. */
    static List<JsonNode> documents(String name) {
        try (InputStream in = Objects.requireNonNull(KindModel.class.getResourceAsStream(FOLDER + name), name)) {
            return documents(in);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** The documents of a file. */
    static List<JsonNode> documents(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return documents(in);
        }
    }

    // SnakeYAML resolves anchors when it makes plain maps; Jackson's own reader of trees does not
    private static List<JsonNode> documents(InputStream in) {
        List<JsonNode> found = new ArrayList<>();
        for (Object document : new Yaml().loadAll(in)) {
            found.add(Step.JSON.valueToTree(document));
        }
        return found;
    }

    String kind() {
        return json.path("kind").asText();
    }

    String apiVersion() {
        return json.path("apiVersion").asText();
    }

    String plural() {
        return json.path("plural").asText();
    }

    boolean cluster() {
        return json.path("cluster").asBoolean();
    }

    boolean custom() {
        return json.path("custom").asBoolean();
    }

    boolean in(String topic) {
        return json.path("topics").valueStream().anyMatch(t -> t.asText().equals(topic));
    }

    boolean has(String part) {
        return !json.path(part).isMissingNode();
    }

    JsonNode part(String name) {
        return json.path(name);
    }

    /** The version that a request goes to: mostly the main one. */
    String someVersion(Draw draw) {
        JsonNode others = json.path("others");
        return !others.isEmpty() && draw.chance(20) ? draw.one(others).asText() : apiVersion();
    }

    /** Where objects of this kind are listed. */
    String collection(String version, String namespace) {
        String root = version.contains("/") ? "/apis/" + version : "/api/" + version;
        return cluster() ? root + "/" + plural() : root + "/namespaces/" + namespace + "/" + plural();
    }
}
