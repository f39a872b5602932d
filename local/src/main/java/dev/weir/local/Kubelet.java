package dev.weir.local;

import dev.weir.dataplane.DataPlane;
import io.fabric8.kubernetes.api.model.BindingBuilder;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The node of local mode: takes every pod, runs it as a built-in server or a host process, reports its status. */
final class Kubelet implements AutoCloseable {
    static final String NODE = "weir-local";
    private static final int HEARTBEAT_SECONDS = 20;

    private final KubernetesClient client;
    private final SharedIndexInformer<Pod> pods;
    private final Map<String, PodRunner> runners = new ConcurrentHashMap<>();
    private final PodRunner.Surroundings surroundings;
    private final ScheduledExecutorService heartbeat = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("heartbeat").factory());

    /**
     * @param folder where pods keep their files
     * @param serviceAccounts makes a kubeconfig for a namespace's service account
     */
    Kubelet(
            KubernetesClient client,
            DataPlane dataPlane,
            Images images,
            Path folder,
            ServiceAccountConfig serviceAccounts) {
        this.client = client;
        this.surroundings = new PodRunner.Surroundings(
                client, dataPlane, images, new AddressPool(), folder, serviceAccounts, new PodStatuses(client));
        this.pods = client.pods().inAnyNamespace().runnableInformer(0);
    }

    /** Writes a kubeconfig for a service account into a file. */
    interface ServiceAccountConfig {
        Path write(String namespace, String account, Path folder);
    }

    /** Registers the node, then takes pods. {@code port} is where the kubelet endpoint listens. */
    void start(int port) {
        register(port);
        heartbeat.scheduleAtFixedRate(this::beat, 0, HEARTBEAT_SECONDS, TimeUnit.SECONDS);
        Controllers.on(pods, pod -> changed(pod));
        pods.start();
    }

    private void register(int port) {
        var node = new NodeBuilder()
                .withNewMetadata()
                .withName(NODE)
                .withLabels(Map.of("kubernetes.io/hostname", NODE, "kubernetes.io/os", "linux"))
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
                .withArchitecture(System.getProperty("os.arch"))
                .endNodeInfo()
                .endStatus()
                .build();
        client.resource(node).create();
    }

    private void beat() {
        var lease = new LeaseBuilder()
                .withNewMetadata()
                .withName(NODE)
                .withNamespace("kube-node-lease")
                .endMetadata()
                .withNewSpec()
                .withHolderIdentity(NODE)
                .withLeaseDurationSeconds(40)
                .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS))
                .endSpec()
                .build();
        client.resource(lease).createOr(io.fabric8.kubernetes.client.dsl.NonDeletingOperation::update);
    }

    private void changed(Pod pod) {
        String uid = pod.getMetadata().getUid();
        if (pods.getIndexer().getByKey(Controllers.key(pod)) == null) {
            Optional.ofNullable(runners.remove(uid)).ifPresent(PodRunner::kill);
            return;
        }
        String node = pod.getSpec().getNodeName();
        if (node == null || node.isEmpty()) {
            if (pod.getMetadata().getDeletionTimestamp() == null) {
                Thread.startVirtualThread(() -> bind(pod));
            }
            return;
        }
        if (!node.equals(NODE)) {
            return;
        }
        if (pod.getMetadata().getDeletionTimestamp() != null) {
            PodRunner runner = runners.computeIfAbsent(uid, _ -> new PodRunner(pod, surroundings));
            runner.terminate(pod.getMetadata().getDeletionGracePeriodSeconds());
        } else if (!runners.containsKey(uid)) {
            PodRunner runner = new PodRunner(pod, surroundings);
            if (runners.putIfAbsent(uid, runner) == null) {
                runner.start();
            }
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
        } catch (io.fabric8.kubernetes.client.KubernetesClientException taken) {
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
        heartbeat.shutdownNow();
        pods.close();
        runners.values().forEach(PodRunner::kill);
    }
}
