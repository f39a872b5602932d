package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "watch",
        description = {
            "Shows releases with their versions and pods as they change.",
            "On a terminal it is a tree that is drawn anew; elsewhere each change is a line."
        },
        mixinStandardHelpOptions = true)
public final class WatchCommand implements Callable<Integer> {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss");
    private static final String NO_WRAP = "\u001b[?7l";
    private static final String WRAP = "\u001b[?7h";
    private static final String CLEAR_BELOW = "\u001b[J";

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Option(
            names = {"-A", "--all-namespaces"},
            description = "In every namespace.")
    private boolean all;

    @Parameters(paramLabel = "NAME", arity = "0..*", description = "Releases; all of the namespace by default.")
    private List<String> names = List.of();

    @Option(names = "--until-ready", description = "Ends when all of them are ready, with exit code 0.")
    private boolean untilReady;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description = "Ends after this time; with --until-ready with exit code 1. No end by default.")
    private int timeout;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        Console console = System.console();
        boolean drawn = console != null && console.isTerminal() && System.getenv("TERM") != null;
        Screen screen = drawn ? new Drawn(out) : new Lines(out);
        return target.ask(cluster -> follow(cluster, screen));
    }

    private int follow(Target.Cluster cluster, Screen screen) throws InterruptedException {
        long end = timeout > 0 ? System.nanoTime() + TimeUnit.SECONDS.toNanos(timeout) : Long.MAX_VALUE;
        screen.show(read(cluster));
        Semaphore changes = new Semaphore(0);
        Waker waker = new Waker(changes);
        var releases = Releases.in(cluster);
        try (var _ = all
                ? releases.inAnyNamespace().watch(waker)
                : releases.inNamespace(cluster.namespace()).watch(waker)) {
            while (true) {
                List<Snapshot> seen;
                try {
                    seen = read(cluster);
                    screen.show(seen);
                } catch (KubernetesClientException lost) {
                    screen.trouble("the cluster does not answer (" + cluster.name() + "); trying again");
                    seen = List.of();
                }
                if (untilReady && !seen.isEmpty() && seen.stream().allMatch(WatchCommand::isReady)) {
                    return 0;
                }
                if (System.nanoTime() > end) {
                    return untilReady ? Problem.FAILED : 0;
                }
                // a change of a pod alone is no change of the release: those are seen at the next look
                boolean _ = changes.tryAcquire(1, TimeUnit.SECONDS);
                changes.drainPermits();
            }
        }
    }

    private static boolean isReady(Snapshot seen) {
        return Releases.isCurrent(seen.release())
                && Releases.phase(seen.release()).equals("Ready");
    }

    private List<Snapshot> read(Target.Cluster cluster) {
        List<JsonNode> releases = new ArrayList<>();
        if (names.isEmpty()) {
            releases.addAll(Releases.list(cluster, all));
        } else {
            names.forEach(name -> releases.add(Releases.require(cluster, name)));
        }
        return releases.stream().map(release -> Snapshot.read(cluster, release)).toList();
    }

    /** Wakes the loop at each event. */
    private record Waker(Semaphore changes) implements Watcher<GenericKubernetesResource> {
        @Override
        public void eventReceived(Action action, GenericKubernetesResource release) {
            changes.release();
        }

        @Override
        public void onClose(WatcherException gone) {
            // the loop looks every second anyway
            changes.release();
        }
    }

    /** Where snapshots are shown. */
    private sealed interface Screen {
        void show(List<Snapshot> releases) throws InterruptedException;

        void trouble(String message) throws InterruptedException;
    }

    /** A tree that takes the place of the one before. */
    private static final class Drawn implements Screen {
        private final PrintWriter out;
        private final Tree tree = new Tree(DescribeCommand.isUnicode());
        private int height;

        Drawn(PrintWriter out) {
            this.out = out;
        }

        @Override
        public void show(List<Snapshot> releases) throws InterruptedException {
            Instant now = Instant.now();
            List<String> lines = new ArrayList<>();
            releases.forEach(release -> lines.addAll(tree.lines(release, now)));
            draw(lines.isEmpty() ? List.of("no releases") : lines);
        }

        @Override
        public void trouble(String message) throws InterruptedException {
            draw(List.of(message));
        }

        private void draw(List<String> all) throws InterruptedException {
            List<String> lines = Terminal.now().fit(all);
            StringBuilder text = new StringBuilder(NO_WRAP);
            if (height > 0) {
                text.append("\u001b[").append(height).append('A');
            }
            text.append('\r').append(CLEAR_BELOW);
            lines.forEach(line -> text.append(line).append("\r\n"));
            out.print(text.append(WRAP));
            out.flush();
            height = lines.size();
        }
    }

    /** A line for each change. */
    private static final class Lines implements Screen {
        private final PrintWriter out;
        private Map<String, String> shown = new LinkedHashMap<>();

        Lines(PrintWriter out) {
            this.out = out;
        }

        @Override
        public void show(List<Snapshot> releases) {
            Map<String, String> next = new LinkedHashMap<>();
            for (Snapshot seen : releases) {
                String key = Releases.namespace(seen.release()) + "/" + Releases.name(seen.release());
                next.put(key, Tree.line(seen));
            }
            next.forEach((key, line) -> {
                if (!line.equals(shown.get(key))) {
                    print(line);
                }
            });
            shown.keySet().stream().filter(key -> !next.containsKey(key)).forEach(key -> print(key + " is gone"));
            shown = next;
        }

        @Override
        public void trouble(String message) {
            print(message);
        }

        private void print(String line) {
            out.println(TIME.format(Instant.now().atZone(ZoneId.systemDefault())) + " " + line);
            out.flush();
        }
    }
}
