package dev.weir.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "demo",
        description = "Plays a tutorial on local mode and checks each of its steps.",
        mixinStandardHelpOptions = true,
        subcommands = {MirrorDemo.class, CanaryDemo.class})
final class DemoCommand implements Callable<Integer> {
    @Spec
    private @org.jspecify.annotations.Nullable CommandSpec spec;

    @Override
    public Integer call() {
        java.util.Objects.requireNonNull(spec).commandLine().usage(System.err);
        return 2;
    }
}
