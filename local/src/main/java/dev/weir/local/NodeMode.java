package dev.weir.local;

import dev.weir.local.node.Bridge;
import dev.weir.local.node.EnvoyList;
import dev.weir.local.node.Subnet;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node of local mode as a process of its own, for any API server: it registers itself, binds and runs pods, and
 * serves logs, exec and port-forward. Requests of pods go through Envoys that istiod configures.
 */
public final class NodeMode implements AutoCloseable {
    /** The file of the data directory with the Envoys that run, for Prometheus. */
    public static final String ENVOYS = "envoys.json";

    private static final Logger LOGGER = LoggerFactory.getLogger(NodeMode.class);
    private static final int KUBELET_PORT = 10250;
    private static final int TRIES = 3;
    private static final int RECONNECT_MILLIS = 100;

    private final Parts parts = new Parts();

    private NodeMode() {}

    /**
     * Starts a node; returns when it takes pods.
     *
     * @throws IOException if a file cannot be read, the data directory is another's, an address cannot be bound, or the
     *     rights to make networks are missing
     */
    public static NodeMode start(NodeOptions options) throws IOException, InterruptedException {
        NodeMode mode = new NodeMode();
        try {
            mode.begin(options);
            return mode;
        } catch (IOException | InterruptedException | RuntimeException failure) {
            mode.close();
            throw failure;
        }
    }

    private void begin(NodeOptions options) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(options.dataDir().toAbsolutePath());
        parts.keep(DataDirLock.take(folder));
        ProcessLedger ledger = new ProcessLedger(folder.resolve("processes"));
        int left = ledger.reap();
        if (left > 0) {
            LOGGER.warn("ended {} processes that an earlier node had left behind", left);
        }
        Path pods = folder.resolve("pods");
        PodVolumes.deleteTree(pods);
        Bridge bridge = parts.keep(new Bridge(new Subnet(options.pods())));
        NodeIdentity node = new NodeIdentity(options.name(), options.address());
        Images images = new Images(options.images());
        Config config = Config.fromKubeconfig(options.kubeconfig().toFile());
        // an API server that is away is waited for by those who ask, not in each call
        config.setRequestRetryBackoffLimit(TRIES);
        // doubled up to five times: a node that is half a minute late would be taken for lost
        config.setWatchReconnectInterval(RECONNECT_MILLIS);
        KubernetesClient client =
                parts.keep(new KubernetesClientBuilder().withConfig(config).build());
        EventRecorder events = parts.keep(EventRecorder.ofNode(client, node.name()));
        EnvoyList envoys = new EnvoyList(folder.resolve(ENVOYS));
        NodeNetwork.Surroundings network = new NodeNetwork.Surroundings(
                bridge, options.address(), images, options.envoy().toAbsolutePath(), pods, options.xds(), envoys);
        SharedIndexInformer<Pod> watch = client.pods().inAnyNamespace().runnableInformer(0);
        watch.exceptionHandler((_, _) -> true);
        Kubelet kubelet = new Kubelet(
                new Kubelet.Surroundings(
                        client,
                        node,
                        pod -> new NodeNetwork(pod, network),
                        images,
                        pods,
                        StandIns.write(folder.resolve("stand-ins")),
                        new ServiceAccountTokens(client, PodKubeconfig.of(config)),
                        events,
                        parts.keep(new ConfigWatches(client)),
                        ledger),
                watch);
        parts.keep(new KubeletEndpoint(
                kubelet,
                new InetSocketAddress(options.address(), KUBELET_PORT),
                tls(options.identity()),
                new KubeletAuthorizer(client, node.name())));
        parts.keep(kubelet);
        parts.keep(watch);
        kubelet.start(KUBELET_PORT);
        CountDownLatch synced = new CountDownLatch(1);
        watch.start().thenRun(synced::countDown);
        synced.await();
    }

    private static SslContext tls(NodeOptions.Identity identity) throws IOException {
        try {
            return SslContextBuilder.forServer(
                            identity.certificate().toFile(), identity.key().toFile())
                    .trustManager(identity.clientAuthority().toFile())
                    .clientAuth(ClientAuth.REQUIRE)
                    .build();
        } catch (IllegalArgumentException unreadable) {
            throw new IOException("the kubelet endpoint's certificate: " + unreadable.getMessage(), unreadable);
        }
    }

    @Override
    public void close() {
        parts.close();
    }
}
