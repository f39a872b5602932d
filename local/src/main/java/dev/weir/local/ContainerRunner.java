package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** One container of a pod: it is pulled, configured, run, and run again as its restart policy says, with pauses. */
final class ContainerRunner {
    /** How long a failed pull is shown before the pause after it. */
    private static final Duration PULL_ERROR = Duration.ofSeconds(1);

    private static final Duration FIRST_PULL_PAUSE = Duration.ofSeconds(5);
    private static final Duration FIRST_CRASH_PAUSE = Duration.ofSeconds(1);
    private static final Duration FIRST_CONFIG_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
    private static final Duration LONGEST_CONFIG_PAUSE = Duration.ofSeconds(15);
    /** A container that ran for so long begins with short pauses again. */
    private static final Duration GOOD_RUN = Duration.ofMinutes(10);

    private static final Duration RESTART_GRACE = Duration.ofSeconds(30);
    private static final int MESSAGE_LINES = 80;
    private static final int MESSAGE_CHARACTERS = 2048;

    private final PodSandbox sandbox;
    private final Images images;
    private final Programs programs;
    private final EventRecorder events;
    private final Runnable changed;
    private final String name;
    private final boolean init;
    private final boolean ranBefore;
    private final CompletableFuture<Void> started = new CompletableFuture<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition woken = lock.newCondition();
    private boolean stopping;
    private boolean imageChanged;
    private volatile ContainerView view;
    private volatile @Nullable Execution execution;
    private volatile CompletableFuture<Void> runEnd = new CompletableFuture<>();
    private volatile @Nullable ContainerLog log;
    private volatile @Nullable ContainerLog previousLog;

    /**
     * A container that does not run yet.
     *
     * @param init whether it is one of the pod's init containers
     * @param restarts how often an earlier local mode had started it again; empty if it had never run
     */
    ContainerRunner(
            PodSandbox sandbox,
            String name,
            boolean init,
            Kubelet.Surroundings around,
            OptionalInt restarts,
            Runnable changed) {
        this.sandbox = sandbox;
        this.images = around.images();
        this.events = around.events();
        this.programs = new Programs(sandbox, around.ledger());
        this.name = name;
        this.init = init;
        this.changed = changed;
        this.view = ContainerView.created(name, container().getImage(), restarts.orElse(0));
        this.ranBefore = restarts.isPresent();
    }

    String name() {
        return name;
    }

    ContainerView view() {
        return view;
    }

    /** The log of the present or last run, or of the one before it. */
    Optional<ContainerLog> log(boolean previous) {
        return Optional.ofNullable(previous ? previousLog : log);
    }

    /** What runs now. */
    Optional<Execution> execution() {
        return Optional.ofNullable(execution);
    }

    /** Done once the present run has ended and its output is read. */
    CompletableFuture<Void> runEnd() {
        return runEnd;
    }

    /** Done once it is started, as its startup probe says. */
    CompletableFuture<Void> started() {
        return started;
    }

    /** The container as the pod's spec has it now. */
    Container container() {
        var spec = sandbox.pod().getSpec();
        return (init ? spec.getInitContainers() : spec.getContainers())
                .stream().filter(c -> c.getName().equals(name)).findFirst().orElseThrow();
    }

    /** Init containers that stay are started again always; others until they have succeeded. */
    private boolean again(int code) {
        if (init && !"Always".equals(container().getRestartPolicy())) {
            return code != 0 && !"Never".equals(sandbox.pod().getSpec().getRestartPolicy());
        }
        if (init) {
            return true;
        }
        return switch (sandbox.pod().getSpec().getRestartPolicy()) {
            case "Never" -> false;
            case "OnFailure" -> code != 0;
            default -> true;
        };
    }

