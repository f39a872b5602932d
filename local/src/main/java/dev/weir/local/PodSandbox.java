package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the containers of one pod share: its address, its outbound proxy, its files. */
final class PodSandbox implements AutoCloseable {
    private final Kubelet.Surroundings around;
    private final PodNetwork network;
    private final Path folder;
    private volatile Pod pod;
    /** Where the pod's ports really listen. */
    private final Map<Integer, InetSocketAddress> bound = new TreeMap<>();

    private final Set<Process> spawned = ConcurrentHashMap.newKeySet();
    private final Map<Long, Token> tokens = new HashMap<>();
    /** The variables with which each container was started last; what runs beside it has the same. */
    private final Map<String, Map<String, String>> environments = new ConcurrentHashMap<>();

    private @Nullable Path accountConfig;

    PodSandbox(Pod pod, Kubelet.Surroundings around) {
        this.pod = pod;
        this.around = around;
        this.network = around.networks().take(pod);
        this.folder = around.folder().resolve(pod.getMetadata().getUid());
    }

    /** The pod changed, in its labels perhaps or in a container's image. */
    void update(Pod changed) {
        pod = changed;
    }

    Pod pod() {
        return pod;
    }

    PodNetwork network() {
        return network;
    }

    String address() {
        return network.address();
    }

    PodFields fields() {
        return new PodFields(pod, network.address(), around.node());
    }

    Path folder() {
        return folder;
    }

    private KubernetesClient client() {
        return around.client();
    }

    private ConfigSources sources() {
        return new ConfigSources(client(), pod.getMetadata().getNamespace());
    }

    PodVolumes volumes() {
        return new PodVolumes(fields(), folder, sources(), this::token);
    }

    private record Token(String text, Instant until) {}

    /** A token of the pod's service account, which is made anew when four fifths of its life are over. */
    private synchronized String token(@Nullable Long seconds) {
        long life = Objects.requireNonNullElse(seconds, 3600L);
        Token present = tokens.get(life);
        if (present == null || Instant.now().isAfter(present.until())) {
            present = new Token(
                    around.serviceAccounts().token(pod, life),
                    Instant.now().plusSeconds(life * 4 / 5).minusSeconds(1));
            tokens.put(life, present);
        }
        return present.text();
    }

    Path workingDirectory(Container container) throws IOException, Misconfigured {
        return volumes().workingDirectory(container);
    }

    /** Where a port of the pod can be listened on: there, or on a free port. */
    InetSocketAddress listenable(int port) {
        return network.listenable(port);
    }

