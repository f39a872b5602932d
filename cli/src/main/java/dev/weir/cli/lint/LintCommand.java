package dev.weir.cli.lint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.weir.cli.cluster.Format;
import dev.weir.cli.cluster.Problem;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "lint",
        description = {
            "Checks the Releases in manifests without a cluster: the schema and the rules of the definition, and the"
                    + " operator's own checks. Other kinds are passed over.",
            "For what a chart makes: helm template RELEASE CHART -f VALUES | weir lint -"
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:nothing is wrong; warnings may be there",
            "1:something is wrong",
            "2:wrong usage, or a file that cannot be read"
        },
        mixinStandardHelpOptions = true)
public final class LintCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "YAML or JSON; - for the standard input.")
    private List<String> files = List.of();

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "yaml or json for programs; anything else is one line for each finding.")
    private Format format = Format.table;

    @Override
    public Integer call() {
        ReleaseCheck check = new ReleaseCheck();
        List<Finding> findings = new ArrayList<>();
        int releases = 0;
        int others = 0;
        for (String file : files) {
            Manifests.Read read = Manifests.read(file, System.in);
            findings.addAll(read.findings());
            for (Manifest manifest : read.manifests()) {
                if (manifest.isRelease()) {
                    releases++;
                    findings.addAll(check.check(manifest));
                } else {
                    others++;
                }
            }
        }
        print(findings, releases, others);
        return findings.stream().anyMatch(finding -> finding.level() == Finding.Level.error) ? Problem.FAILED : 0;
    }

    private void print(List<Finding> findings, int releases, int others) {
        var line = Objects.requireNonNull(spec).commandLine();
        PrintWriter out = line.getOut();
        if (format.isData()) {
            ArrayNode list = JSON.createArrayNode();
            findings.forEach(finding -> list.add(JSON.<com.fasterxml.jackson.databind.JsonNode>valueToTree(finding)));
            out.print(format.of(list));
        } else {
            findings.forEach(out::println);
        }
        out.flush();
        line.getErr()
                .println(releases + (releases == 1 ? " release" : " releases") + " checked, " + findings.size()
                        + (findings.size() == 1 ? " finding" : " findings")
                        + (others == 0 ? "" : ", " + others + " of other kinds passed over"));
        line.getErr().flush();
    }
}
