package dev.weir.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "mirror", description = "The mirrored release.", mixinStandardHelpOptions = true)
final class MirrorDemo implements Callable<Integer> {
    @Override
    public Integer call() {
        return 1;
    }
}
