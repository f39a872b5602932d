package dev.weir.local;

import dev.weir.samples.Faults;
import dev.weir.samples.HttpBin;
import dev.weir.samples.Podinfo;
import dev.weir.samples.Sample;
import dev.weir.samples.SampleServer;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Starts what images stand for. */
final class Programs {
    private static final int HTTP = 80;
    private static final String PODINFO = "podinfo";

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
            case Images.Program.HttpBin _ ->
                builtIn(serve(new HttpBin(), faults(sandbox.declared(container)), port, log));
            case Images.Program.Podinfo(String version) -> podinfo(version, container, log);
            case Images.Program.Gateway _ -> gateway(container, log);
            case Images.Program.Remote(URI url) -> {
                sandbox.announce(port, new InetSocketAddress(url.getHost(), url.getPort() < 0 ? HTTP : url.getPort()));
                yield builtIn(() -> {});
            }
            case Images.Program.Command image -> {
                Map<String, String> variables = sandbox.environment(container);
                List<String> command = command(container, image, variables);
                yield new Started(process(container, command, variables, log), null);
            }
            case Images.Program.Operator _ -> {
                Map<String, String> variables = sandbox.environment(container);
                List<String> arguments = new ArrayList<>(container.getArgs());
                arguments.replaceAll(word -> Expansion.expand(word, variables));
                yield new Started(process(container, OperatorCommand.of(arguments), variables, log), null);
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

    private Started gateway(Container container, ContainerLog log) throws IOException, Misconfigured {
        Set<Integer> ports = container.getPorts().stream()
                .map(ContainerPort::getContainerPort)
                .collect(Collectors.toCollection(TreeSet::new));
        return switch (sandbox.network().gateway(sandbox.pod(), ports)) {
            case PodNetwork.Gateway.Inside(Map<Integer, InetSocketAddress> bound, AutoCloseable listeners) -> {
                bound.forEach(sandbox::announce);
                yield builtIn(listeners);
            }
            case PodNetwork.Gateway.Process(List<String> command, InetSocketAddress accepts) ->
                new Started(process(container, command, sandbox.environment(container), log), accepts);
        };
    }

    private static int port(Container container) {
        return container.getPorts().isEmpty()
                ? HTTP
                : container.getPorts().getFirst().getContainerPort();
    }

    /** As container engines do: a container's command leaves nothing of the image's words. */
    private static List<String> command(
            Container container, Images.Program.Command image, Map<String, String> variables) {
        boolean own = !container.getCommand().isEmpty();
        List<String> command = new ArrayList<>(own ? container.getCommand() : image.entrypoint());
        command.addAll(own || !container.getArgs().isEmpty() ? container.getArgs() : image.standard());
        command.replaceAll(word -> Expansion.expand(word, variables));
        return command;
    }

    private SampleServer serve(Sample sample, Faults faults, int port, ContainerLog log) throws IOException {
        SampleServer server = SampleServer.start(sample, faults, sandbox.listenable(port), log::line);
        sandbox.announce(port, server.address());
        return server;
    }

    private static Faults faults(Map<String, String> variables) throws Misconfigured {
        try {
            return Faults.of(variables);
        } catch (IllegalArgumentException malformed) {
            throw new Misconfigured(String.valueOf(malformed.getMessage()));
        }
    }

    /** The built-in podinfo, unless the container's words ask for another command. */
    private Started podinfo(String version, Container container, ContainerLog log) throws IOException, Misconfigured {
        Map<String, String> variables = sandbox.declared(container);
        List<String> words = command(container, new Images.Program.Command(List.of(), List.of(PODINFO)), variables);
        String first = words.getFirst();
        if (!first.startsWith("-") && !first.equals(PODINFO) && !first.endsWith("/" + PODINFO)) {
            Map<String, String> all = sandbox.environment(container);
            return new Started(process(container, words, all, log), null);
        }
        CompletableFuture<Execution.BuiltIn> run = new CompletableFuture<>();
        Podinfo podinfo;
        try {
            podinfo = new Podinfo(version, words, variables, () -> {
                log.line("Panic command received");
                run.thenAccept(started -> started.crash(1));
            });
        } catch (IllegalArgumentException malformed) {
            throw new Misconfigured(String.valueOf(malformed.getMessage()));
        }
        SampleServer main = serve(podinfo, faults(variables), podinfo.port(), log);
        AutoCloseable servers = main;
        if (podinfo.metricsPort().isPresent()) {
            SampleServer metrics = serve(
                    podinfo.metricsOnly(), Faults.NONE, podinfo.metricsPort().getAsInt(), log);
            servers = () -> {
                metrics.close();
                main.close();
            };
        }
        run.complete(new Execution.BuiltIn(servers));
        return new Started(run.join(), null);
    }

    private HostProcess process(
            Container container, List<String> command, Map<String, String> variables, ContainerLog log)
            throws IOException, Misconfigured {
        return HostProcess.start(
                sandbox.hostCommand(command, variables, sandbox.workingDirectory(container)),
                new HostProcess.Talk(
                        Boolean.TRUE.equals(container.getStdin()), Boolean.TRUE.equals(container.getTty())),
                log,
                ledger);
    }
}