    /** As {@link #listenable}, with a port that is not 0. */
    InetSocketAddress freePort(int port) throws IOException {
        InetSocketAddress wanted = listenable(port);
        if (wanted.getPort() != 0) {
            return wanted;
        }
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(wanted);
            return new InetSocketAddress(wanted.getAddress(), probe.getLocalPort());
        }
    }

    /** Tells the data plane where a port really is, if not where its number says. */
    void announce(int port, InetSocketAddress at) {
        synchronized (bound) {
            bound.put(port, at);
            Map<Integer, String> elsewhere = new TreeMap<>();
            bound.forEach((number, actual) -> {
                if (actual.getPort() != number
                        || !actual.getAddress().getHostAddress().equals(network.address())) {
                    elsewhere.put(number, actual.getAddress().getHostAddress() + ":" + actual.getPort());
                }
            });
            if (!elsewhere.isEmpty()) {
                annotate(elsewhere);
            }
        }
    }

    /** Removes what an earlier local mode has said of the pod's ports. */
    void forgetBound() {
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        if (annotations != null && annotations.containsKey(DataPlaneFeed.BOUND_PORTS)) {
            annotate("null");
        }
    }

    private void annotate(Map<Integer, String> elsewhere) {
        annotate(elsewhere.entrySet().stream()
                .map(entry -> "\\\"" + entry.getKey() + "\\\":\\\"" + entry.getValue() + "\\\"")
                .collect(Collectors.joining(",", "\"{", "}\"")));
    }

    private void annotate(String json) {
        client().pods()
                .inNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .patch(
                        PatchContext.of(PatchType.JSON_MERGE),
                        "{\"metadata\":{\"uid\":\"" + pod.getMetadata().getUid() + "\",\"annotations\":{\""
                                + DataPlaneFeed.BOUND_PORTS + "\":" + json + "}}}");
    }

    /** Where a port of the pod really is. */
    InetSocketAddress where(int port) {
        synchronized (bound) {
            return bound.getOrDefault(port, new InetSocketAddress(network.address(), port));
        }
    }

    /** Waits until the data plane sends nothing more to this pod and its requests under way are answered. */
    void drain(Duration limit) throws InterruptedException {
        Set<InetSocketAddress> serving;
        synchronized (bound) {
            serving = Set.copyOf(bound.values());
        }
        network.drain(serving, limit);
    }

    /**
     * The variables that a container's spec asks for, and what names the pod.
     *
     * @throws Misconfigured if a source that is not optional is missing
     */
    Map<String, String> declared(Container container) throws Misconfigured {
        Map<String, String> given = Map.of("HOSTNAME", pod.getMetadata().getName(), "POD_IP", network.address());
        return new ContainerEnvironment(fields(), sources()).resolve(container, given);
    }

    /**
     * The variables of a container's processes.
     *
     * @throws Misconfigured if a source that is not optional is missing
     */
    Map<String, String> environment(Container container) throws IOException, Misconfigured {
        Map<String, String> given = new HashMap<>();
        for (String kept : List.of("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")) {
            String value = System.getenv(kept);
            if (value != null) {
                given.put(kept, value);
            }
        }
        // before the host's own commands, which some of them call
        given.computeIfPresent("PATH", (_, path) -> around.standIns() + File.pathSeparator + path);
        given.putAll(network.variables(pod));
        given.put("HOSTNAME", pod.getMetadata().getName());
        given.put("POD_IP", network.address());
        given.put("WEIR_ROOT", volumes().root(container).toString());
        String account = pod.getSpec().getServiceAccountName();
        if (account != null && !account.isEmpty() && !account.equals("default")) {
            given.put("KUBECONFIG", accountConfig().toString());
        }
        Map<String, String> all = new ContainerEnvironment(fields(), sources()).resolve(container, given);
        environments.put(container.getName(), Map.copyOf(all));
        return all;
    }

    /**
     * Starts a command beside what the container runs; the caller says {@link #ended} when it is over.
     *
     * @param oneStream whether errors go with the output
     */
    Process spawn(Container container, List<String> command, boolean oneStream) throws IOException, Misconfigured {
        return spawned(command(container, command)
                .builder()
                .redirectErrorStream(oneStream)
                .start());
    }

    /** As {@link #spawn}, with a terminal. */
    Process spawnAt(Pty terminal, Container container, List<String> command) throws IOException, Misconfigured {
        return spawned(command(container, command).startAt(terminal));
    }

    private HostCommand command(Container container, List<String> words) throws IOException, Misconfigured {
        Map<String, String> variables = environments.get(container.getName());
        return hostCommand(words, variables == null ? environment(container) : variables, workingDirectory(container));
    }

    /** A command that runs in the pod's network. */
    HostCommand hostCommand(List<String> words, Map<String, String> variables, Path start) {
        return new HostCommand(network.entrance(), words, variables, start);
    }

    private Process spawned(Process process) {
        around.ledger().add(process.toHandle());
        spawned.add(process);
        return process;
    }

    void ended(Process process) {
        spawned.remove(process);
        around.ledger().remove(process.toHandle());
    }

    private synchronized Path accountConfig() {
        if (accountConfig == null) {
            accountConfig = around.serviceAccounts().kubeconfig(pod, folder);
        }
        return accountConfig;
    }

    /** Ends spawned commands and the network; removes the files, the logs excepted. */
    @Override
    public void close() throws IOException {
        for (Process process : spawned) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            ended(process);
        }
        network.close();
        volumes().delete();
    }
}
