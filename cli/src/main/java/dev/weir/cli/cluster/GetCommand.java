package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
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

@Command(name = "get", description = "Lists releases.", mixinStandardHelpOptions = true)
public final class GetCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Option(
            names = {"-A", "--all-namespaces"},
            description = "In every namespace.")
    private boolean all;

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "One of: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Format format = Format.table;

    @Parameters(paramLabel = "NAME", arity = "0..*", description = "Releases; all of the namespace by default.")
    private List<String> names = List.of();

    @Override
    public Integer call() throws IOException, InterruptedException {
        return target.ask(cluster -> {
            List<JsonNode> releases = new ArrayList<>();
            List<Problem> missing = new ArrayList<>();
            if (names.isEmpty()) {
                releases.addAll(Releases.list(cluster, all));
            } else {
                names.forEach(name -> find(cluster, name, releases, missing));
            }
            if (missing.isEmpty() || !releases.isEmpty()) {
                print(cluster, releases);
            }
            PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
            missing.forEach(problem -> err.println("weir: " + problem.getMessage()));
            err.flush();
            return missing.isEmpty() ? 0 : Problem.FAILED;
        });
    }

    /** Those that are there are shown, whatever is not. */
    private static void find(Target.Cluster cluster, String name, List<JsonNode> found, List<Problem> missing) {
        try {
            found.add(Releases.require(cluster, name));
        } catch (Problem problem) {
            if (problem.exitCode() != Problem.FAILED) {
                throw problem;
            }
            missing.add(problem);
        }
    }

    private void print(Target.Cluster cluster, List<JsonNode> releases) {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        switch (format) {
            case yaml, json ->
                out.print(format.of(names.size() == 1 ? releases.getFirst() : Releases.asList(releases)));
            case name -> releases.forEach(release -> out.println("release.weir.dev/" + Releases.name(release)));
            case table, wide -> table(cluster, releases, out);
        }
        out.flush();
    }

    private void table(Target.Cluster cluster, List<JsonNode> releases, PrintWriter out) {
        if (releases.isEmpty()) {
            Objects.requireNonNull(spec)
                    .commandLine()
                    .getErr()
                    .println("no releases" + (all ? "" : " in namespace " + cluster.namespace()) + " (" + cluster.name()
                            + ")");
            return;
        }
        List<String> headings = new ArrayList<>();
        if (all) {
            headings.add("NAMESPACE");
        }
        headings.addAll(List.of("NAME", "STRATEGY", "PRIMARY", "CANDIDATE", "WEIGHT", "STATE", "REASON", "AGE"));
        boolean wide = format == Format.wide;
        if (wide) {
            headings.addAll(List.of("ROUTER", "SERVING", "PODS", "MESSAGE"));
        }
        Table table = new Table(headings.toArray(String[]::new));
        Instant now = Instant.now();
        for (JsonNode release : releases) {
            table.add(row(release, now, wide));
        }
        out.print(table);
    }

    private List<String> row(JsonNode release, Instant now, boolean wide) {
        JsonNode status = release.path("status");
        JsonNode ready = Releases.condition(release, "Ready");
        List<String> row = new ArrayList<>();
        if (all) {
            row.add(Releases.namespace(release));
        }
        boolean current = Releases.isCurrent(release);
        row.addAll(List.of(
                Releases.name(release),
                release.path("spec").path("strategy").asText(),
                status.path("primary").asText(),
                status.path("candidate").asText(),
                status.path("weight").asText(),
                current ? Releases.phase(release) : "Unknown",
                current ? ready.path("reason").asText() : "NotObserved",
                Ages.since(release.path("metadata").path("creationTimestamp").asText(), now)));
        if (wide) {
            List<String> pods = new ArrayList<>();
            status.path("versions")
                    .forEach(version -> pods.add(version.path("name").asText() + " "
                            + version.path("readyReplicas").asInt() + "/"
                            + version.path("replicas").asInt()));
            row.addAll(List.of(
                    release.path("spec").path("router").asText(),
                    status.path("serving").asText(),
                    String.join(", ", pods),
                    ready.path("message").asText()));
        }
        return row;
    }
}
