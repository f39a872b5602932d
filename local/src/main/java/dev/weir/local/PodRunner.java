package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One pod: its volumes, then its init containers one after the other, then its containers together, until it goes. */
final class PodRunner {
    private static final Logger LOGGER = LoggerFactory.getLogger(PodRunner.class);
    private static final Duration FIRST_MOUNT_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_MOUNT_PAUSE = Duration.ofSeconds(15);
    /** What is left for a process to end when draining took the whole grace period; as the kubelet's. */
    private static final Duration LEAST_GRACE = Duration.ofSeconds(2);

    private static final Duration FIRST_CONFIRMATION_PAUSE = Duration.ofMillis(200);
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final Duration DEFAULT_GRACE = Duration.ofSeconds(30);
    private static final Duration KILL_GRACE = Duration.ofSeconds(1);

    private final Kubelet.Surroundings around;
    private final PodSandbox sandbox;
    private final PodStatusWriter status;
    private final List<ContainerRunner> init = new ArrayList<>();
    private final List<ContainerRunner> main = new ArrayList<>();
    private final Instant since = Instant.now();
    private final AtomicBoolean terminating = new AtomicBoolean();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile boolean initialized;
    private volatile boolean killed;
    private volatile @Nullable VolumeRefresh refresh;
    private volatile @Nullable Thread running;

    PodRunner(Pod pod, Kubelet.Surroundings around) {
        this.around = around;
        this.sandbox = new PodSandbox(pod, around);
        this.status = new PodStatusWriter(around.client(), pod, this::view);
        for (Container container : pod.getSpec().getInitContainers()) {
            init.add(runner(container, true));
        }
        for (Container container : pod.getSpec().getContainers()) {
            main.add(runner(container, false));
        }
    }

    private ContainerRunner runner(Container container, boolean first) {
        return new ContainerRunner(
                sandbox, container.getName(), first, around, restarts(container.getName(), first), status::changed);
    }

    /** How often an earlier local mode had started the container again; empty if it had never run. */
    private OptionalInt restarts(String container, boolean first) {
        var before = sandbox.pod().getStatus();
        if (before == null) {
            return OptionalInt.empty();
        }
        List<ContainerStatus> all = first ? before.getInitContainerStatuses() : before.getContainerStatuses();
        return all.stream()
                .filter(s -> s.getName().equals(container) && s.getContainerID() != null)
                .mapToInt(ContainerStatus::getRestartCount)
                .findFirst();
    }

    private PodStatuses.View view() {
        return new PodStatuses.View(
                sandbox.address(),
                around.node().address(),
                since,
                initialized,
                init.stream().map(ContainerRunner::view).toList(),
                main.stream().map(ContainerRunner::view).toList());
    }

    Pod pod() {
        return sandbox.pod();
    }

    PodSandbox sandbox() {
        return sandbox;
    }

    Optional<ContainerRunner> container(String name) {
        return Stream.concat(init.stream(), main.stream())
                .filter(c -> c.name().equals(name))
                .findFirst();
    }

