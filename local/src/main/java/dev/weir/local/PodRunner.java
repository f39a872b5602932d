package dev.weir.local;

import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.ProxyListener;
import dev.weir.dataplane.Workload;
import dev.weir.samples.HttpBin;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One pod: its address, its outbound proxy, and what runs in its (first) container. */
final class PodRunner {
    private static final Logger LOGGER = LoggerFactory.getLogger(PodRunner.class);
    /** How long a terminating pod goes on serving, so that every proxy has heard of it. */
    private static final long DRAIN_MILLIS = 1000;

    private static final long POLL_MILLIS = 20;
    private static final long FIRST_BACKOFF_MILLIS = 1000;
    private static final long LONGEST_BACKOFF_MILLIS = 60_000;

    private final Pod pod;
    private final Surroundings around;
    private final Path folder;
    private final AtomicBoolean terminating = new AtomicBoolean();
    private final List<AutoCloseable> open = new ArrayList<>();
    private String address = "127.0.0.1";
    private @Nullable ContainerLog log;
    private volatile @Nullable Process process;
    /** True once requests may come from the data plane: such a pod drains before it stops, a command pod need not. */
    private volatile boolean serves;

    private volatile Map<String, String> environment = Map.of();

    /** What every pod needs. */
    record Surroundings(
            KubernetesClient client,
            DataPlane dataPlane,
            Images images,
            AddressPool addresses,
            Path folder,
            Kubelet.ServiceAccountConfig serviceAccounts,
            PodStatuses statuses) {}

    PodRunner(Pod pod, Surroundings around) {
        this.pod = pod;
        this.around = around;
        this.folder = around.folder().resolve(pod.getMetadata().getUid());
    }

    Pod pod() {
        return pod;
    }

    @Nullable
    ContainerLog log() {
        return log;
    }

    /** The environment of the pod's processes; empty for built-in servers. */
    Map<String, String> environment() {
        return environment;
    }

    Path workingDirectory() {
        return new PodVolumes(around.client(), pod, folder).workingDirectory(container());
    }

    private Container container() {
        return pod.getSpec().getContainers().getFirst();
    }

