package dev.weir.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.cli.cluster.Format;
import dev.weir.cli.cluster.Problem;
import dev.weir.cli.cluster.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "version",
        description = "Prints the versions of this program and of the cluster, if one can be reached.",
        mixinStandardHelpOptions = true)
final class VersionCommand implements Callable<Integer> {
    private static final String IMITATED = "imitatesKubernetes";

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Option(names = "--client", description = "Of this program only; no cluster is asked.")
    private boolean clientOnly;

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "yaml or json for programs; anything else is text.")
    private Format format = Format.table;

    @Override
    public Integer call() throws IOException, InterruptedException {
        ObjectNode facts = new ObjectMapper().createObjectNode();
        facts.put("weir", Build.version());
        facts.put("java", System.getProperty("java.version"));
        facts.put(IMITATED, Build.IMITATED);
        int exitCode = 0;
        if (!clientOnly) {
            try {
                target.ask(cluster -> {
                    facts.put(
                            "kubernetes",
                            cluster.client().getKubernetesVersion().getGitVersion());
                    facts.put("cluster", cluster.name());
                    return 0;
                });
            } catch (Problem unreachable) {
                facts.put("cluster", unreachable.getMessage());
                exitCode = unreachable.exitCode() == Problem.CLUSTER ? Problem.CLUSTER : 0;
            }
        }
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        if (format.isData()) {
            out.print(format.of(facts));
        } else {
            facts.properties()
                    .forEach(entry -> out.printf(
                            "%-20s %s%n",
                            entry.getKey().equals(IMITATED) ? "imitates Kubernetes" : entry.getKey(),
                            entry.getValue().asText()));
        }
        out.flush();
        return exitCode;
    }
}
