package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.ApiServer;
import dev.weir.apiserver.ApiServerOptions;
import dev.weir.apiserver.RawClient;
import dev.weir.apiserver.auth.User;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * Compares this server with a real one on seeded sequences; see docs/apiserver.md.
 *
 * <pre>
 * record URL CERTIFICATES FROM TO FILE [KIND-FILE...]   what a real server answers to sequences FROM to TO
 * replay FILE [SEED]                                    does the same here; exit 1 if an answer differs
 * explain FILE                                          replays and also prints each known difference
 * show SEED                                             the sequence alone
 * pick FROM TO N                                        a part of a file as data for the default tests
 * </pre>
 */
public final class Differential {
    private static final int AT_ONCE = 16;
    static final long ALL = -1;
    private static final int SHOWN = 4000;
    private static final int LINES = 20;
    private static final int FEW_LINES = 4;
    /** Seeds that follow each other are about different things. */
    private static final long TOPICS = 20;

    private Differential() {}

    public static void main(String[] args) throws Exception {
        switch (args.length == 0 ? "" : args[0]) {
            case "record" ->
                record(
                        URI.create(args[1]),
                        Path.of(args[2]),
                        Long.parseLong(args[3]),
                        Long.parseLong(args[4]),
                        Path.of(args[5]),
                        List.of(args).subList(6, args.length).stream()
                                .map(Path::of)
                                .toList());
            case "replay" -> {
                long seed = args.length > 2 ? Long.parseLong(args[2]) : -1;
                System.exit(replay(Path.of(args[1]), seed, false) ? 0 : 1);
            }
            case "explain" -> System.exit(replay(Path.of(args[1]), ALL, true) ? 0 : 1);
            case "show" ->
                new Generator()
                        .sequence(Long.parseLong(args[1]))
                        .steps()
                        .forEach(step -> System.out.println(step.write()));
            case "pick" -> pick(Path.of(args[1]), Path.of(args[2]), Long.parseLong(args[3]));
            default -> throw new IllegalArgumentException("record, replay, explain, show or pick");
        }
    }

    /** The users of both servers. */
    public static ApiServerOptions options() {
        return ApiServerOptions.loopback(Map.of(
                Executor.ADMIN,
                new User("admin", "", List.of("system:masters")),
                "dev",
                new User("dev", "2", List.of("devs")),
                "ops",
                new User("ops", "3", List.of("opsers"))));
    }

    /** @param kinds files of definitions that are made first */
    static void record(URI server, Path certificates, long from, long to, Path file, List<Path> kinds)
            throws Exception {
        X509Certificate authority;
        try (InputStream in = Files.newInputStream(certificates)) {
            List<X509Certificate> chain = new ArrayList<>();
            CertificateFactory.getInstance("X.509")
                    .generateCertificates(in)
                    .forEach(certificate -> chain.add((X509Certificate) certificate));
            authority = chain.getLast();
        }
        List<JsonNode> world = new ArrayList<>(KindModel.documents("world.yaml"));
        for (Path more : kinds) {
            world.addAll(KindModel.documents(more));
        }
        ObjectNode first = Step.JSON.createObjectNode();
        ArrayNode list = first.putArray("world");
        world.forEach(list::add);
        Generator generator = new Generator();
        try (RawClient client = new RawClient(server, authority, Executor.ADMIN);
                var threads = Executors.newFixedThreadPool(AT_ONCE);
                BufferedWriter out = writer(file)) {
            make(client, first.path("world"));
            Settling settling = new Settling(client);
            settling.prepare();
            for (JsonNode object : world) {
                if (object.path("kind").asText().equals("CustomResourceDefinition")) {
                    settling.served(object);
                }
            }
            out.write(first + "\n");
            Executor executor = new Executor(client, settling);
            List<Future<Sequence>> running = new ArrayList<>();
            for (long seed = from; seed <= to; seed++) {
                Sequence sequence = generator.sequence(seed);
                running.add(threads.submit(() -> sequence.answered(executor.run(sequence))));
            }
            for (Future<Sequence> one : running) {
                try {
                    out.write(one.get().write() + "\n");
                } catch (ExecutionException failed) {
                    System.out.println("left out: " + failed.getCause());
                }
            }
        }
        System.out.println("recorded sequences " + from + " to " + to + " in " + file);
    }

    private static BufferedWriter writer(Path file) throws IOException {
        return new BufferedWriter(
                new OutputStreamWriter(new GZIPOutputStream(Files.newOutputStream(file)), StandardCharsets.UTF_8));
    }

