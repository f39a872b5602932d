package dev.weir.e2e.stack;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;

/** {@code weir-e2e}. */
@Command(
        name = "weir-e2e",
        description = "Runs real Kubernetes, Istio, Envoy and Prometheus as processes in a network namespace of this"
                + " machine. Needs Linux, root, Go, kubectl and helm.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        synopsisSubcommandLabel = "COMMAND")
final class Main {
    private static final int STOP_SECONDS = 60;

    /** Names the stack's folder to what {@code run} runs, so that it speaks of the stack it is in. */
    private static final String FOLDER = "WEIR_E2E_DATA_DIR";

    @Option(
            names = "--data-dir",
            scope = ScopeType.INHERIT,
            defaultValue = "${env:" + FOLDER + ":-${sys:user.home}/.weir/e2e}",
            description = "The stack's folder; several stacks run side by side in different ones. Default: ~/.weir/e2e,"
                    + " and within run the folder of the stack that one is in.")
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Path dataDir;

    private final PrintStream out = System.out;

    private Main() {}

    public static void main(String[] args) {
        CommandLine line = new CommandLine(new Main());
        Objects.requireNonNull(line.getSubcommands().get("run")).setStopAtPositional(true);
        line.setExecutionExceptionHandler((failure, command, _) -> {
            boolean expected = failure instanceof Trouble || failure instanceof IOException;
            command.getErr().println("weir-e2e: " + (expected ? failure.getMessage() : failure.toString()));
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Command(name = "up", description = "Obtains the programs and starts everything; returns when all of it is ready.")
    int up(
            @Option(names = "--keep", description = "Leave what a start that failed has started, for a look.")
                    boolean keep)
            throws IOException, InterruptedException {
        require();
        // is wanted late, and what comes before takes minutes on a new machine
        Cluster.helm();
        Layout layout = layout();
        if (layout.up() || layout.isStarting()) {
            throw new Trouble("a stack " + (layout.up() ? "is up" : "is being started") + " in " + layout.folder()
                    + "; take it down with: weir-e2e down");
        }
        Instant begin = Instant.now();
        Stack stack = stack(layout);
        Thread self = Thread.currentThread();
        CountDownLatch ended = new CountDownLatch(1);
        // an interrupted start undoes what it did before the process may end
        Thread undo = new Thread(() -> {
            self.interrupt();
            try {
                ended.await(STOP_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException hurried) {
                Thread.currentThread().interrupt();
            }
        });
        Runtime.getRuntime().addShutdownHook(undo);
        boolean up = false;
        try {
            stack.up();
            up = true;
        } finally {
            if (!up && !keep) {
                boolean interrupted = Thread.interrupted();
                stack.down();
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
            ended.countDown();
        }
        Runtime.getRuntime().removeShutdownHook(undo);
        table(stack);
        out.printf("%nup after %d s%n", Duration.between(begin, Instant.now()).toSeconds());
        out.println("run a command there:  ./weir-e2e run kubectl get pods -A");
        return 0;
    }

    @Command(name = "down", description = "Ends everything, and removes it.")
    int down() throws IOException, InterruptedException {
        require();
        Layout layout = layout();
        if (layout.namespace().isEmpty()) {
            System.err.println("no stack in " + layout.folder());
        }
        stack(layout).down();
        return 0;
    }

    @Command(name = "status", description = "Prints what runs where; exit code 1 if something does not.")
    int status() throws IOException, InterruptedException {
        require();
        Layout layout = layout();
        if (!layout.up()) {
            System.err.println("no stack is up in " + layout.folder());
            return 1;
        }
        return table(stack(layout)) ? 0 : 1;
    }

    @Command(name = "env", description = "Prints the export lines for a shell; what they lead to is seen inside only.")
    int env() throws IOException {
        Layout layout = mustBeUp();
        environment(layout).forEach((name, value) -> out.println("export " + name + "=" + value));
        return 0;
    }

    @Command(
            name = "run",
            description = "Runs a command inside the stack's network namespace, with kubectl and helm set to it.")
    int run(@Parameters(paramLabel = "COMMAND", arity = "1..*") List<String> words)
            throws IOException, InterruptedException {
        require();
        Layout layout = mustBeUp();
        NetworkNamespace namespace = layout.namespace().orElseThrow();
        ProcessBuilder builder =
                new ProcessBuilder(namespace.inside(words)).directory(new File(System.getProperty("user.dir")));
        builder.environment().putAll(environment(layout));
        return builder.inheritIO().start().waitFor();
    }

    @Command(name = "stop", description = "Ends one part, to see what becomes of the others.")
    int stop(
            @Parameters(paramLabel = "PART") String name,
            @Option(names = "--kill", description = "At once, without letting it finish anything.") boolean kill)
            throws IOException, InterruptedException {
        require();
        part(mustBeUp(), name).stop(kill);
        return 0;
    }

    @Command(name = "start", description = "Starts a part again that was ended; returns when it is ready.")
    int start(@Parameters(paramLabel = "PART") String name) throws IOException, InterruptedException {
        require();
        Layout layout = mustBeUp();
        Part part = part(layout, name);
        if (part.process().isPresent()) {
            throw new Trouble(name + " runs");
        }
        NetworkNamespace namespace = layout.namespace().orElseThrow();
        part.start(namespace);
        part.await(namespace);
        return 0;
    }

    private Part part(Layout layout, String name) throws IOException, InterruptedException {
        Stack stack = stack(layout);
        Map<String, Part> parts = stack.parts(stack.programs());
        Part part = parts.get(name);
        if (part == null) {
            throw new Trouble("there is no part " + name + "; there are " + String.join(", ", parts.keySet()));
        }
        return part;
    }

    private Layout mustBeUp() throws IOException {
        Layout layout = layout();
        if (!layout.up()) {
            throw new Trouble("no stack is up in " + layout.folder() + "; start one with: weir-e2e up");
        }
        return layout;
    }

    private static Map<String, String> environment(Layout layout) throws IOException {
        Map<String, String> all = new TreeMap<>(Cluster.environment(layout));
        all.put("WEIR_STACK", "real");
        all.put("WEIR_CHARTS", Stack.CHARTS);
        all.put("WEIR_PROMETHEUS", "http://" + Stack.PROMETHEUS);
        all.put("WEIR_PARTS", layout.parts().toString());
        all.put(FOLDER, layout.folder().toString());
        @Nullable Path helm = Cluster.helm().getParent();
        all.put("PATH", helm + ":" + System.getenv("PATH"));
        return all;
    }

    private boolean table(Stack stack) throws IOException, InterruptedException {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("PART", "VERSION", "PROCESS", "ADDRESS", "FROM"));
        boolean all = true;
        Toolshed.Programs programs = stack.programs();
        Map<String, Program> origins = Map.of(
                "etcd", programs.etcd(),
                "kube-apiserver", programs.apiServer(),
                "kube-controller-manager", programs.controllerManager(),
                "istiod", programs.istiod(),
                "prometheus", programs.prometheus());
        for (Part part : stack.parts(programs).values()) {
            Optional<ProcessHandle> process = part.process();
            all &= process.isPresent();
            Program from = origins.get(part.name());
            rows.add(List.of(
                    part.name(),
                    part.version(),
                    process.map(running -> Long.toString(running.pid())).orElse("ended"),
                    part.address(),
                    from == null ? "this checkout" : from.origin()));
        }
        for (Program program : List.of(programs.envoy(), programs.gatewayApi())) {
            boolean envoy = program.equals(programs.envoy());
            rows.add(List.of(
                    envoy ? "envoy" : "gateway-api",
                    program.version(),
                    envoy ? "in pods" : "definitions",
                    "",
                    program.origin()));
        }
        for (List<String> row : rows) {
            out.println(
                    String.format("%-24s %-38s %-12s %-24s %s", row.toArray()).strip());
        }
        return all;
    }

    private Layout layout() {
        return new Layout(dataDir.toAbsolutePath());
    }

    private Stack stack(Layout layout) {
        return new Stack(layout, Path.of(System.getProperty("weir.home", ".")).toAbsolutePath(), out);
    }

    /** Says what is missing on this machine. */
    private static void require() throws IOException, InterruptedException {
        if (!System.getProperty("os.name").equals("Linux")) {
            throw new Trouble("the real stack needs Linux: it runs in a network namespace");
        }
        for (String program : List.of("ip", "setsid", "curl", "kubectl")) {
            if (Shell.which(program).isEmpty()) {
                throw new Trouble("there is no " + program + " on PATH; the real stack needs it");
            }
        }
        if (!Shell.must(List.of("id", "-u")).equals("0")) {
            throw new Trouble("the real stack needs root: it makes network namespaces");
        }
    }
}
