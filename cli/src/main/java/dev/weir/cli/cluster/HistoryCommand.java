package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.operator.ReleaseReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
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
        name = "history",
        description = "Lists the specs of a release that the operator accepted, with what changed.",
        mixinStandardHelpOptions = true)
public final class HistoryCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "NAME", description = "The release.")
    private String name = "";

    @Option(names = "--revision", paramLabel = "NUMBER", description = "Prints the spec of this one.")
    private @Nullable Long revision;

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "yaml or json: the ControllerRevisions; name: their names; anything else is text.")
    private Format format = Format.table;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        return target.ask(cluster -> {
            JsonNode release = Releases.require(cluster, name);
            List<JsonNode> revisions = new ReleaseReader(cluster.client(), TrafficRouters.load())
                    .owned(release).stream()
                            .filter(object ->
                                    object.path("kind").asText().equals(ObjectKind.CONTROLLER_REVISION.kind()))
                            .sorted(Comparator.comparingLong(
                                    one -> one.path("revision").asLong()))
                            .toList();
            revisions.forEach(one -> one.withObject("/metadata").remove("managedFields"));
            if (revision != null) {
                out.print(one(revisions, revision));
            } else {
                switch (format) {
                    case yaml, json -> out.print(format.of(Releases.asList(revisions)));
                    case name -> revisions.forEach(one -> out.println("controllerrevision.apps/" + Releases.name(one)));
                    case table, wide -> out.print(text(release, revisions, Instant.now()));
                }
            }
            out.flush();
            return 0;
        });
    }

    private String one(List<JsonNode> revisions, long number) {
        return revisions.stream()
                .filter(one -> one.path("revision").asLong() == number)
                .findFirst()
                .map(one -> (format == Format.json ? format : Format.yaml).of(one.path("data")))
                .orElseThrow(() -> new Problem(
                        Problem.FAILED,
                        "--revision: " + number + " is not one of "
                                + String.join(
                                        ", ",
                                        revisions.stream()
                                                .map(one -> one.path("revision").asText())
                                                .toList())));
    }

    private static String text(JsonNode release, List<JsonNode> revisions, Instant now) {
        Table table = new Table("REVISION", "AGE", "", "CHANGES");
        JsonNode before = null;
        for (JsonNode one : revisions) {
            JsonNode accepted = one.path("data").path("spec");
            List<String> changes =
                    before == null ? List.of("the oldest that is kept") : SpecChanges.between(before, accepted);
            boolean current = accepted.equals(release.path("spec"));
            for (int i = 0; i < Math.max(1, changes.size()); i++) {
                String change = i < changes.size() ? changes.get(i) : "";
                table.add(
                        i > 0
                                ? List.of("", "", "", change)
                                : List.of(
                                        one.path("revision").asText(),
                                        Ages.since(
                                                one.path("metadata")
                                                        .path("creationTimestamp")
                                                        .asText(),
                                                now),
                                        current ? "current" : "",
                                        change));
            }
            before = accepted;
        }
        return table.toString();
    }
}