    void start() {
        running = Thread.startVirtualThread(() -> {
            try {
                sandbox.forgetBound();
                status.changed();
                ignored();
                open();
                mount();
                initialize();
                if (!terminating.get()) {
                    initialized = true;
                    status.changed();
                    runAll();
                }
            } catch (IOException | KubernetesClientException | UncheckedIOException failure) {
                if (!terminating.get()) {
                    LOGGER.atWarn()
                            .setCause(failure)
                            .addKeyValue("pod", pod().getMetadata().getName())
                            .log("pod does not start");
                    warn("FailedCreatePodSandBox", String.valueOf(failure.getMessage()));
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void warn(String reason, String message) {
        around.events().record(pod(), EventRecorder.Note.warning("kubelet", reason, message));
    }

    /** Says once what of the pod's security settings is not done. */
    private void ignored() {
        List<String> fields = SecuritySettings.ignored(pod());
        if (!fields.isEmpty()) {
            around.events()
                    .record(
                            pod(),
                            EventRecorder.Note.normal(
                                    "kubelet",
                                    "SecuritySettingsIgnored",
                                    String.join(", ", fields)
                                            + ": accepted without effect, pods of local mode run as the user who"
                                            + " started it"));
        }
    }

    private void open() throws InterruptedException {
        Backoff tries = new Backoff(FIRST_MOUNT_PAUSE, LONGEST_MOUNT_PAUSE);
        while (!terminating.get()) {
            try {
                sandbox.network().open(pod());
                return;
            } catch (IOException failure) {
                if (!terminating.get()) {
                    warn("FailedCreatePodSandBox", String.valueOf(failure.getMessage()));
                }
            }
            stopping.await(tries.next().toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void mount() throws IOException, InterruptedException {
        Backoff tries = new Backoff(FIRST_MOUNT_PAUSE, LONGEST_MOUNT_PAUSE);
        while (!terminating.get()) {
            try {
                sandbox.volumes().write();
                if (sandbox.volumes().mayChange()) {
                    refresh = new VolumeRefresh(around, sandbox);
                }
                return;
            } catch (Misconfigured missing) {
                warn("FailedMount", String.valueOf(missing.getMessage()));
            }
            stopping.await(tries.next().toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Runs the init containers in order; those that are restarted always go on beside the others. */
    private void initialize() throws InterruptedException {
        for (ContainerRunner container : init) {
            if (terminating.get()) {
                return;
            }
            if ("Always".equals(container.container().getRestartPolicy())) {
                Thread.startVirtualThread(() -> run(container));
                try {
                    container.started().get();
                } catch (ExecutionException stopped) {
                    return;
                }
            } else {
                container.run();
                if (container.view().exitCode().orElse(1) != 0) {
                    // a failed pod: its containers never run
                    status.changed();
                    stopping.await();
                    return;
                }
            }
        }
    }

    private void run(ContainerRunner container) {
        try {
            container.run();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (KubernetesClientException failure) {
            if (!terminating.get()) {
                LOGGER.atWarn()
                        .setCause(failure)
                        .addKeyValue("pod", pod().getMetadata().getName())
                        .addKeyValue("container", container.name())
                        .log("container does not go on");
            }
        }
    }

    private void runAll() throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (ContainerRunner container : main) {
            threads.add(Thread.startVirtualThread(() -> run(container)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (!terminating.get()) {
            // the pod has succeeded or failed: what was to run beside it stops
            stopAll(init, DEFAULT_GRACE);
        }
    }

    /** The pod object changed. */
    void update(Pod changed) {
        Pod before = sandbox.pod();
        sandbox.update(changed);
        status.seen(changed);
        VolumeRefresh volumes = refresh;
        if (volumes != null && !described(before).equals(described(changed))) {
            volumes.ask();
        }
        for (ContainerRunner container : main) {
            String image = container.container().getImage();
            boolean same = before.getSpec().getContainers().stream()
                    .anyMatch(c ->
                            c.getName().equals(container.name()) && c.getImage().equals(image));
            if (!same) {
                Thread.startVirtualThread(() -> {
                    try {
                        container.imageChanged();
                    } catch (InterruptedException stopped) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
        }
    }

    /** What the downward API may show and may change. */
    private static List<Object> described(Pod pod) {
        return List.of(
                Optional.ofNullable(pod.getMetadata().getLabels()),
                Optional.ofNullable(pod.getMetadata().getAnnotations()));
    }

    /**
     * Goes on serving until the data plane sends nothing more here, then stops, and lets the pod object go.
     *
     * @param graceSeconds how long all of that may take; null as the pod's spec says
     */
    void terminate(@Nullable Long graceSeconds) {
        if (terminating.getAndSet(true)) {
            return;
        }
        Duration grace = graceSeconds == null ? DEFAULT_GRACE : Duration.ofSeconds(graceSeconds);
        Thread.startVirtualThread(() -> {
            long end = System.nanoTime() + grace.toNanos();
            try {
                for (ContainerRunner container : main) {
                    if (container.view().running()) {
                        around.events()
                                .record(
                                        pod(),
                                        new EventRecorder.Note(
                                                "kubelet",
                                                "Normal",
                                                "Killing",
                                                "Stopping container " + container.name(),
                                                "spec.containers{" + container.name() + "}"));
                    }
                }
                sandbox.drain(grace);
                Duration left = Duration.ofNanos(end - System.nanoTime());
                stop(grace.isZero() ? grace : left.compareTo(LEAST_GRACE) < 0 ? LEAST_GRACE : left);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
            status.finish();
            try {
                Backoff tries = new Backoff(FIRST_CONFIRMATION_PAUSE, LONGEST_MOUNT_PAUSE);
                while (!confirm()) {
                    TimeUnit.MILLISECONDS.sleep(tries.next().toMillis());
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Lets the pod object go; false if the API server could not be told, and the node goes on. */
    private boolean confirm() {
        try {
            String path = "/api/v1/namespaces/" + pod().getMetadata().getNamespace() + "/pods/"
                    + pod().getMetadata().getName();
            around.client()
                    .raw(
                            path,
                            "DELETE",
                            "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"gracePeriodSeconds\":0,"
                                    + "\"preconditions\":{\"uid\":\""
                                    + pod().getMetadata().getUid() + "\"}}");
            return true;
        } catch (KubernetesClientException refused) {
            LOGGER.debug("pod is not confirmed", refused);
            // gone already, or another pod has the name
            return killed || refused.getCode() == NOT_FOUND || refused.getCode() == CONFLICT;
        } catch (IllegalStateException closing) {
            return true;
        }
    }

    private void stop(Duration grace) throws InterruptedException {
        stopping.countDown();
        stopAll(main, grace);
        stopAll(init, grace);
        Thread lifecycle = running;
        if (lifecycle != null) {
            lifecycle.join(LEAST_GRACE);
        }
        VolumeRefresh volumes = refresh;
        if (volumes != null) {
            volumes.close();
        }
        try {
            sandbox.close();
        } catch (IOException left) {
            LOGGER.warn("files of a pod are left", left);
        } finally {
            stopped.countDown();
        }
    }

    private static void stopAll(List<ContainerRunner> containers, Duration grace) throws InterruptedException {
        List<Thread> stops = new ArrayList<>();
        for (ContainerRunner container : containers) {
            stops.add(Thread.startVirtualThread(() -> {
                try {
                    container.stop(grace);
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                }
            }));
        }
        for (Thread stop : stops) {
            stop.join();
        }
    }

    /** Removes the pod's folder with the logs, once what ran is stopped. For pods that are gone: nobody can ask. */
    void forget() {
        try {
            stopped.await();
            PodVolumes.deleteTree(sandbox.folder());
        } catch (IOException left) {
            LOGGER.warn("files of a pod are left", left);
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops at once, without a word to the API. */
    void kill() {
        killed = true;
        status.close();
        if (terminating.getAndSet(true) && stopping.getCount() == 0) {
            return;
        }
        try {
            stop(KILL_GRACE);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }
}
