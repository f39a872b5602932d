package dev.weir.local;

import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.ProxyListener;
import dev.weir.dataplane.Workload;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A pod in local mode: its processes are the host's, and the data plane of this process is their outbound proxy. */
final class ProxiedNetwork implements PodNetwork {
    private final DataPlane dataPlane;
    private final AddressPool addresses;
    private final String address;
    private @Nullable ProxyListener sidecar;

    ProxiedNetwork(DataPlane dataPlane, AddressPool addresses) {
        this.dataPlane = dataPlane;
        this.addresses = addresses;
        this.address = addresses.take();
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public void open(Pod pod) {
        // the host's network is there
    }

    @Override
    public InetSocketAddress listenable(int port) {
        return addresses.listenable(address, port);
    }

    /** The outbound proxy is opened when the pod's first process needs it. */
    @Override
    public synchronized Map<String, String> variables(Pod pod) throws IOException {
        if (sidecar == null) {
            sidecar = dataPlane.openSidecar(workload(pod), listenable(0));
        }
        InetSocketAddress proxy = sidecar.address();
        return Map.of(
                "http_proxy", "http://" + proxy.getAddress().getHostAddress() + ":" + proxy.getPort(), "no_proxy", "");
    }

    @Override
    public List<String> entrance() {
        return List.of();
    }

    @Override
    public Gateway gateway(Pod pod, Set<Integer> ports) throws IOException {
        Parts listeners = new Parts();
        Map<Integer, InetSocketAddress> bound = new TreeMap<>();
        for (int port : ports) {
            ProxyListener listener = dataPlane.openGateway(workload(pod), listenable(port), port);
            listeners.keep(listener);
            bound.put(port, listener.address());
        }
        return new Gateway.Inside(bound, listeners);
    }

    @Override
    public void drain(Set<InetSocketAddress> serving, Duration limit) throws InterruptedException {
        if (!serving.isEmpty()) {
            dataPlane.awaitQuiet(serving, limit);
        }
    }

    /** The pod as the data plane knows it. */
    private static Workload workload(Pod pod) {
        String name = pod.getMetadata().getName();
        Map<String, String> labels = pod.getMetadata().getLabels() == null
                ? Map.of()
                : pod.getMetadata().getLabels();
        String hash = labels.get("pod-template-hash");
        int cut = hash == null ? -1 : name.indexOf("-" + hash);
        return new Workload(pod.getMetadata().getNamespace(), name, cut > 0 ? name.substring(0, cut) : name, labels);
    }

    @Override
    public synchronized void close() {
        if (sidecar != null) {
            sidecar.close();
        }
        addresses.release(address);
    }
}
