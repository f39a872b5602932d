package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import dev.weir.dataplane.MeshConfig.Kind;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each folder of {@code routes/} has objects ({@code in-objects.yaml}), requests ({@code in-requests.yaml}), and what
 * becomes of them ({@code out-routes.yaml}): findings, and the decision on each request. {@code -Dgolden.update=true}
 * writes the latter anew.
 */
class RouteGoldenTest {
    private static final Path ROUTES = Path.of("src/test/resources/routes");
    private static final ObjectMapper YAML = new ObjectMapper(YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .build());

    static Stream<Path> folders() throws IOException {
        return Files.list(ROUTES).sorted();
    }

    @ParameterizedTest
    @MethodSource("folders")
    void compilesAndDecides(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .as("no file is left unused")
                    .isSubsetOf("in-objects.yaml", "in-requests.yaml", "out-routes.yaml");
        }
        RouteTable table = new RouteTable(config(folder.resolve("in-objects.yaml")));
        Map<String, Object> out = new LinkedHashMap<>();
        List<String> findings = new ArrayList<>();
        table.findings().forEach(found -> found.texts().forEach(text -> findings.add(found.object() + ": " + text)));
        if (!findings.isEmpty()) {
            out.put("findings", findings);
        }
        Map<String, Object> statuses = StatusText.of(table);
        if (!statuses.isEmpty()) {
            out.put("status", statuses);
        }
        List<Map<String, Object>> decisions = new ArrayList<>();
        for (JsonNode asked : YAML.readTree(folder.resolve("in-requests.yaml").toFile())) {
            decisions.add(decide(table, asked));
        }
        out.put("requests", decisions);
        String text = YAML.writeValueAsString(out);
        Path golden = folder.resolve("out-routes.yaml");
        if (Boolean.getBoolean("golden.update")) {
            Files.writeString(golden, text);
        }
        assertThat(text).isEqualTo(Files.readString(golden));
    }

    private static MeshConfig config(Path file) throws IOException {
        Map<Kind, List<JsonNode>> byKind = new EnumMap<>(Kind.class);
        try (MappingIterator<JsonNode> objects = YAML.readerFor(JsonNode.class).readValues(file.toFile())) {
            while (objects.hasNext()) {
                JsonNode object = objects.next();
                byKind.computeIfAbsent(kind(object), _ -> new ArrayList<>()).add(object);
            }
        }
        return new MeshConfig(byKind, Map.of());
    }

    /** Objects say their group only where two kinds have the same name. */
    private static Kind kind(JsonNode object) {
        return Stream.of(Kind.values())
                .filter(kind -> kind.kind().equals(object.path("kind").asText()))
                .filter(kind -> object.path("apiVersion").asText(kind.group()).startsWith(kind.group()))
                .findFirst()
                .orElseThrow();
    }

    /** @param asked {@code GET http://host/path} as {@code request}, headers, and {@code from}: a pod or a gateway */
    private static Map<String, Object> decide(RouteTable table, JsonNode asked) {
        String[] words = asked.path("request").asText().split(" ", 2);
        HttpRequest request = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.valueOf(words[0]), words[1]);
        request.headers().set("host", "ignored.example");
        asked.path("headers")
                .properties()
                .forEach(header ->
                        request.headers().add(header.getKey(), header.getValue().asText()));
        RequestTarget target = RequestTarget.of(request).orElseThrow();
        request.setUri(target.target());
        Listening listening = listening(asked.path("from"));
        int port = listening instanceof Listening.Gateway gateway ? gateway.port() : Math.max(80, target.port());
        String scheme = port == 443 ? "https" : "http";
        RequestMatch.Subject subject =
                new RequestMatch.Subject(request, target.authority(), target.path(), listening.caller(), port, scheme);
        Map<String, Object> decision = new LinkedHashMap<>();
        decision.put("request", asked.path("request").asText());
        asked.properties().forEach(field -> decision.put(field.getKey(), field.getValue()));
        decision.put("becomes", RouteText.of(table.find(listening, target.host(), subject), subject));
        return decision;
    }

    private static Listening listening(JsonNode from) {
        Map<String, String> labels = new LinkedHashMap<>();
        from.path("labels")
                .properties()
                .forEach(label -> labels.put(label.getKey(), label.getValue().asText()));
        String namespace = from.path("namespace").asText("default");
        Workload workload = new Workload(namespace, "caller", "caller", labels);
        return from.has("port")
                ? new Listening.Gateway(workload, from.path("port").asInt())
                : new Listening.Sidecar(workload);
    }
}