    /** Runs until there is nothing more to do or {@link #stop} is called. */
    void run() throws InterruptedException {
        Backoff crashes = new Backoff(FIRST_CRASH_PAUSE, LONGEST_PAUSE);
        boolean first = true;
        while (!stopped()) {
            boolean again = !first || ranBefore;
            Images.Program program = pull();
            Programs.Started run = program == null ? null : create(program);
            if (run == null) {
                return;
            }
            Instant since = Instant.now();
            int code = watch(run, again, since);
            if (stopped() || !imageWasChanged() && !again(code)) {
                return;
            }
            if (Duration.between(since, Instant.now()).compareTo(GOOD_RUN) > 0) {
                crashes.reset();
                first = true;
            }
            // the first restart comes at once
            if (!first && !crashPause(crashes.next())) {
                return;
            }
            first = false;
        }
    }

    private boolean crashPause(Duration pause) throws InterruptedException {
        Pod pod = sandbox.pod();
        String id = pod.getMetadata().getName() + "_" + pod.getMetadata().getNamespace() + "("
                + pod.getMetadata().getUid() + ")";
        event("Warning", "BackOff", "Back-off restarting failed container " + name + " in pod " + id);
        show(v -> v.waiting(
                "CrashLoopBackOff", "back-off " + text(pause) + " restarting failed container=" + name + " pod=" + id));
        return !pause(pause);
    }

    private static String text(Duration pause) {
        return pause.toMinutes() > 0 ? pause.toMinutes() + "m" + pause.toSecondsPart() + "s" : pause.toSeconds() + "s";
    }

    /** Waits until the image is known; null if the pod goes first. */
    private Images.@Nullable Program pull() throws InterruptedException {
        Backoff pulls = new Backoff(FIRST_PULL_PAUSE, LONGEST_PAUSE);
        while (!stopped()) {
            String image = container().getImage();
            Images.Program program = images.find(image);
            if (!(program instanceof Images.Program.Unknown)) {
                event("Normal", "Pulled", "Container image \"" + image + "\" already present on machine");
                return program;
            }
            String hint = "image \"" + image + "\" is not known; map it with: weir local --image " + Images.name(image)
                    + "=COMMAND or =URL";
            event("Warning", "Failed", "Failed to pull image \"" + image + "\": " + hint);
            event("Warning", "Failed", "Error: ErrImagePull");
            show(v -> v.waiting("ErrImagePull", hint));
            if (!pause(PULL_ERROR)) {
                event("Normal", "BackOff", "Back-off pulling image \"" + image + "\"");
                event("Warning", "Failed", "Error: ImagePullBackOff");
                show(v -> v.waiting(
                        "ImagePullBackOff", "Back-off pulling image \"" + image + "\": ErrImagePull: " + hint));
                pause(pulls.next());
            }
        }
        return null;
    }

    /** Starts the program once all that it refers to is there; null if the pod goes first. */
    private Programs.@Nullable Started create(Images.Program program) throws InterruptedException {
        Backoff tries = new Backoff(FIRST_CONFIG_PAUSE, LONGEST_CONFIG_PAUSE);
        while (!stopped()) {
            ContainerLog next = null;
            try {
                next = new ContainerLog(logFile());
                Programs.Started run = programs.start(program, container(), next);
                turnLogs(next);
                return run;
            } catch (Misconfigured missing) {
                discard(next);
                String message = String.valueOf(missing.getMessage());
                event("Warning", "Failed", "Error: " + message);
                show(v -> v.waiting("CreateContainerConfigError", message));
            } catch (IOException failure) {
                discard(next);
                String message = String.valueOf(failure.getMessage());
                event("Warning", "Failed", "Error: " + message);
                show(v -> v.waiting("CreateContainerError", message));
            }
            pause(tries.next());
        }
        return null;
    }

    private Path logFile() {
        return sandbox.folder()
                .resolve(name + "_" + view.restarts() + "_" + Instant.now().toEpochMilli() + ".log");
    }

    private void turnLogs(ContainerLog next) {
        ContainerLog oldest = previousLog;
        previousLog = log;
        log = next;
        if (oldest != null) {
            oldest.delete();
        }
    }

    private static void discard(@Nullable ContainerLog unused) {
        if (unused != null) {
            unused.close();
            unused.delete();
        }
    }

