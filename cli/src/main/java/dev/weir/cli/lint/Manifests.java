package dev.weir.cli.lint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.cli.cluster.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/** Reads YAML, of which JSON is a part, and remembers where each field stands. */
public final class Manifests {
    private static final int MOST_NODES = 200_000;
    private static final int DEEPEST = 200;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final String source;
    private final List<Finding> findings = new ArrayList<>();
    private int nodes;

    private Manifests(String source) {
        this.source = source;
    }

    /** @param findings what is wrong with the YAML itself */
    public record Read(List<Manifest> manifests, List<Finding> findings) {}

    /**
     * Reads a file, or the standard input for {@code -}.
     *
     * @throws Problem if it cannot be read
     */
    public static Read read(String file, InputStream standardInput) {
        try {
            byte[] bytes = file.equals("-") ? standardInput.readAllBytes() : Files.readAllBytes(Path.of(file));
            return parse(file.equals("-") ? "stdin" : file, new String(bytes, StandardCharsets.UTF_8));
        } catch (NoSuchFileException absent) {
            throw new Problem(Problem.USAGE, file + ": there is no such file");
        } catch (AccessDeniedException forbidden) {
            throw new Problem(Problem.USAGE, file + " cannot be read: you may not");
        } catch (IOException unreadable) {
            throw new Problem(Problem.USAGE, file + " cannot be read: " + unreadable.getMessage());
        }
    }

    /** @param source the file, for messages */
    public static Read parse(String source, String text) {
        Manifests reading = new Manifests(source);
        List<Manifest> manifests = new ArrayList<>();
        LoaderOptions options = new LoaderOptions();
        options.setNestingDepthLimit(DEEPEST);
        try {
            for (Node document : new Yaml(new SafeConstructor(options)).composeAll(new java.io.StringReader(text))) {
                Map<String, Integer> lines = new HashMap<>();
                JsonNode content = reading.convert(document, "", lines);
                lines.put("", document.getStartMark().getLine() + 1);
                if (!content.isNull()) {
                    for (Manifest manifest : split(source, content, lines)) {
                        manifests.add(manifest);
                        reading.requireKind(manifest);
                    }
                }
            }
        } catch (MarkedYAMLException malformed) {
            int line = malformed.getProblemMark() == null
                    ? 1
                    : malformed.getProblemMark().getLine() + 1;
            reading.findings.add(
                    new Finding(source, line, Finding.Level.error, "", "no YAML: " + malformed.getProblem()));
        }
        return new Read(manifests, reading.findings);
    }

    /** Values of a chart are easily taken for what the chart makes of them. */
    private void requireKind(Manifest manifest) {
        if (manifest.kind().isEmpty()) {
            findings.add(new Finding(
                    source,
                    manifest.line(""),
                    Finding.Level.error,
                    "kind",
                    "is missing, so this is no Kubernetes object; for the values of a chart:"
                            + " helm template NAME CHART -f FILE | weir lint -"));
        }
    }

    /** The objects of a list, each with its lines; anything else as it is. */
    private static List<Manifest> split(String source, JsonNode content, Map<String, Integer> lines) {
        if (!content.path("kind").asText().endsWith("List")
                || !content.path("items").isArray()) {
            return List.of(new Manifest(source, content, lines));
        }
        List<Manifest> manifests = new ArrayList<>();
        for (int i = 0; i < content.path("items").size(); i++) {
            String prefix = "items[" + i + "]";
            Map<String, Integer> own = new HashMap<>();
            lines.forEach((path, line) -> {
                if (path.equals(prefix)) {
                    own.put("", line);
                } else if (path.startsWith(prefix + ".")) {
                    own.put(path.substring(prefix.length() + 1), line);
                }
            });
            manifests.add(new Manifest(source, content.path("items").get(i), own));
        }
        return manifests;
    }

    private JsonNode convert(Node node, String path, Map<String, Integer> lines) {
        nodes++;
        if (nodes > MOST_NODES) {
            throw new Problem(Problem.USAGE, source + " has more than " + MOST_NODES + " nodes");
        }
        lines.putIfAbsent(path, node.getStartMark().getLine() + 1);
        return switch (node) {
            case MappingNode mapping -> object(mapping, path, lines);
            case SequenceNode sequence -> {
                ArrayNode array = NODES.arrayNode();
                for (Node element : sequence.getValue()) {
                    array.add(convert(element, path + "[" + array.size() + "]", lines));
                }
                yield array;
            }
            case ScalarNode scalar -> scalar(scalar);
            default -> NODES.nullNode();
        };
    }

    private ObjectNode object(MappingNode mapping, String path, Map<String, Integer> lines) {
        ObjectNode object = NODES.objectNode();
        List<ObjectNode> merged = new ArrayList<>();
        for (NodeTuple tuple : mapping.getValue()) {
            String key = tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "";
            if (tuple.getKeyNode().getTag().equals(Tag.MERGE)) {
                JsonNode more = convert(tuple.getValueNode(), path + ".<<", lines);
                (more.isArray() ? more : List.of(more)).forEach(one -> {
                    if (one instanceof ObjectNode other) {
                        merged.add(other);
                    }
                });
                continue;
            }
            String at = path.isEmpty() ? key : path + "." + key;
            int line = tuple.getKeyNode().getStartMark().getLine() + 1;
            if (object.has(key)) {
                findings.add(new Finding(
                        source,
                        line,
                        Finding.Level.error,
                        at,
                        "is given twice; the first is in line " + lines.getOrDefault(at, line)));
                continue;
            }
            lines.put(at, line);
            object.set(key, convert(tuple.getValueNode(), at, lines));
        }
        merged.forEach(
                other -> other.properties().forEach(entry -> object.putIfAbsent(entry.getKey(), entry.getValue())));
        return object;
    }

    private static JsonNode scalar(ScalarNode scalar) {
        String text = scalar.getValue();
        Tag tag = scalar.getTag();
        if (tag.equals(Tag.NULL)) {
            return NODES.nullNode();
        }
        if (tag.equals(Tag.BOOL)) {
            return NODES.booleanNode(text.matches("(?i)true|yes|on"));
        }
        if (tag.equals(Tag.INT) && text.matches("[-+]?(0|[1-9][0-9]*)")) {
            java.math.BigInteger number = new java.math.BigInteger(text);
            return number.bitLength() < Long.SIZE ? NODES.numberNode(number.longValue()) : NODES.numberNode(number);
        }
        if (tag.equals(Tag.FLOAT) && text.matches("[-+]?[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?")) {
            return NODES.numberNode(new java.math.BigDecimal(text));
        }
        return NODES.textNode(text);
    }
}
