package dev.weir.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.bench.StartupBench;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "local",
        description = "Runs a whole Kubernetes with a mesh on this machine: in the foreground, or start and stop it.",
        subcommands = NodeCommand.class,
        mixinStandardHelpOptions = true)
final class LocalCommand implements Callable<Integer> {
    private static final int START_SECONDS = 60;
    private static final int STOP_SECONDS = 15;
    private static final YAMLMapper YAML = YAMLMapper.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .build();
    private static final List<String> ADDRESSES = List.of("api", "gateway", "charts", "metrics", "kubeconfig");

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private LocalFolder where = new LocalFolder();

    @Mixin
    private How how = new How();

    /** How to run it. */
    static final class How {
        private static final int HIGHEST_PORT = 65535;

        @Option(
                names = "--kubeconfig",
                description = "Write the kubeconfig to this file instead of the data directory.")
        private @Nullable Path kubeconfig;

        @Option(names = "--api-port", description = "Port of the API server; a free one by default.")
        private int apiPort;

        @Option(names = "--charts-port", description = "Port of the chart repository; a free one by default.")
        private int chartsPort;

        @Option(
                names = "--controller",
                description = "inside (default) or none: leave the operator to the controller chart.")
        private String controller = "inside";

        @Option(names = "--controllers", description = "all (default) or none: run the API server alone.")
        private String controllers = "all";

        @Option(
                names = "--image",
                description = "NAME=COMMAND or NAME=URL: what an image that is not known stands for.")
        private Map<String, String> images = new TreeMap<>();

        LocalOptions options(Path dataDir, CommandSpec spec) {
            oneOf(spec, "--controller", controller, "inside", "none");
            oneOf(spec, "--controllers", controllers, "all", "none");
            port(spec, "--api-port", apiPort);
            port(spec, "--charts-port", chartsPort);
            return new LocalOptions(
                    dataDir,
                    Optional.ofNullable(kubeconfig),
                    apiPort,
                    chartsPort,
                    controllers.equals("all"),
                    controller.equals("inside"),
                    images);
        }

        private static void oneOf(CommandSpec spec, String option, String value, String... allowed) {
            if (!List.of(allowed).contains(value)) {
                throw new CommandLine.ParameterException(
                        spec.commandLine(), option + ": '" + value + "' is not one of " + String.join(", ", allowed));
            }
        }

        private static void port(CommandSpec spec, String option, int port) {
            if (port < 0 || port > HIGHEST_PORT) {
                throw new CommandLine.ParameterException(
                        spec.commandLine(),
                        option + ": " + port + " is not from 1 to " + HIGHEST_PORT + ", or 0 for a free one");
            }
        }

        List<String> arguments() {
            List<String> arguments = new ArrayList<>(List.of(
                    "--api-port=" + apiPort,
                    "--charts-port=" + chartsPort,
                    "--controller=" + controller,
                    "--controllers=" + controllers));
            if (kubeconfig != null) {
                arguments.add("--kubeconfig=" + kubeconfig.toAbsolutePath());
            }
            images.forEach((name, mapping) -> arguments.add("--image=" + name + "=" + mapping));
            return arguments;
        }
    }