    /** Makes what sequences take to be there. */
    static void make(RawClient client, JsonNode world) throws IOException, InterruptedException {
        for (JsonNode object : world) {
            String path = switch (object.path("kind").asText()) {
                case "Node" -> "/api/v1/nodes";
                case "CustomResourceDefinition" -> "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
                default -> throw new IllegalArgumentException("no place for " + object.path("kind"));
            };
            RawClient.Answer answer = client.send("POST", path, object, "", "");
            if (answer.code() != 201 && answer.code() != 409) {
                throw new IllegalStateException(answer.body().toString());
            }
        }
    }

    /** What came of replaying a file: how many sequences agreed, and the first difference of each other one. */
    public record Report(
            int sequences,
            int answers,
            List<Replay.Compared> first,
            List<Replay.Compared> all,
            List<Replay.Excused> known) {}

    /** Replays a file of sequences against a server. */
    public static Report replay(RawClient client, InputStream file, long onlySeed)
            throws IOException, InterruptedException, ExecutionException {
        int answers = 0;
        List<Replay.Excused> known = new ArrayList<>();
        List<Replay.Compared> first = new ArrayList<>();
        List<Replay.Compared> all = new ArrayList<>();
        List<Future<Replay.Outcome>> running = new ArrayList<>();
        try (var threads = Executors.newFixedThreadPool(AT_ONCE);
                BufferedReader lines = reader(file)) {
            make(client, Step.JSON.readTree(lines.readLine()).path("world"));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode recorded = Step.JSON.readTree(line);
                if (onlySeed < 0 || recorded.path("seed").asLong() == onlySeed) {
                    running.add(threads.submit(() -> Replay.of(client, recorded, true)));
                }
            }
            for (Future<Replay.Outcome> one : running) {
                known.addAll(one.get().known());
                List<Replay.Compared> steps = one.get().steps();
                answers += steps.size();
                List<Replay.Compared> differing = steps.stream()
                        .filter(step -> !step.differences().isEmpty())
                        .toList();
                all.addAll(differing);
                differing.stream().findFirst().ifPresent(first::add);
            }
        }
        return new Report(running.size(), answers, first, all, known);
    }

    /** @param whole every difference with its request, not only the first of each sequence */
    static void print(Report report, boolean whole) {
        Map<String, Integer> groups = new TreeMap<>();
        (whole ? report.all() : report.first()).stream().limit(SHOWN).forEach(step -> {
            System.out.println(step.where());
            if (whole) {
                System.out.println("  " + step.request());
            }
            step.differences().stream()
                    .limit(whole ? LINES : FEW_LINES)
                    .forEach(line -> System.out.println("  " + line));
        });
        Map<String, Integer> known = new TreeMap<>();
        report.known().forEach(one -> known.merge(one.id(), 1, Integer::sum));
        known.forEach((id, count) -> System.out.printf("%6d known: %s%n", count, id));
        report.first().forEach(step -> groups.merge(step.group(), 1, Integer::sum));
        groups.forEach((group, count) -> System.out.printf("%6d %s%n", count, group));
        System.out.printf(
                "%d of %d sequences agree, %d of %d answers%n",
                report.sequences() - report.first().size(),
                report.sequences(),
                report.answers() - report.all().size(),
                report.answers());
    }

    /** Prints each known difference that was met, with the line that shows it. */
    static void explain(Report report) {
        report.known()
                .forEach(one -> System.out.println(one.id() + "\t" + one.step().where() + "\t" + one.line()));
    }

    private static boolean replay(Path file, long seed, boolean explain) throws Exception {
        try (ApiServer server = ApiServer.start(options());
                RawClient client = new RawClient(server, Executor.ADMIN);
                InputStream in = Files.newInputStream(file)) {
            Report report = replay(client, in, seed);
            if (explain) {
                explain(report);
            }
            print(report, seed != ALL);
            return report.all().isEmpty();
        }
    }

    /** Copies what is recorded of every {@code step}-th seed that agrees here, as data for the default tests. */
    private static void pick(Path from, Path to, long step) throws Exception {
        Set<Long> differing = new HashSet<>();
        try (ApiServer server = ApiServer.start(options());
                RawClient client = new RawClient(server, Executor.ADMIN);
                InputStream in = Files.newInputStream(from)) {
            replay(client, in, ALL).first().forEach(one -> differing.add(one.seed()));
        }
        try (BufferedReader lines = reader(Files.newInputStream(from));
                BufferedWriter out = writer(to)) {
            out.write(lines.readLine() + "\n");
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                long seed = Step.JSON.readTree(line).path("seed").asLong();
                if (!differing.contains(seed) && seed / TOPICS % step == 0) {
                    out.write(line + "\n");
                }
            }
        }
    }

    private static BufferedReader reader(InputStream file) throws IOException {
        return new BufferedReader(new InputStreamReader(new GZIPInputStream(file), StandardCharsets.UTF_8));
    }
}
