package dev.weir.cli;

import dev.weir.operator.Operator;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "operator",
        description = "Runs the operator as a process, as the controller chart does.",
        mixinStandardHelpOptions = true)
final class OperatorCommand implements Callable<Integer> {
    @Option(names = "--all-namespaces", description = "Serve Releases in every namespace.")
    private boolean allNamespaces;

    @Option(names = "--namespace", description = "The only namespace to serve; POD_NAMESPACE by default.")
    private @Nullable String namespace;

    @Mixin
    private Consent consent = new Consent();

    @Override
    public Integer call() throws InterruptedException {
        String only = namespace != null ? namespace : System.getenv().getOrDefault("POD_NAMESPACE", "default");
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(stopped::countDown));
        try (KubernetesClient client = new KubernetesClientBuilder().build()) {
            if (System.getenv("POD_NAMESPACE") == null) {
                consent.require(client, "run an operator that changes the objects of releases");
            }
            run(client, only, stopped);
        }
        return 0;
    }

    private void run(KubernetesClient client, String only, CountDownLatch stopped) throws InterruptedException {
        try (Operator operator =
                Operator.start(client, allNamespaces ? Operator.Options.allNamespaces() : new Operator.Options(only))) {
            System.out.println("operator " + (allNamespaces ? "for all namespaces" : "for namespace " + only)
                    + " is running: " + operator.getClass().getSimpleName());
            stopped.await();
        }
    }
}
