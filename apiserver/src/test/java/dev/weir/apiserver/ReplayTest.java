package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.auth.User;
import dev.weir.apiserver.difference.Replay;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Replays what a real API server answered, operation by operation, and says what still differs. */
class ReplayTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FOLDER = "/kubernetes-1.34/";
    private static final double LEAST_CODES = 0.99;
    private static final double LEAST_BODIES = 0.999;

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
        JsonNode json;
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            json = JSON.readTree(in);
        }
        Replay.Outcome outcome = Replay.of(client, json);
        outcome.steps().forEach(step -> count(step.group(), step.code(), step.differences(), step.where()));
    }
}