    /** Runs until a signal. */
    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandSpec self = java.util.Objects.requireNonNull(spec);
        if (where.running().isPresent()) {
            throw new IOException("local mode already runs in " + where.path()
                    + "; stop it with: weir local stop --data-dir " + where.path());
        }
        LocalOptions options = how.options(where.path(), self);
        where.claim();
        try (StopSignal stop = new StopSignal(STOP_SECONDS)) {
            run(options, stop);
        }
        return 0;
    }

    private void run(LocalOptions options, StopSignal stop) throws IOException, InterruptedException {
        try (LocalMode local = LocalMode.start(options)) {
            Properties state = new Properties();
            state.setProperty("pid", Long.toString(ProcessHandle.current().pid()));
            state.setProperty(
                    "started", LocalFolder.started(ProcessHandle.current()).toString());
            state.setProperty("api", local.apiUrl().toString());
            state.setProperty("kubeconfig", local.kubeconfig().toString());
            if (options.controllers()) {
                state.setProperty("gateway", local.gateway().toString());
                state.setProperty("charts", local.chartRepository().toString());
                state.setProperty("metrics", local.metrics().toString());
            }
            try (var out = Files.newBufferedWriter(where.state())) {
                state.store(out, null);
            }
            print(state);
            stop.await();
        } finally {
            Files.deleteIfExists(where.state());
        }
    }

    private static void print(Properties state) {
        for (String key : ADDRESSES) {
            if (state.containsKey(key)) {
                System.out.printf("%-11s %s%n", key, state.getProperty(key));
            }
        }
    }

    @Command(
            name = "start",
            description = "Starts in the background; returns when a release could be applied.",
            mixinStandardHelpOptions = true)
    int start(@Mixin LocalFolder place, @Mixin How manner) throws IOException, InterruptedException {
        if (place.running().isPresent()) {
            throw new IOException("local mode already runs in " + place.path());
        }
        manner.options(place.path(), java.util.Objects.requireNonNull(spec));
        place.claim();
        place.rotateLog();
        File log = place.log().toFile();
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        java.lang.management.ManagementFactory.getRuntimeMXBean()
                .getInputArguments()
                .forEach(command::add);
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                "dev.weir.cli.Main",
                "local",
                "--data-dir",
                place.path().toString()));
        command.addAll(manner.arguments());
        Process process = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(log)
                .redirectErrorStream(true)
                .start();
        for (int i = 0; i < START_SECONDS * 20 && process.isAlive(); i++) {
            Optional<Properties> running = place.running();
            if (running.isPresent()) {
                print(running.get());
                return 0;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        process.destroy();
        // what it says of itself begins as what is said here does
        String said = Files.readString(log.toPath()).strip().replaceAll("(?m)^weir: ", "");
        throw new IOException("local mode did not start: " + said);
    }

    @Command(name = "stop", description = "Stops the one in the background.", mixinStandardHelpOptions = true)
    int stop(@Mixin LocalFolder place) throws IOException, InterruptedException {
        Optional<Properties> running = place.running();
        if (running.isEmpty()) {
            System.err.println("no local mode runs in " + place.path());
            return 0;
        }
        ProcessHandle process = ProcessHandle.of(Long.parseLong(running.get().getProperty("pid")))
                .orElseThrow();
        process.destroy();
        try {
            process.onExit().get(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException slow) {
            process.destroyForcibly();
        }
        return 0;
    }

    /** How {@code status} is printed. */
    enum Output {
        text,
        json,
        yaml
    }

    @Command(
            name = "status",
            description = "Lists the addresses; exit code 1 if none runs.",
            mixinStandardHelpOptions = true)
    int status(
            @Mixin LocalFolder place,
            @Option(
                            names = {"-o", "--output"},
                            defaultValue = "text",
                            description = "One of: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
                    Output output)
            throws IOException {
        Optional<Properties> running = place.running();
        switch (output) {
            case text -> {
                running.ifPresentOrElse(
                        LocalCommand::print, () -> System.err.println("no local mode runs in " + place.path()));
                if (running.isPresent()) {
                    place.gateways().forEach((name, urls) -> System.out.printf("%-11s %s %s%n", "gateway", urls, name));
                }
            }
            case json ->
                System.out.println(
                        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(facts(place, running)));
            case yaml -> System.out.print(YAML.writeValueAsString(facts(place, running)));
        }
        return running.isPresent() ? 0 : 1;
    }

    /** The status as data: whether one runs, where its files are, and if it runs its process and addresses. */
    private static Map<String, Object> facts(LocalFolder place, Optional<Properties> running) throws IOException {
        Map<String, Object> facts = new LinkedHashMap<>();
        Map<String, String> gateways = place.gateways();
        facts.put("running", running.isPresent());
        facts.put("dataDir", place.path().toString());
        running.ifPresent(state -> {
            facts.put("pid", Long.parseLong(state.getProperty("pid")));
            for (String key : ADDRESSES) {
                if (state.containsKey(key)) {
                    facts.put(key, state.getProperty(key));
                }
            }
            facts.put("gateways", gateways);
        });
        return facts;
    }

    @Command(name = "env", description = "Prints the export line for the shell.", mixinStandardHelpOptions = true)
    int env(@Mixin LocalFolder place) throws IOException {
        Optional<Properties> running = place.running();
        running.ifPresentOrElse(
                state -> System.out.println("export KUBECONFIG=" + quoted(state.getProperty("kubeconfig"))),
                () -> System.err.println("no local mode runs in " + place.path()));
        return running.isPresent() ? 0 : 1;
    }

    /** As one word for a shell. */
    private static String quoted(String word) {
        return word.matches("[A-Za-z0-9_./@%+=:,-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    @Command(name = "reset", description = "Stops it and removes its folder.", mixinStandardHelpOptions = true)
    int reset(@Mixin LocalFolder place) throws IOException, InterruptedException {
        stop(place);
        place.remove();
        return 0;
    }

    @Command(
            name = "rehearse",
            hidden = true,
            description = "Starts local mode, releases once and stops. The launcher makes its start cache from this.",
            mixinStandardHelpOptions = true)
    int rehearse() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("weir-rehearsal");
        try {
            try (LocalMode local = LocalMode.start(LocalOptions.in(folder))) {
                StartupBench.rehearse(local.kubeconfig(), local.gateway());
            }
        } finally {
            LocalFolder.remove(folder);
        }
        return 0;
    }
}
