package dev.weir.cli;

import dev.weir.bench.DataPlaneBench;
import dev.weir.bench.DriftBench;
import dev.weir.bench.IdleBench;
import dev.weir.bench.MirrorBench;
import dev.weir.bench.PromotionBench;
import dev.weir.bench.StartupBench;
import dev.weir.bench.StoreBench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "bench", description = "Measures local mode on this machine.", mixinStandardHelpOptions = true)
final class BenchCommand {
    /** Those of the operator's image. */
    static final List<String> IMAGE_OPTIONS = List.of(
            "-XX:+UseSerialGC",
            "-XX:MaxRAMPercentage=40",
            "-XX:MinRAMPercentage=40",
            "-XX:TieredStopAtLevel=1",
            "-XX:TrimNativeHeapInterval=10000",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    /** In a container of the size that the chart gives it. */
    private static final List<String> OPERATOR_OPTIONS =
            Stream.concat(Stream.of("-XX:MaxRAM=256m"), IMAGE_OPTIONS.stream()).toList();

    /** A benchmark that keeps its files in a folder. */
    private interface Bench {
        int run(Path folder) throws IOException, InterruptedException;
    }

    @Command(
            name = "drift",
            description = "How long an edited or deleted VirtualService stays wrong.",
            mixinStandardHelpOptions = true)
    int drift(@Option(names = "--repeats", defaultValue = "50", description = "Default: 50.") int repeats)
            throws IOException, InterruptedException {
        return in(folder -> DriftBench.run(System.out, folder, Math.max(1, repeats)));
    }

    @Command(
            name = "startup",
            description = "From the start of the process until a release answers 200 through the gateway.",
            mixinStandardHelpOptions = true)
    int startup(@Option(names = "--repeats", defaultValue = "10", description = "Default: 10.") int repeats)
            throws IOException, InterruptedException {
        return in(folder -> StartupBench.run(System.out, command(folder), folder, Math.max(1, repeats)));
    }

    @Command(
            name = "mirror",
            description =
                    "What mirroring to a candidate that misbehaves costs users: 99th percentiles with and without.",
            mixinStandardHelpOptions = true)
    int mirror(
            @Option(names = "--repeats", defaultValue = "11", description = "Pairs per kind. Default: 11.") int repeats,
            @Option(names = "--rate", defaultValue = "500", description = "Requests per second. Default: 500.")
                    int rate,
            @Option(names = "--duration", defaultValue = "4", description = "Seconds per half of a pair. Default: 4.")
                    int seconds,
            @Option(
                            names = "--kinds",
                            split = ",",
                            defaultValue = "none,hang,refuse,slow",
                            description = "Of hang, refuse, slow, answer, none. Default: ${DEFAULT-VALUE}.")
                    List<String> kinds)
            throws IOException, InterruptedException {
        for (String kind : kinds) {
            if (!MirrorBench.kinds().contains(kind)) {
                System.err.println("--kinds: " + kind + " is not one of " + String.join(", ", MirrorBench.kinds()));
                return 2;
            }
        }
        MirrorBench.Plan plan = new MirrorBench.Plan(
                kinds, Math.max(1, repeats), Math.max(1, rate), Duration.ofSeconds(Math.max(1, seconds)));
        return in(folder -> MirrorBench.run(System.out, folder, plan));
    }

    @Command(
            name = "dataplane",
            description = "The data plane beside Envoy and nginx: requests per second, latency, memory.",
            mixinStandardHelpOptions = true)
    int dataplane(
            @Option(names = "--rounds", defaultValue = "5", description = "Default: 5.") int rounds,
            @Option(names = "--duration", defaultValue = "3", description = "Seconds of each measurement. Default: 3.")
                    int seconds,
            @Option(names = "--warm-up", defaultValue = "10", description = "Seconds for each. Default: 10.")
                    int warmUp)
            throws IOException, InterruptedException {
        DataPlaneBench.Plan plan = new DataPlaneBench.Plan(
                Math.max(1, rounds), Duration.ofSeconds(Math.max(1, seconds)), Duration.ofSeconds(Math.max(0, warmUp)));
        List<String> options =
                java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments();
        return in(folder -> DataPlaneBench.run(System.out, folder, options, plan));
    }

    @Command(
            name = "idle",
            description = "What local mode with a finished release costs while nothing happens.",
            mixinStandardHelpOptions = true)
    int idle(@Option(names = "--duration", defaultValue = "60", description = "Seconds. Default: 60.") int seconds)
            throws IOException, InterruptedException {
        return in(folder -> IdleBench.run(System.out, folder, Duration.ofSeconds(Math.max(1, seconds))));
    }

    @Command(
            name = "store",
            description = "How long a write to the API server takes, in memory and kept on disk.",
            mixinStandardHelpOptions = true)
    int store(@Option(names = "--writes", defaultValue = "2000", description = "Per writer. Default: 2000.") int writes)
            throws IOException, InterruptedException {
        return in(folder -> StoreBench.run(System.out, folder, Math.max(1, writes)));
    }

    @Command(
            name = "promotion",
            description =
                    "What promotions cost the API server and how long the operator takes, for one release and many.",
            mixinStandardHelpOptions = true)
    int promotion(
            @Option(
                            names = "--releases",
                            split = ",",
                            defaultValue = "1,100",
                            description = "Promoted at once. Default: ${DEFAULT-VALUE}.")
                    List<Integer> releases,
            @Option(names = "--rounds", defaultValue = "3", description = "Default: 3.") int rounds,
            @Option(
                            names = "--kubeconfig",
                            paramLabel = "FILE",
                            description =
                                    "Of the API server to use, in a namespace weir-bench that is deleted in the end;"
                                            + " it must have Istio's definitions and run pods. Default: a local mode of its own.")
                    @Nullable
                    Path kubeconfig)
            throws IOException, InterruptedException {
        if (releases.stream().anyMatch(count -> count < 1)) {
            System.err.println("--releases: at least 1 of each");
            return 2;
        }
        PromotionBench.Plan plan =
                new PromotionBench.Plan(releases, Math.max(1, rounds), Optional.ofNullable(kubeconfig));
        PromotionBench.Output output = new PromotionBench.Output(System.out, System.err);
        return in(folder -> PromotionBench.run(output, command(OPERATOR_OPTIONS), folder, plan));
    }

    /** This very build, with the options of the JVM that runs now, as a local mode. */
    private static List<String> command(Path folder) {
        List<String> command = new java.util.ArrayList<>(command());
        command.addAll(List.of("local", "--data-dir=" + folder.resolve("local")));
        return command;
    }

    private static List<String> command() {
        return command(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
    }

    private static List<String> command(List<String> options) {
        List<String> command = new java.util.ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        return command;
    }

    private static int in(Bench bench) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("weir-bench-");
        try {
            return bench.run(folder);
        } finally {
            LocalFolder.remove(folder);
        }
    }
}
