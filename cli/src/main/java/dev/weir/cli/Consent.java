package dev.weir.cli;

import dev.weir.cli.cluster.LocalCluster;
import dev.weir.cli.cluster.Problem;
import dev.weir.cli.cluster.Target;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Asks before something is changed in a cluster that is not local mode. Every command that changes a cluster which its
 * user's kubeconfig names has this; what runs in a pod was told by whoever made the pod.
 */
final class Consent {
    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask before changing a cluster that is not local mode.")
    private boolean yes;

    /** Answers a question on the terminal; null without one. */
    private @Nullable UnaryOperator<String> terminal;

    Consent() {
        var console = System.console();
        terminal = console != null && console.isTerminal() ? question -> console.readLine("%s", question) : null;
    }

    /** With somebody in the place of the terminal's user. */
    Consent(boolean yes, @Nullable UnaryOperator<String> terminal) {
        this.yes = yes;
        this.terminal = terminal;
    }

    /**
     * Returns if the change may be made.
     *
     * @param change what is about to happen, to follow "weir wants to"
     * @throws Problem if the user does not want it, or cannot be asked
     */
    void require(KubernetesClient client, String change) {
        Config config = client.getConfiguration();
        if (yes || LocalCluster.isLocalMode(client)) {
            return;
        }
        String name = Target.name(config);
        UnaryOperator<String> asked = terminal;
        if (asked == null) {
            throw new Problem(
                    Problem.USAGE,
                    "not done: this would " + change + " (" + name
                            + "), which is not local mode; say --yes if you want it");
        }
        String answer = asked.apply("This is not local mode (" + name + "). " + change + "? [y/N] ");
        if (answer == null || !answer.strip().toLowerCase(java.util.Locale.ROOT).matches("y|yes")) {
            throw new Problem(Problem.FAILED, "not done");
        }
    }
}
