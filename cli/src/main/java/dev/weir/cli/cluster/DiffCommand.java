package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.cli.lint.Finding;
import dev.weir.cli.lint.Manifest;
import dev.weir.cli.lint.Manifests;
import dev.weir.operator.Preview;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntry;
import io.fabric8.kubernetes.client.dsl.FieldValidateable;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "diff",
        description = {
            "Shows what the operator would change in the cluster if the Releases of a file were applied: at once, and"
                    + " once every pod is ready. The operator's own code decides; the server is asked what each write"
                    + " would make of an object (a dry run, for which you need the right to write). Nothing is changed."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:nothing would change",
            "1:something would",
            "2:wrong usage, or a file that cannot be used",
            "3:the cluster could not be reached, or refused"
        },
        mixinStandardHelpOptions = true)
public final class DiffCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STRICT = "Strict";

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "YAML or JSON; - for the standard input.")
    private List<String> files = List.of();

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Manifest> releases = new ArrayList<>();
        for (String file : files) {
            Manifests.Read read = Manifests.read(file, System.in);
            if (!read.findings().isEmpty()) {
                throw new Problem(
                        Problem.USAGE,
                        String.join(
                                "\n",
                                read.findings().stream().map(Finding::toString).toList()));
            }
            read.manifests().stream().filter(Manifest::isRelease).forEach(releases::add);
        }
        if (releases.isEmpty()) {
            throw new Problem(Problem.USAGE, "there is no Release in " + String.join(", ", files));
        }
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        return target.ask(cluster -> {
            boolean differs = false;
            for (Manifest manifest : releases) {
                differs |= show(cluster, manifest, out);
            }
            out.flush();
            return differs ? Problem.FAILED : 0;
        });
    }

    private static boolean show(Target.Cluster cluster, Manifest manifest, PrintWriter out) {
        ObjectNode release = applied(cluster, manifest);
        String name = Releases.namespace(release) + "/" + Releases.name(release);
        boolean differs = false;
        String when = "at once";
        for (Preview.Stage stage : Preview.of(cluster.client(), release, Instant.now())) {
            if (!stage.changes().isEmpty()) {
                differs = true;
                out.println("# release " + name + ", " + when);
                stage.changes().forEach(change -> out.print(text(change)));
            }
            when = "once every pod is ready";
        }
        return differs;
    }

    private static String text(Preview.Change change) {
        String name = change.kind() + "/" + change.name();
        return "--- " + (change.before() == null ? "/dev/null" : name) + "\n"
                + "+++ " + (change.after() == null ? "/dev/null" : name) + "\n"
                + TextDiff.unified(yaml(change.before()), yaml(change.after()));
    }

    private static String yaml(@Nullable JsonNode object) {
        return object == null ? "" : Format.yaml.of(object);
    }

    /**
     * The release as the server would store it. Who applied it on the server's side is taken to do so again, with what
     * that leaves of others; what Helm or kubectl applied from the client's side has the file's spec in the place of the
     * present one.
     */
    private static ObjectNode applied(Target.Cluster cluster, Manifest manifest) {
        ObjectNode wanted = (ObjectNode) manifest.content().deepCopy();
        String namespace = Releases.namespace(wanted).isEmpty() ? cluster.namespace() : Releases.namespace(wanted);
        var resources = Releases.in(cluster).inNamespace(namespace);
        GenericKubernetesResource present = resources.withName(manifest.name()).get();
        GenericKubernetesResource answer;
        if (present == null) {
            wanted.withObject("/metadata").put("namespace", namespace);
            answer = resources
                    .resource(JSON.convertValue(wanted, GenericKubernetesResource.class))
                    .dryRun()
                    .fieldValidation(FieldValidateable.Validation.STRICT)
                    .create();
        } else {
            answer = applier(present)
                    .map(manager -> resources
                            .resource(JSON.convertValue(wanted, GenericKubernetesResource.class))
                            .patch(new PatchContext.Builder()
                                    .withPatchType(PatchType.SERVER_SIDE_APPLY)
                                    .withFieldManager(manager)
                                    .withForce(true)
                                    .withFieldValidation(STRICT)
                                    .withDryRun(List.of("All"))
                                    .build()))
                    .orElseGet(() -> {
                        ObjectNode next = JSON.valueToTree(present);
                        next.set("spec", wanted.path("spec"));
                        return resources
                                .resource(JSON.convertValue(next, GenericKubernetesResource.class))
                                .dryRun()
                                .fieldValidation(FieldValidateable.Validation.STRICT)
                                .update();
                    });
        }
        return JSON.valueToTree(answer);
    }

    /** Who applied a spec on the server's side; empty if nobody did. */
    private static Optional<String> applier(GenericKubernetesResource present) {
        return present.getMetadata().getManagedFields().stream()
                .filter(entry -> "Apply".equals(entry.getOperation()) && entry.getSubresource() == null)
                .filter(entry -> entry.getFieldsV1().getAdditionalProperties().containsKey("f:spec"))
                .map(ManagedFieldsEntry::getManager)
                .findFirst();
    }
}
