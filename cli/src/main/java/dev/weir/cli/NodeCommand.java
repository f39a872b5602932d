package dev.weir.cli;

import dev.weir.local.NodeMode;
import dev.weir.local.NodeOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "node",
        hidden = true,
        description = {
            "Runs local mode's node alone, for any API server, until a signal; says 'ready' when it takes pods.",
            "It registers the node, gives it every pod that has none, runs pods as built-in servers or as processes, and "
                    + "serves logs, exec and port-forward. Pods that run commands get an Envoy beside them, which "
                    + "istiod configures; so do ingress gateways. Needs Linux and the rights of root, best in a network "
                    + "namespace made for it. This is how the real stack of the end-to-end tests runs its pods."
        },
        mixinStandardHelpOptions = true)
final class NodeCommand implements Callable<Integer> {
    private static final int STOP_SECONDS = 9;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--kubeconfig", required = true, description = "Of a user who may do everything.")
    private Path kubeconfig = Path.of("");

    @Option(names = "--name", required = true, description = "The node's name.")
    private String name = "";

    @Option(
            names = "--address",
            required = true,
            description = "The node's IPv4 address; the kubelet is on port 10250.")
    private String address = "";

    @Option(names = "--pods", required = true, description = "The range that pods get addresses from, as 10.0.1.0/24.")
    private String pods = "";

    @Option(names = "--data-dir", required = true, description = "Where pods keep their files.")
    private Path dataDir = Path.of("");

    @Option(names = "--serving-certificate", required = true, description = "The kubelet's certificate, PEM.")
    private Path certificate = Path.of("");

    @Option(names = "--serving-key", required = true, description = "Its key, PEM.")
    private Path key = Path.of("");

    @Option(
            names = "--client-ca",
            required = true,
            description = "The authority of the kubelet's clients, PEM. What a client may, the API server says.")
    private Path clientAuthority = Path.of("");

    @Option(names = "--envoy", required = true, description = "The Envoy program.")
    private Path envoy = Path.of("");

    @Option(names = "--xds", required = true, description = "HOST:PORT where istiod serves xDS in plain text.")
    private String xds = "";

    @Option(names = "--image", description = "NAME=COMMAND: what an image that is not known stands for.")
    private Map<String, String> images = new TreeMap<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        NodeOptions options = options();
        try (StopSignal stop = new StopSignal(STOP_SECONDS);
                NodeMode _ = NodeMode.start(options)) {
            System.out.println("ready");
            stop.await();
        }
        return 0;
    }

    private NodeOptions options() {
        int colon = xds.lastIndexOf(':');
        try {
            return new NodeOptions(
                    kubeconfig,
                    name,
                    address,
                    pods,
                    dataDir,
                    new NodeOptions.Identity(certificate, key, clientAuthority),
                    envoy,
                    new InetSocketAddress(
                            xds.substring(0, Math.max(colon, 0)), Integer.parseInt(xds.substring(colon + 1))),
                    images);
        } catch (IllegalArgumentException malformed) {
            throw new CommandLine.ParameterException(
                    java.util.Objects.requireNonNull(spec).commandLine(), String.valueOf(malformed.getMessage()));
        }
    }
}
