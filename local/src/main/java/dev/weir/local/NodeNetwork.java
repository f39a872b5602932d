package dev.weir.local;

import dev.weir.local.node.Bridge;
import dev.weir.local.node.Envoy;
import dev.weir.local.node.EnvoyBootstrap;
import dev.weir.local.node.EnvoyList;
import dev.weir.local.node.PodNamespace;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A pod on a node of its own: at an address of the node's subnet, in a network namespace if anything needs one. */
final class NodeNetwork implements PodNetwork {
    /**
     * How long a pod that is deleted goes on serving: nobody here knows when the last Envoy has heard that its endpoint is
     * gone. As long as Istio lets its own proxies drain.
     */
    static final Duration DRAIN = Duration.ofSeconds(5);

    private static final Logger LOGGER = LoggerFactory.getLogger(NodeNetwork.class);

    private final Surroundings around;
    private final PodPlace place;
    private final String address;
    private final Path folder;
    private final CountDownLatch closing = new CountDownLatch(1);
    private @Nullable PodNamespace namespace;
    private @Nullable Envoy envoy;

    /**
     * What the networks of all pods share.
     *
     * @param nodeAddress the node's own
     * @param envoy the program
     * @param folder where pods keep their files
     * @param xds where istiod listens
     * @param envoys those that run
     */
    record Surroundings(
            Bridge bridge,
            String nodeAddress,
            Images images,
            Path envoy,
            Path folder,
            InetSocketAddress xds,
            EnvoyList envoys) {}

    NodeNetwork(Pod pod, Surroundings around) {
        this.around = around;
        this.place = PodPlace.of(pod, around.images());
        // of a pod that an earlier process has run, the one that others know
        String before = pod.getStatus() == null
                ? ""
                : Objects.requireNonNullElse(pod.getStatus().getPodIP(), "");
        this.address = place == PodPlace.NODE
                ? around.nodeAddress()
                : around.bridge().subnet().take(before);
        this.folder = around.folder().resolve(pod.getMetadata().getUid());
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public void open(Pod pod) throws IOException, InterruptedException {
        switch (place) {
            case NODE -> {
                // it is there
            }
            case HOSTED -> around.bridge().host(address);
            case ALONE, GATEWAY -> enter();
            case MESHED -> {
                List<String> entrance = enter().entrance();
                List<String> command = envoyCommand(pod, EnvoyBootstrap.Role.SIDECAR);
                Envoy started = begin(entrance, command);
                started.awaitReady(new InetSocketAddress(address, EnvoyBootstrap.STATISTICS_PORT));
            }
        }
    }

    private PodNamespace enter() throws IOException, InterruptedException {
        PodNamespace made = around.bridge().namespace(address);
        synchronized (this) {
            if (closing.getCount() > 0) {
                namespace = made;
                return made;
            }
        }
        made.close();
        throw new IOException("the pod is gone");
    }

    private synchronized Envoy begin(List<String> entrance, List<String> command) throws IOException {
        if (closing.getCount() == 0) {
            throw new IOException("the pod is gone");
        }
        Envoy started = new Envoy(entrance, command, folder.resolve("envoy.log"));
        envoy = started;
        return started;
    }

    private List<String> envoyCommand(Pod pod, EnvoyBootstrap.Role role) throws IOException {
        EnvoyBootstrap bootstrap = new EnvoyBootstrap(
                role,
                pod.getMetadata().getNamespace(),
                pod.getMetadata().getName(),
                address,
                Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.of()),
                around.xds());
        around.envoys().add(bootstrap);
        return Envoy.command(around.envoy(), bootstrap, folder);
    }

    @Override
    public InetSocketAddress listenable(int port) {
        return new InetSocketAddress(address, port);
    }

    @Override
    public Map<String, String> variables(Pod pod) {
        return place == PodPlace.MESHED
                ? Map.of("http_proxy", "http://127.0.0.1:" + EnvoyBootstrap.PROXY_PORT, "no_proxy", "")
                : Map.of();
    }

    @Override
    public synchronized List<String> entrance() {
        return namespace == null ? List.of() : namespace.entrance();
    }

    @Override
    public Gateway gateway(Pod pod, Set<Integer> ports) throws IOException {
        return new Gateway.Process(
                envoyCommand(pod, EnvoyBootstrap.Role.ROUTER),
                new InetSocketAddress(address, EnvoyBootstrap.STATISTICS_PORT));
    }

    @Override
    public void drain(Set<InetSocketAddress> serving, Duration limit) throws InterruptedException {
        if (!serving.isEmpty() || place == PodPlace.GATEWAY) {
            long millis = Math.min(limit.toMillis(), DRAIN.toMillis());
            if (closing.await(millis, TimeUnit.MILLISECONDS)) {
                LOGGER.debug("{} is closed before it was drained", address);
            }
        }
    }

    @Override
    public void close() {
        Envoy beside;
        PodNamespace own;
        synchronized (this) {
            closing.countDown();
            beside = envoy;
            own = namespace;
        }
        if (beside != null) {
            beside.close();
        }
        if (own != null) {
            own.close();
        }
        try {
            around.envoys().remove(address);
            if (place == PodPlace.HOSTED) {
                around.bridge().unhost(address);
            }
        } catch (IOException absent) {
            LOGGER.debug("{} was not there", address, absent);
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
        if (place != PodPlace.NODE) {
            around.bridge().subnet().release(address);
        }
    }
}
