package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The startup, readiness and liveness probes of one run of a container, each on a thread of its own.
 *
 * <p>Without a startup probe a container is started at once; without a readiness probe it is ready once started, one that
 * serves on a port of its own once the port accepts.
 */
final class Probes implements AutoCloseable {
    private static final Duration PORT_POLL = Duration.ofMillis(50);
    private static final Duration PORT_TIMEOUT = Duration.ofSeconds(1);

    private final Container container;
    private final Probe probe;
    private final Watcher watcher;
    private final CountDownLatch startedUp = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);

    /** Hears what the probes find; called from several threads. */
    interface Watcher {
        void started();

        void ready(boolean now);

        /** The container must be started again. */
        void dead(String message);

        void unhealthy(String message);
    }

    Probes(PodSandbox sandbox, Container container, Watcher watcher) {
        this.container = container;
        this.probe = new Probe(sandbox, container);
        this.watcher = watcher;
    }

    /** @param accepts where the container will listen, if it is ready once it does */
    void start(@Nullable InetSocketAddress accepts) {
        var startup = container.getStartupProbe();
        if (startup == null) {
            startedUp();
        } else {
            Thread.startVirtualThread(() -> watch("Startup", startup));
        }
        if (container.getReadinessProbe() != null) {
            Thread.startVirtualThread(() -> afterStart(() -> watch("Readiness", container.getReadinessProbe())));
        } else {
            Thread.startVirtualThread(() -> afterStart(() -> awaitPort(accepts)));
        }
        if (container.getLivenessProbe() != null) {
            Thread.startVirtualThread(() -> afterStart(() -> watch("Liveness", container.getLivenessProbe())));
        }
    }

    private void startedUp() {
        watcher.started();
        startedUp.countDown();
    }

    private interface Step {
        void run() throws InterruptedException;
    }

    private void afterStart(Step step) {
        try {
            startedUp.await();
            if (over.getCount() > 0) {
                step.run();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitPort(@Nullable InetSocketAddress accepts) throws InterruptedException {
        while (accepts != null && !Probe.connect(accepts, PORT_TIMEOUT).good()) {
            if (over.await(PORT_POLL.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        }
        watcher.ready(true);
    }

    private static Duration seconds(@Nullable Integer value, int standard) {
        return Duration.ofSeconds(value == null ? standard : value);
    }

    private static int count(@Nullable Integer value, int standard) {
        return Math.max(1, Objects.requireNonNullElse(value, standard));
    }

    private void watch(String kind, io.fabric8.kubernetes.api.model.Probe spec) {
        try {
            Duration timeout = Duration.ofSeconds(count(spec.getTimeoutSeconds(), 1));
            Duration period = Duration.ofSeconds(count(spec.getPeriodSeconds(), 10));
            Duration pause = seconds(spec.getInitialDelaySeconds(), 0);
            int successes = 0;
            int failures = 0;
            while (!over.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                Probe.Answer answer = probe.ask(spec, timeout);
                if (over.getCount() == 0) {
                    return;
                }
                successes = answer.good() ? successes + 1 : 0;
                failures = answer.good() ? 0 : failures + 1;
                if (!answer.good()) {
                    watcher.unhealthy(kind + " probe failed: " + answer.message());
                }
                boolean good = successes >= count(spec.getSuccessThreshold(), 1);
                boolean bad = failures >= count(spec.getFailureThreshold(), 3);
                if (decided(kind, good, bad)) {
                    return;
                }
                pause = period;
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    /** Says so if a threshold is reached; true if the probe has nothing more to do. */
    private boolean decided(String kind, boolean good, boolean bad) {
        switch (kind) {
            case "Readiness" -> {
                if (good || bad) {
                    watcher.ready(good);
                }
                return false;
            }
            case "Startup" -> {
                if (good) {
                    startedUp();
                } else if (bad) {
                    watcher.dead("failed startup probe");
                }
                return good || bad;
            }
            default -> {
                if (bad) {
                    watcher.dead("failed liveness probe");
                }
                return bad;
            }
        }
    }

    @Override
    public void close() {
        over.countDown();
        startedUp.countDown();
    }
}
