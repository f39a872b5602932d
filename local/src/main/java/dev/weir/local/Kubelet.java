package dev.weir.local;

import dev.weir.dataplane.DataPlane;
import io.fabric8.kubernetes.api.model.BindingBuilder;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The node of local mode: takes every pod, runs it as a built-in server or a host process, reports its status. */
final class Kubelet implements AutoCloseable {
    static final String NODE = "weir-local";
    /** The node's labels. */
    static final Map<String, String> LABELS =
            Map.of("kubernetes.io/hostname", NODE, "kubernetes.io/os", "linux", "kubernetes.io/arch", architecture());

    private static final Logger LOGGER = LoggerFactory.getLogger(Kubelet.class);
    private static final String LEASES = "kube-node-lease";
    private static final int LEASE_SECONDS = 40;
    private static final int HEARTBEAT_SECONDS = 20;

    private final KubernetesClient client;
    private final SharedIndexInformer<Pod> pods;
    private final Map<String, PodRunner> runners = new ConcurrentHashMap<>();
    private final Surroundings surroundings;
    private volatile boolean closed;
    private final ScheduledExecutorService heartbeat = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("heartbeat").factory());

    /**
     * What every pod needs.
     *
     * @param folder where pods keep their files
     * @param standIns commands for what the host may lack
     */
    record Surroundings(
            KubernetesClient client,
            DataPlane dataPlane,
            Images images,
            AddressPool addresses,
            Path folder,
            Path standIns,
            ServiceAccounts serviceAccounts,
            EventRecorder events,
            ConfigWatches watches,
            ProcessLedger ledger) {}

    /** @param pods the watch that tells of pods; whoever made it closes it */
    Kubelet(Surroundings surroundings, SharedIndexInformer<Pod> pods) {
        this.client = surroundings.client();
        this.surroundings = surroundings;
        this.pods = pods;
    }

    /** What a pod gets to talk to the API as its service account. */
    interface ServiceAccounts {
        /** Writes a kubeconfig into the pod's folder. */
        Path kubeconfig(Pod pod, Path folder);

        /** A token that is good for so long, an hour if null. */
        String token(Pod pod, @Nullable Long seconds);
    }

    /** Registers the node, then takes pods. {@code port} is where the kubelet endpoint listens. */
    void start(int port) {
        register(port);
        heartbeat.scheduleAtFixedRate(this::beat, 0, HEARTBEAT_SECONDS, TimeUnit.SECONDS);
        pods.addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                changed(pod);
            }

            @Override
            public void onUpdate(Pod before, Pod pod) {
                if (!before.getMetadata().getUid().equals(pod.getMetadata().getUid())) {
                    gone(before);
                }
                changed(pod);
            }

            @Override
            public void onDelete(Pod pod, boolean unknown) {
                gone(pod);
            }
        });
    }

    private void gone(Pod pod) {
        PodRunner runner = runners.remove(pod.getMetadata().getUid());
        if (runner != null) {
            Thread.startVirtualThread(runner::kill);
        }
    }

    /** As Go names it. */
    private static String architecture() {
        String name = System.getProperty("os.arch");
        return switch (name) {
            case "x86_64" -> "amd64";
            case "aarch64" -> "arm64";
            default -> name;
        };
    }

    private void register(int port) {
        var node = new NodeBuilder()
                .withNewMetadata()
                .withName(NODE)
                .withLabels(LABELS)
                .endMetadata()
                .withNewSpec()
                .endSpec()
                .withNewStatus()
                .addNewAddress("127.0.0.1", "InternalIP")
                .addNewAddress(NODE, "Hostname")
                .addNewCondition()
                .withType("Ready")
                .withStatus("True")
                .withReason("KubeletReady")
                .withMessage("the node of local mode is ready")
                .withLastTransitionTime(PodStatuses.now())
                .withLastHeartbeatTime(PodStatuses.now())
                .endCondition()
                .withNewDaemonEndpoints()
                .withNewKubeletEndpoint(port)
                .endDaemonEndpoints()
                .withNewNodeInfo()
                .withKubeletVersion("v1.34.3-weir")
                .withOperatingSystem("linux")
                .withContainerRuntimeVersion("weir://local")
                .withOsImage(System.getProperty("os.name"))
                .withKernelVersion(System.getProperty("os.version"))
                .withArchitecture(architecture())
                .endNodeInfo()
                .endStatus()
                .build();
        if (client.nodes().withName(NODE).get() == null) {
            client.resource(node).create();
        }
        // also of a node that is there: it listens elsewhere now
        client.resource(node).patchStatus();
    }

    private void beat() {
        try {
            lease();
        } catch (KubernetesClientException | IllegalStateException missed) {
            // the next one comes; a missed one must not end the schedule
            LOGGER.debug("heartbeat missed", missed);
        }
    }

    private void lease() {
        String renewed = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT)
                .format(ZonedDateTime.now(ZoneOffset.UTC));
        try {
            client.leases()
                    .inNamespace(LEASES)
                    .withName(NODE)
                    .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":{\"renewTime\":\"" + renewed + "\"}}");
        } catch (KubernetesClientException failure) {
            if (failure.getCode() != 404) {
                throw failure;
            }
            client.resource(new LeaseBuilder()
                            .withNewMetadata()
                            .withName(NODE)
                            .withNamespace(LEASES)
                            .endMetadata()
                            .withNewSpec()
                            .withHolderIdentity(NODE)
                            .withLeaseDurationSeconds(LEASE_SECONDS)
                            .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS))
                            .endSpec()
                            .build())
                    .create();
        }
    }

    private void changed(Pod pod) {
        if (closed) {
            return;
        }
        String uid = pod.getMetadata().getUid();
        String node = pod.getSpec().getNodeName();
        boolean deleted = pod.getMetadata().getDeletionTimestamp() != null;
        if (node == null || node.isEmpty()) {
            if (!deleted) {
                Thread.startVirtualThread(() -> bind(pod));
            }
            return;
        }
        if (!node.equals(NODE)) {
            return;
        }
        PodRunner runner = runners.get(uid);
        if (runner != null) {
            runner.update(pod);
        } else {
            String phase = pod.getStatus() == null ? "" : pod.getStatus().getPhase();
            if (!deleted && ("Succeeded".equals(phase) || "Failed".equals(phase))) {
                // an earlier local mode has run it to its end
                return;
            }
            runner = new PodRunner(pod, surroundings);
            runners.put(uid, runner);
            if (!deleted) {
                runner.start();
            }
        }
        if (deleted) {
            runner.terminate(pod.getMetadata().getDeletionGracePeriodSeconds());
        }
    }

    private void bind(Pod pod) {
        String path = "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/pods/"
                + pod.getMetadata().getName() + "/binding";
        var binding = new BindingBuilder()
                .withNewMetadata()
                .withName(pod.getMetadata().getName())
                .endMetadata()
                .withNewTarget()
                .withApiVersion("v1")
                .withKind("Node")
                .withName(NODE)
                .endTarget()
                .build();
        try {
            client.raw(path, "POST", binding);
            surroundings
                    .events()
                    .record(
                            pod,
                            EventRecorder.Note.normal(
                                    "default-scheduler",
                                    "Scheduled",
                                    "Successfully assigned " + Controllers.key(pod) + " to " + NODE));
        } catch (KubernetesClientException taken) {
            if (taken.getCode() != 404 && taken.getCode() != 409) {
                throw taken;
            }
        }
    }

    /** The runner of a pod, for logs and exec. */
    Optional<PodRunner> runner(String namespace, String name) {
        Pod pod = pods.getIndexer().getByKey(namespace + "/" + name);
        return pod == null
                ? Optional.empty()
                : Optional.ofNullable(runners.get(pod.getMetadata().getUid()));
    }

    @Override
    public void close() {
        closed = true;
        heartbeat.shutdownNow();
        List<Thread> ends = runners.values().stream()
                .map(runner -> Thread.startVirtualThread(runner::kill))
                .toList();
        try {
            for (Thread end : ends) {
                end.join();
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
