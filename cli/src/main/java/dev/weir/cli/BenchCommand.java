package dev.weir.cli;

import dev.weir.bench.DriftBench;
import dev.weir.bench.StartupBench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "bench", description = "Measures local mode on this machine.", mixinStandardHelpOptions = true)
final class BenchCommand {
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

    /** This very build, with the options of the JVM that runs now. */
    private static List<String> command(Path folder) {
        List<String> command = new java.util.ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "local",
                "--data-dir=" + folder.resolve("local")));
        return command;
    }

    private static int in(Bench bench) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("weir-bench-");
        try {
            return bench.run(folder);
        } finally {
            DemoSteps.delete(folder);
        }
    }
}
