package dev.weir.local;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the node known to the API server: the Node object, its Ready condition and its Lease.
 *
 * <p>As kubelets do it: the Lease is renewed every ten seconds, and the condition when somebody, a node controller that
 * had not heard of the node for a while say, has changed it, or every five minutes.
 */
final class NodeRegistration implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(NodeRegistration.class);
    private static final String LEASES = "kube-node-lease";
    private static final int LEASE_SECONDS = 40;
    private static final int HEARTBEAT_SECONDS = 10;
    private static final Duration CONDITION_LIFE = Duration.ofMinutes(5);
    private static final int MOST_PODS = 110;

    private final KubernetesClient client;
    private final NodeIdentity identity;
    private final int port;
    /** Since when the node has been ready without a break, as far as anybody saw. */
    private String readySince = PodStatuses.now();

    private final ScheduledExecutorService heartbeat = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("heartbeat").factory());

    /** @param port where the kubelet endpoint listens */
    NodeRegistration(KubernetesClient client, NodeIdentity identity, int port) {
        this.client = client;
        this.identity = identity;
        this.port = port;
    }

    /** Writes the node, then goes on renewing it in the background. */
    void start() {
        if (client.nodes().withName(identity.name()).get() == null) {
            client.resource(node()).create();
        }
        // also of a node that is there: it listens elsewhere now
        writeStatus(node());
        heartbeat.scheduleAtFixedRate(this::beat, 0, HEARTBEAT_SECONDS, TimeUnit.SECONDS);
    }

    private Node node() {
        Map<String, Quantity> capacity = Map.of(
                "cpu", new Quantity(Integer.toString(Runtime.getRuntime().availableProcessors())),
                "memory", new Quantity(Long.toString(Runtime.getRuntime().maxMemory())),
                "pods", new Quantity(Integer.toString(MOST_PODS)));
        return new NodeBuilder()
                .withNewMetadata()
                .withName(identity.name())
                .withLabels(identity.labels())
                .endMetadata()
                .withNewSpec()
                .endSpec()
                .withNewStatus()
                .withCapacity(capacity)
                .withAllocatable(capacity)
                .addNewAddress(identity.address(), "InternalIP")
                .addNewAddress(identity.name(), "Hostname")
                .addNewCondition()
                .withType("Ready")
                .withStatus("True")
                .withReason("KubeletReady")
                .withMessage("the node takes pods")
                .withLastTransitionTime(readySince)
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
                .withArchitecture(NodeIdentity.architecture())
                .endNodeInfo()
                .endStatus()
                .build();
    }

    private void writeStatus(Node node) {
        client.nodes()
                .withName(identity.name())
                .subresource("status")
                .patch(
                        PatchContext.of(PatchType.STRATEGIC_MERGE),
                        "{\"status\":" + Serialization.asJson(node.getStatus()) + "}");
    }

    private void beat() {
        try {
            lease();
            condition();
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
                    .withName(identity.name())
                    .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":{\"renewTime\":\"" + renewed + "\"}}");
        } catch (KubernetesClientException failure) {
            if (failure.getCode() != 404) {
                throw failure;
            }
            client.resource(new LeaseBuilder()
                            .withNewMetadata()
                            .withName(identity.name())
                            .withNamespace(LEASES)
                            .endMetadata()
                            .withNewSpec()
                            .withHolderIdentity(identity.name())
                            .withLeaseDurationSeconds(LEASE_SECONDS)
                            .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS))
                            .endSpec()
                            .build())
                    .create();
        }
    }

    private void condition() {
        Node seen = client.nodes().withName(identity.name()).get();
        if (seen == null) {
            client.resource(node()).create();
            writeStatus(node());
            return;
        }
        Optional<NodeCondition> ready = seen.getStatus().getConditions().stream()
                .filter(c -> c.getType().equals("Ready") && c.getStatus().equals("True"))
                .findFirst();
        if (ready.isEmpty()) {
            readySince = PodStatuses.now();
        }
        String beat = ready.map(NodeCondition::getLastHeartbeatTime).orElse(null);
        if (beat == null || Instant.parse(beat).isBefore(Instant.now().minus(CONDITION_LIFE))) {
            writeStatus(node());
        }
    }

    @Override
    public void close() {
        heartbeat.shutdownNow();
    }
}