    void start() {
        Thread.startVirtualThread(() -> {
            try {
                address = around.addresses().take();
                log = new ContainerLog(folder.resolve(container().getName() + ".log"));
                run(around.images().find(container().getImage()));
            } catch (IOException | KubernetesClientException | UncheckedIOException failure) {
                if (!terminating.get()) {
                    LOGGER.atWarn()
                            .setCause(failure)
                            .addKeyValue("pod", pod.getMetadata().getName())
                            .log("pod does not start");
                    report(false, 0, "CreateContainerError", String.valueOf(failure.getMessage()));
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void run(Images.Program program) throws IOException, InterruptedException {
        switch (program) {
            case Images.Program.Unknown _ -> {
                String image = container().getImage();
                Events.emit(
                        around.client(),
                        pod,
                        "Warning",
                        "Failed",
                        "Failed to pull image \"" + image
                                + "\": local mode does not know it; map it with: weir local --image " + image
                                + "=COMMAND");
                report(
                        false,
                        0,
                        "ErrImagePull",
                        "image \"" + image + "\" is not known; map it with: weir local --image " + image
                                + "=COMMAND or =URL");
            }
            case Images.Program.HttpBin _ -> {
                HttpBin server = HttpBin.start(
                        listen(port()),
                        line -> java.util.Objects.requireNonNull(log).line(line));
                keep(server);
                announce(port(), server.address());
                report(true, 0, "", "");
            }
            case Images.Program.Gateway _ -> {
                ProxyListener listener = around.dataPlane().openGateway(workload(), listen(80), 80);
                keep(listener);
                announce(80, listener.address());
                report(true, 0, "", "");
            }
            case Images.Program.Remote(java.net.URI url) -> {
                announce(port(), new InetSocketAddress(url.getHost(), url.getPort() < 0 ? 80 : url.getPort()));
                report(true, 0, "", "");
            }
            case Images.Program.Command(List<String> standard) -> processes(command(standard), false);
            case Images.Program.Server(List<String> command) -> processes(command, true);
            case Images.Program.Operator _ ->
                processes(OperatorCommand.of(container().getArgs()), false);
        }
    }

    private synchronized void keep(AutoCloseable resource) {
        open.add(resource);
    }

    private int port() {
        return container().getPorts().isEmpty()
                ? 80
                : container().getPorts().getFirst().getContainerPort();
    }

    private InetSocketAddress listen(int port) {
        return AddressPool.listenable(address, port);
    }

    /** Tells the data plane where a port really is, if not where its number says. */
    private void announce(int port, InetSocketAddress bound) {
        serves = true;
        if (bound.getPort() == port && bound.getAddress().getHostAddress().equals(address)) {
            return;
        }
        String at = bound.getAddress().getHostAddress() + ":" + bound.getPort();
        around.client()
                .pods()
                .inNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .edit(p -> new PodBuilder(p)
                        .editMetadata()
                        .addToAnnotations(DataPlaneFeed.BOUND_PORTS, "{\"" + port + "\":\"" + at + "\"}")
                        .endMetadata()
                        .build());
    }

    private Workload workload() {
        String name = pod.getMetadata().getName();
        Map<String, String> labels = pod.getMetadata().getLabels() == null
                ? Map.of()
                : pod.getMetadata().getLabels();
        String hash = labels.get("pod-template-hash");
        int cut = hash == null ? -1 : name.indexOf("-" + hash);
        return new Workload(pod.getMetadata().getNamespace(), name, cut > 0 ? name.substring(0, cut) : name, labels);
    }

    private List<String> command(List<String> standard) {
        List<String> command = new ArrayList<>(
                container().getCommand().isEmpty() ? standard : container().getCommand());
        command.addAll(container().getArgs());
        return command;
    }

    /** Runs a process, again and again with growing pauses when it ends, until the pod goes. */
    private void processes(List<String> command, boolean server) throws IOException, InterruptedException {
        new PodVolumes(around.client(), pod, folder).write();
        ProxyListener sidecar = around.dataPlane().openSidecar(workload(), listen(0));
        keep(sidecar);
        InetSocketAddress bound = server ? freePort() : new InetSocketAddress(address, 0);
        environment = environment(sidecar.address(), bound);
        if (server) {
            announce(port(), bound);
        }
        long backoff = FIRST_BACKOFF_MILLIS;
        for (int restarts = 0; !terminating.get(); restarts++) {
            Process started = launch(command);
            process = started;
            if (terminating.get()) {
                started.destroy();
                return;
            }
            boolean ready = !server || accepts(bound, started);
            if (started.isAlive()) {
                report(ready, restarts, "", "");
            }
            int code = started.waitFor();
            if (terminating.get()) {
                return;
            }
            report(
                    false,
                    restarts + 1,
                    "CrashLoopBackOff",
                    "the process ended with code " + code + "; back-off " + backoff / 1000 + "s");
            TimeUnit.MILLISECONDS.sleep(backoff);
            backoff = Math.min(LONGEST_BACKOFF_MILLIS, backoff * 2);
        }
    }

    private InetSocketAddress freePort() throws IOException {
        InetSocketAddress wanted = listen(port());
        if (wanted.getPort() != 0) {
            return wanted;
        }
        try (java.net.ServerSocket probe = new java.net.ServerSocket()) {
            probe.bind(wanted);
            return new InetSocketAddress(wanted.getAddress(), probe.getLocalPort());
        }
    }

    /** A pod is ready once its port accepts; one that never does is never ready. */
    private boolean accepts(InetSocketAddress bound, Process started) throws InterruptedException {
        report(false, 0, "", "");
        while (started.isAlive() && !terminating.get()) {
            try (Socket probe = new Socket()) {
                probe.connect(bound, 1000);
                return true;
            } catch (IOException notYet) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS * 5);
            }
        }
        return false;
    }

    private Map<String, String> environment(InetSocketAddress proxy, InetSocketAddress bound) {
        Map<String, String> all = new HashMap<>();
        for (String kept : List.of("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")) {
            String value = System.getenv(kept);
            if (value != null) {
                all.put(kept, value);
            }
        }
        String url = "http://" + proxy.getAddress().getHostAddress() + ":" + proxy.getPort();
        all.put("http_proxy", url);
        all.put("no_proxy", "");
        all.put("HOSTNAME", pod.getMetadata().getName());
        all.put("POD_IP", address);
        all.put("HOST", bound.getAddress().getHostAddress());
        all.put("PORT", Integer.toString(bound.getPort()));
        String account = pod.getSpec().getServiceAccountName();
        if (account != null && !account.isEmpty() && !account.equals("default")) {
            all.put(
                    "KUBECONFIG",
                    around.serviceAccounts()
                            .write(pod.getMetadata().getNamespace(), account, folder)
                            .toString());
        }
        for (EnvVar variable : container().getEnv()) {
            all.put(variable.getName(), value(variable));
        }
        return all;
    }

    private String value(EnvVar variable) {
        if (variable.getValueFrom() == null || variable.getValueFrom().getFieldRef() == null) {
            return variable.getValue() == null ? "" : variable.getValue();
        }
        return switch (variable.getValueFrom().getFieldRef().getFieldPath()) {
            case "metadata.name" -> pod.getMetadata().getName();
            case "metadata.namespace" -> pod.getMetadata().getNamespace();
            case "status.podIP" -> address;
            case "spec.nodeName" -> Kubelet.NODE;
            default -> "";
        };
    }

    private Process launch(List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.directory(workingDirectory().toFile());
        builder.redirectErrorStream(true);
        builder.redirectInput(new File("/dev/null"));
        Process started = builder.start();
        Thread.startVirtualThread(() -> {
            try (BufferedReader lines = started.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    java.util.Objects.requireNonNull(log).line(line);
                }
            } catch (IOException ended) {
                // the process is gone
            }
        });
        return started;
    }

    private void report(boolean ready, int restarts, String waiting, String message) {
        if (terminating.get()) {
            return;
        }
        try {
            around.statuses().write(pod, new PodStatuses.Seen(address, ready, restarts, waiting, message));
        } catch (KubernetesClientException failure) {
            if (failure.getCode() != 404) {
                throw failure;
            }
        }
    }

    /** Goes on serving until the proxies have heard, then stops and lets the pod object go. */
    void terminate(@Nullable Long graceSeconds) {
        if (terminating.getAndSet(true)) {
            return;
        }
        Thread.startVirtualThread(() -> {
            try {
                if (serves && (graceSeconds == null || graceSeconds > 0)) {
                    TimeUnit.MILLISECONDS.sleep(DRAIN_MILLIS);
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
            stop(graceSeconds == null ? 30 : graceSeconds);
            try {
                around.client()
                        .pods()
                        .inNamespace(pod.getMetadata().getNamespace())
                        .withName(pod.getMetadata().getName())
                        .withGracePeriod(0)
                        .delete();
            } catch (KubernetesClientException | IllegalStateException closing) {
                LOGGER.debug("pod is not confirmed", closing);
            }
        });
    }

    private synchronized void stop(long graceSeconds) {
        Process running = process;
        if (running != null && running.isAlive()) {
            running.descendants().forEach(ProcessHandle::destroy);
            running.destroy();
            try {
                if (!running.waitFor(Math.min(graceSeconds, 5), TimeUnit.SECONDS)) {
                    running.destroyForcibly();
                }
            } catch (InterruptedException stopped) {
                running.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
        for (AutoCloseable resource : open) {
            try {
                resource.close();
            } catch (Exception failure) {
                LOGGER.warn("not closed", failure);
            }
        }
        open.clear();
        if (log != null) {
            log.close();
        }
        around.addresses().release(address);
    }

    /** Stops at once. */
    void kill() {
        terminating.set(true);
        stop(1);
    }
}
