package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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

@Command(
        name = "why",
        description = "Says what a release waits for, since when, on what evidence, and what unblocks it.",
        mixinStandardHelpOptions = true)
public final class WhyCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "NAME", description = "The release.")
    private String name = "";

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "yaml or json for programs; anything else is text.")
    private Format format = Format.table;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        return target.ask(cluster -> {
            Snapshot seen = Snapshot.read(cluster, Releases.require(cluster, name));
            Diagnosis diagnosis = Diagnosis.of(seen);
            out.print(format.isData() ? format.of(data(seen, diagnosis)) : text(seen, diagnosis, Instant.now()));
            out.flush();
            return 0;
        });
    }

    private static JsonNode headline(JsonNode release) {
        return Releases.condition(release, "Ready");
    }

    /** Since when the release has been in its phase. */
    private static String since(JsonNode release) {
        return Releases.condition(release, Releases.phase(release))
                .path("lastTransitionTime")
                .asText(release.path("metadata").path("creationTimestamp").asText());
    }

    static String text(Snapshot seen, Diagnosis diagnosis, Instant now) {
        JsonNode release = seen.release();
        boolean current = Releases.isCurrent(release);
        StringBuilder text = new StringBuilder();
        String since = since(release);
        text.append(Releases.name(release)).append(" in namespace ").append(Releases.namespace(release));
        if (current) {
            text.append(" is ").append(state(release)).append(" since ").append(since);
            text.append(" (").append(Ages.since(since, now)).append(")\n  ");
            text.append(headline(release).path("message").asText()).append('\n');
        } else {
            text.append(": no operator has taken up its newest spec (generation ")
                    .append(release.path("metadata").path("generation").asText())
                    .append(")\n");
        }
        List<String> rules = new ArrayList<>();
        release.path("status").path("why").forEach(sentence -> rules.add(sentence.asText()));
        section(text, current ? "rules that hold" : "what the operator said of the spec before", rules);
        section(
                text,
                "evidence",
                diagnosis.evidence().stream().map(one -> sentence(one, now)).toList());
        section(text, "what unblocks it", diagnosis.unblocks());
        return text.toString();
    }

    private static String sentence(Diagnosis.Evidence one, Instant now) {
        return one.object() + " " + one.field() + ": " + one.value()
                + (one.wanted().isEmpty() ? "" : "; wanted: " + one.wanted())
                + (one.since().isEmpty() ? "" : " (" + Ages.since(one.since(), now) + ")");
    }

    private static String state(JsonNode release) {
        return switch (Releases.phase(release)) {
            case "Ready" -> "ready";
            case "Stalled" -> "stalled (" + headline(release).path("reason").asText() + ")";
            default -> "not ready (" + headline(release).path("reason").asText() + ")";
        };
    }

    private static void section(StringBuilder text, String heading, List<String> sentences) {
        if (!sentences.isEmpty()) {
            text.append('\n').append(heading).append('\n');
            sentences.forEach(sentence -> text.append("  - ").append(sentence).append('\n'));
        }
    }

    private static ObjectNode data(Snapshot seen, Diagnosis diagnosis) {
        JsonNode release = seen.release();
        ObjectNode data = JSON.createObjectNode();
        data.put("name", Releases.name(release)).put("namespace", Releases.namespace(release));
        data.put("state", Releases.isCurrent(release) ? Releases.phase(release) : "Unknown");
        data.put("reason", headline(release).path("reason").asText());
        data.put("message", headline(release).path("message").asText());
        data.put("since", since(release));
        release.path("status").path("why").forEach(data.withArray("/why")::add);
        for (Diagnosis.Evidence one : diagnosis.evidence()) {
            data.withArray("/evidence").add(JSON.valueToTree(one));
        }
        diagnosis.unblocks().forEach(data.withArray("/unblocks")::add);
        return data;
    }
}