    /** Follows one run to its end; its exit code. */
    private int watch(Programs.Started run, boolean again, Instant since) throws InterruptedException {
        Execution running = run.execution();
        CompletableFuture<Void> end = new CompletableFuture<>();
        runEnd = end;
        execution = running;
        event("Normal", "Created", "Created container: " + name);
        event("Normal", "Started", "Started container " + name);
        String id = "weir://" + Long.toHexString(since.toEpochMilli()) + "-"
                + sandbox.pod().getMetadata().getUid() + "-" + name;
        String image = container().getImage();
        show(v -> v.running(image, id, since, again));
        if (stopped()) {
            // stop() came before there was something to stop
            running.stop(Duration.ZERO);
        }
        int code;
        try (Probes probes = new Probes(sandbox, container(), new Health(running))) {
            probes.start(run.accepts());
            code = running.await();
        } finally {
            execution = null;
            end.complete(null);
        }
        ContainerLog written = log;
        String message =
                code != 0 && written != null && fallsBackToLog() ? written.tail(MESSAGE_LINES, MESSAGE_CHARACTERS) : "";
        if (written != null) {
            written.close();
        }
        show(v -> v.terminated(new ContainerView.State.Terminated(
                code, code == 0 ? "Completed" : "Error", message, since, Instant.now())));
        return code;
    }

    private boolean fallsBackToLog() {
        return "FallbackToLogsOnError".equals(container().getTerminationMessagePolicy());
    }

    private void show(UnaryOperator<ContainerView> change) {
        lock.lock();
        try {
            view = change.apply(view);
        } finally {
            lock.unlock();
        }
        changed.run();
    }

    private void event(String type, String reason, String message) {
        String path = (init ? "spec.initContainers{" : "spec.containers{") + name + "}";
        events.record(sandbox.pod(), new EventRecorder.Note("kubelet", type, reason, message, path));
    }

    /** Waits; true if the container is being stopped. A changed image ends the wait. */
    private boolean pause(Duration time) throws InterruptedException {
        lock.lock();
        try {
            long nanos = time.toNanos();
            while (!stopping && !imageChanged && nanos > 0) {
                nanos = woken.awaitNanos(nanos);
            }
            imageChanged = false;
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    private boolean stopped() {
        lock.lock();
        try {
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    private boolean imageWasChanged() {
        lock.lock();
        try {
            boolean was = imageChanged;
            imageChanged = false;
            return was;
        } finally {
            lock.unlock();
        }
    }

    /** The container's image is another one now: what runs is stopped and begun anew. */
    void imageChanged() throws InterruptedException {
        lock.lock();
        try {
            imageChanged = true;
            woken.signalAll();
        } finally {
            lock.unlock();
        }
        Execution running = execution;
        if (running != null) {
            event("Normal", "Killing", "Container " + name + " definition changed, will be restarted");
            running.stop(RESTART_GRACE);
        }
    }

    /** Ends what runs, within the grace period, and begins nothing new. */
    void stop(Duration grace) throws InterruptedException {
        lock.lock();
        try {
            stopping = true;
            woken.signalAll();
        } finally {
            lock.unlock();
        }
        Execution running = execution;
        if (running != null) {
            running.stop(grace);
        }
        started.completeExceptionally(new InterruptedException("stopped"));
    }

    /** What the probes of one run find. */
    private final class Health implements Probes.Watcher {
        private final Execution run;

        Health(Execution run) {
            this.run = run;
        }

        private void show(UnaryOperator<ContainerView> change) {
            ContainerRunner.this.show(v -> run.equals(execution) && v.running() ? change.apply(v) : v);
        }

        @Override
        public void started() {
            show(v -> v.withStarted(true));
            started.complete(null);
        }

        @Override
        public void ready(boolean now) {
            if (view.ready() != now) {
                show(v -> v.withReady(now));
            }
        }

        @Override
        public void unhealthy(String message) {
            event("Warning", "Unhealthy", message);
        }

        @Override
        public void dead(String message) {
            if (stopped() || !run.equals(execution)) {
                return;
            }
            event("Normal", "Killing", "Container " + name + " " + message + ", will be restarted");
            Long grace = sandbox.pod().getSpec().getTerminationGracePeriodSeconds();
            try {
                run.stop(grace == null ? RESTART_GRACE : Duration.ofSeconds(grace));
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
