package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.kubernetes.ObjectKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "describe",
        description = "Shows a release with its versions, pods, route, objects and events.",
        mixinStandardHelpOptions = true)
public final class DescribeCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_EVENTS = 20;

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "NAME", description = "The release.")
    private String name = "";

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "yaml or json: the release with everything that belongs to it; anything else is text.")
    private Format format = Format.table;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        return target.ask(cluster -> {
            Snapshot seen = Snapshot.read(cluster, Releases.require(cluster, name));
            out.print(format.isData() ? format.of(data(seen)) : text(seen, events(cluster, seen), Instant.now()));
            out.flush();
            return 0;
        });
    }

    private static JsonNode data(Snapshot seen) {
        List<JsonNode> all = new ArrayList<>(List.of(seen.release()));
        all.addAll(seen.owned());
        seen.versions().forEach(version -> all.addAll(version.pods()));
        all.forEach(object -> object.withObject("/metadata").remove("managedFields"));
        return Releases.asList(all);
    }

    private static List<JsonNode> events(Target.Cluster cluster, Snapshot seen) {
        return cluster
                .client()
                .v1()
                .events()
                .inNamespace(Releases.namespace(seen.release()))
                .withField(
                        "involvedObject.uid",
                        seen.release().path("metadata").path("uid").asText())
                .list()
                .getItems()
                .stream()
                .<JsonNode>map(JSON::valueToTree)
                .sorted(Comparator.comparing(
                        event -> event.path("lastTimestamp").asText()))
                .toList();
    }

    static boolean isUnicode() {
        String encoding =
                System.getProperty("stdout.encoding", Charset.defaultCharset().name());
        return encoding.toUpperCase(java.util.Locale.ROOT).startsWith("UTF");
    }

    private static String text(Snapshot seen, List<JsonNode> events, Instant now) {
        JsonNode release = seen.release();
        JsonNode wanted = release.path("spec");
        StringBuilder text = new StringBuilder();
        field(text, "Name", Releases.name(release));
        field(text, "Namespace", Releases.namespace(release));
        field(
                text,
                "Created",
                release.path("metadata").path("creationTimestamp").asText());
        field(text, "Strategy", wanted.path("strategy").asText());
        field(text, "Router", wanted.path("router").asText());
        field(text, "Service", Releases.service(release));
        List<String> gateways = new ArrayList<>();
        wanted.path("gateways").forEach(gateway -> gateways.add(gateway.asText()));
        field(text, "Gateways", gateways.isEmpty() ? "none besides the mesh" : String.join(", ", gateways));
        field(
                text,
                "Generation",
                release.path("metadata").path("generation").asText()
                        + (Releases.isCurrent(release) ? "" : " (the operator has not seen it)"));
        text.append('\n');
        new Tree(isUnicode()).lines(seen, now).forEach(line -> text.append(line).append('\n'));
        conditions(text, release, now);
        sentences(text, release.path("status").path("why"));
        objects(text, seen, now);
        events(text, events, now);
        return text.toString();
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append(String.format("%-12s %s%n", name + ":", value));
    }

    private static void conditions(StringBuilder text, JsonNode release, Instant now) {
        Table table = new Table("TYPE", "STATUS", "REASON", "SINCE", "MESSAGE");
        release.path("status")
                .path("conditions")
                .forEach(condition -> table.add(List.of(
                        condition.path("type").asText(),
                        condition.path("status").asText(),
                        condition.path("reason").asText(),
                        Ages.since(condition.path("lastTransitionTime").asText(), now),
                        condition.path("message").asText())));
        text.append("\nConditions:\n").append(table.toString().indent(2));
    }

    private static void sentences(StringBuilder text, JsonNode why) {
        if (!why.isEmpty()) {
            text.append("\nWhy:\n");
            why.forEach(
                    sentence -> text.append("  - ").append(sentence.asText()).append('\n'));
        }
    }

    private static void objects(StringBuilder text, Snapshot seen, Instant now) {
        Table table = new Table("KIND", "NAME", "AGE");
        seen.owned().stream()
                .filter(object -> !object.path("kind").asText().equals(ObjectKind.ENDPOINT_SLICE.kind()))
                .sorted(Comparator.comparing(
                                (JsonNode object) -> object.path("kind").asText())
                        .thenComparing(Releases::name))
                .forEach(object -> table.add(List.of(
                        object.path("kind").asText(),
                        Releases.name(object),
                        Ages.since(
                                object.path("metadata")
                                        .path("creationTimestamp")
                                        .asText(),
                                now))));
        text.append("\nObjects:\n").append(table.toString().indent(2));
    }

    private static void events(StringBuilder text, List<JsonNode> events, Instant now) {
        if (events.isEmpty()) {
            return;
        }
        Table table = new Table("AGE", "TYPE", "REASON", "MESSAGE");
        events.stream()
                .skip(Math.max(0, events.size() - MOST_EVENTS))
                .forEach(event -> table.add(List.of(
                        Ages.since(event.path("lastTimestamp").asText(), now),
                        event.path("type").asText(),
                        event.path("reason").asText(),
                        event.path("message").asText())));
        text.append("\nEvents:\n").append(table.toString().indent(2));
    }
}
