package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.auth.User;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Replays what a real API server answered, operation by operation, and says what still differs. */
class ReplayTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FOLDER = "/kubernetes-1.34/";
    private static final double LEAST_CODES = 0.99;
    private static final double LEAST_BODIES = 0.999;
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{step:(\\d+):([^}]*)}");

    private final Map<String, int[]> groups = new TreeMap<>();
    private final List<String> differences = new ArrayList<>();

    @Test
    void agreesWithTheRecordedServer() throws Exception {
        Map<String, User> tokens = Map.of("t", new User("admin", "", List.of("system:masters")));
        try (ApiServer server = ApiServer.start(ApiServerOptions.loopback(tokens));
                RawClient client = new RawClient(server, "t");
                InputStream definition = resource("widget-crd.yaml")) {
            JsonNode crd = new YAMLMapper().readTree(definition);
            client.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd, "", "");
            List<Path> files;
            try (Stream<Path> found =
                    Files.list(Path.of(Objects.requireNonNull(ReplayTest.class.getResource(FOLDER + "recordings"))
                            .toURI()))) {
                files = found.sorted().toList();
            }
            try (var threads = Executors.newFixedThreadPool(24)) {
                List<Future<?>> running = new ArrayList<>();
                for (Path file : files) {
                    running.add(threads.submit(() -> {
                        replay(client, file);
                        return null;
                    }));
                }
                for (Future<?> one : running) {
                    one.get();
                }
            }
        }
        report();
        int all = sum(0);
        assertThat(all).isGreaterThan(3000);
        assertThat((double) sum(1) / all).as("status codes").isGreaterThanOrEqualTo(LEAST_CODES);
        assertThat((double) sum(2) / all).as("whole bodies").isGreaterThanOrEqualTo(LEAST_BODIES);
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(ReplayTest.class.getResourceAsStream(FOLDER + name), name);
    }

    private void report() {
        System.out.printf("%-48s %6s %6s %6s%n", "operation", "all", "code", "body");
        groups.forEach(
                (name, counts) -> System.out.printf("%-48s %6d %6d %6d%n", name, counts[0], counts[1], counts[2]));
        System.out.printf("%d of %d answers agree, %d codes%n", sum(2), sum(0), sum(1));
        differences.stream().sorted().limit(30).forEach(System.out::println);
    }

    private int sum(int column) {
        return groups.values().stream().mapToInt(counts -> counts[column]).sum();
    }

    private synchronized void count(String group, boolean code, List<String> difference, String where) {
        int[] counts = groups.computeIfAbsent(group, _ -> new int[3]);
        counts[0]++;
        counts[1] += code ? 1 : 0;
        counts[2] += difference.isEmpty() ? 1 : 0;
        if (!difference.isEmpty()) {
            differences.add(where + ": " + difference.getFirst());
        }
    }

    private void replay(RawClient client, Path file) throws Exception {
        JsonNode recording;
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            recording = JSON.readTree(in);
        }
        String namespace = recording.path("namespace").asText();
        ObjectNode body = JSON.createObjectNode();
        body.put("apiVersion", "v1")
                .put("kind", "Namespace")
                .putObject("metadata")
                .put("name", namespace);
        client.send("POST", "/api/v1/namespaces", body, "", "");
        String start = client.send("GET", "/api/v1/namespaces/" + namespace + "/configmaps", null, "", "")
                .body()
                .path("metadata")
                .path("resourceVersion")
                .asText();
        List<JsonNode> seen = new ArrayList<>();
        Map<String, String> collections = new LinkedHashMap<>();
        int number = 0;
        for (JsonNode step : recording.path("steps")) {
            JsonNode request = step.path("request");
            String path = request.path("path").asText();
            String plain = path.split("\\?", 2)[0];
            String kind = plain.replaceFirst("^.*namespaces/[^/]+/([a-z]+).*$", "$1");
            collections.put(kind, plain.replaceFirst("(namespaces/[^/]+/[a-z]+).*$", "$1"));
            RawClient.Answer answer = client.send(
                    request.path("method").asText(),
                    resolve(path, seen),
                    request.has("body") ? resolve(request.get("body"), seen) : null,
                    request.path("contentType").asText(""),
                    request.path("accept").asText(""));
            seen.add(answer.body());
            JsonNode wanted = step.path("response");
            boolean code = answer.code() == wanted.path("code").asInt();
            List<String> difference = new ArrayList<>();
            Masks.compare(Masks.mask(wanted.path("body"), ""), Masks.mask(answer.body(), ""), "", difference);
            List<String> warnings = new ArrayList<>();
            wanted.path("warnings").forEach(warning -> warnings.add(warning.asText()));
            if (!code || !warnings.equals(answer.warnings())) {
                difference.add("code " + answer.code() + " warnings " + answer.warnings() + ", wanted " + warnings);
            }
            String type = request.path("contentType").asText("").replace("application/", "");
            String group = (request.path("method").asText() + " " + kind + " " + type).strip();
            count(group, code, difference, namespace + " step " + number++ + " " + group);
        }
        for (Map.Entry<String, JsonNode> watch : recording.path("watches").properties()) {
            String collection = collections.get(watch.getKey());
            if (collection != null) {
                List<String> difference = new ArrayList<>();
                JsonNode got = client.watch(collection + "?watch=1&resourceVersion=" + start + "&timeoutSeconds=1");
                Masks.compare(Masks.mask(watch.getValue(), ""), Masks.mask(got, ""), "", difference);
                count("WATCH " + watch.getKey(), true, difference, namespace + " watch " + watch.getKey());
            }
        }
    }

    private static String resolve(String text, List<JsonNode> seen) {
        return REFERENCE.matcher(text).replaceAll(match -> {
            JsonNode value = seen.get(Integer.parseInt(match.group(1))).at(match.group(2));
            return java.util.regex.Matcher.quoteReplacement(value.isMissingNode() ? "missing" : value.asText());
        });
    }

    private static JsonNode resolve(JsonNode node, List<JsonNode> seen) throws Exception {
        // references stand inside JSON strings, and what they stand for needs no escaping
        return JSON.readTree(resolve(JSON.writeValueAsString(node), seen));
    }
}
