package dev.weir.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A tutorial that is played on a local mode of its own. */
abstract class Demo implements Callable<Integer> {
    private static final int STOP_SECONDS = 15;

    @Option(names = "--keep", description = "Leave local mode up and say how to use it.")
    private boolean keep;

    @Option(names = "--data-dir", description = "Where local mode keeps its files; a temporary folder by default.")
    private @Nullable Path dataDir;

    /** The folder of the tutorial's manifests below {@code examples}. */
    abstract String folder();

    /** Where the tutorial deploys its release. */
    abstract String namespace();

    /** Plays every step; what does not hold is a failed check. */
    abstract void play(DemoCluster cluster, DemoSteps steps) throws IOException;

    /** Until a signal; what runs as pods ends before the process does. */
    private static void keep(DemoCluster cluster) throws InterruptedException {
        try (StopSignal stop = new StopSignal(STOP_SECONDS)) {
            System.out.println("\nlocal mode stays up until you press Ctrl-C; in another shell:\n  export KUBECONFIG="
                    + cluster.local().kubeconfig() + "\n  helm --repo "
                    + cluster.local().chartRepository() + " …");
            stop.await();
            cluster.close();
        }
    }

    @Override
    public final Integer call() throws IOException, InterruptedException {
        Path files = dataDir == null ? Files.createTempDirectory("weir-demo-") : dataDir;
        if (Files.exists(files.resolve("state"))) {
            System.err.println(
                    files + " holds the objects of a local mode; a demo needs a folder of its own, or: weir local"
                            + " reset --data-dir " + files);
            return 2;
        }
        LocalFolder.claim(files);
        DemoSteps steps = new DemoSteps(System.out);
        try (DemoCluster cluster = new DemoCluster(steps, folder(), namespace(), files)) {
            play(cluster, steps);
            boolean held = steps.summary();
            if (keep) {
                keep(cluster);
            }
            return held ? 0 : 1;
        } finally {
            if (dataDir == null && !keep) {
                LocalFolder.remove(files);
            }
        }
    }
}
