package dev.weir.local;

import dev.weir.dataplane.ProxyListener;
import dev.weir.samples.HttpBin;
import io.fabric8.kubernetes.api.model.Container;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Starts what images stand for. */
final class Programs {
    private static final int HTTP = 80;

    private final PodSandbox sandbox;
    private final ProcessLedger ledger;

    Programs(PodSandbox sandbox, ProcessLedger ledger) {
        this.sandbox = sandbox;
        this.ledger = ledger;
    }

    /**
     * A run that began.
     *
     * @param accepts where it will listen, if it is a command that is ready once it does
     */
    record Started(Execution execution, @Nullable InetSocketAddress accepts) {}

    /**
     * Starts a container.
     *
     * @throws IOException if a port is taken or a command cannot run
     * @throws Misconfigured if something that the container refers to is missing
     */
    Started start(Images.Program program, Container container, ContainerLog log) throws IOException, Misconfigured {
        int port = port(container);
        return switch (program) {
            case Images.Program.HttpBin _ -> {
                HttpBin server = HttpBin.start(sandbox.listenable(port), log::line);
                sandbox.announce(port, server.address());
                yield builtIn(server);
            }
            case Images.Program.Gateway _ -> {
                ProxyListener listener = sandbox.openGateway(HTTP);
                sandbox.announce(HTTP, listener.address());
                yield builtIn(listener);
            }
            case Images.Program.Remote(URI url) -> {
                sandbox.announce(port, new InetSocketAddress(url.getHost(), url.getPort() < 0 ? HTTP : url.getPort()));
                yield builtIn(() -> {});
            }
            case Images.Program.Command(List<String> standard) -> {
                Map<String, String> variables = sandbox.environment(container);
                List<String> command = command(container, standard, variables);
                yield new Started(process(container, command, variables, log), null);
            }
            case Images.Program.Operator _ -> {
                List<String> command = OperatorCommand.of(container.getArgs());
                yield new Started(process(container, command, sandbox.environment(container), log), null);
            }
            case Images.Program.Server(List<String> command) -> {
                InetSocketAddress bound = sandbox.freePort(port);
                sandbox.announce(port, bound);
                Map<String, String> variables = sandbox.environment(container);
                variables.put("HOST", bound.getAddress().getHostAddress());
                variables.put("PORT", Integer.toString(bound.getPort()));
                yield new Started(process(container, command, variables, log), bound);
            }
            case Images.Program.Unknown _ -> throw new IllegalArgumentException(container.getImage());
        };
    }

    private static Started builtIn(AutoCloseable server) {
        return new Started(new Execution.BuiltIn(server), null);
    }

    private static int port(Container container) {
        return container.getPorts().isEmpty()
                ? HTTP
                : container.getPorts().getFirst().getContainerPort();
    }

    private static List<String> command(Container container, List<String> standard, Map<String, String> variables) {
        List<String> command = new ArrayList<>(container.getCommand().isEmpty() ? standard : container.getCommand());
        command.addAll(container.getArgs());
        command.replaceAll(word -> Expansion.expand(word, variables));
        return command;
    }

    private HostProcess process(
            Container container, List<String> command, Map<String, String> variables, ContainerLog log)
            throws IOException, Misconfigured {
        return HostProcess.start(command, variables, sandbox.workingDirectory(container), log, ledger);
    }
}
