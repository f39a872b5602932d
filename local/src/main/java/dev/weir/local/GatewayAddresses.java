package dev.weir.local;

import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.GatewayPorts;
import dev.weir.dataplane.ProxyListener;
import dev.weir.dataplane.Workload;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the ports of Gateways, each Gateway on an address of its own. For one thread. */
final class GatewayAddresses implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(GatewayAddresses.class);

    private final DataPlane dataPlane;
    private final AddressPool pool;
    private final Map<String, Opened> opened = new HashMap<>();

    private record Opened(String address, Workload workload, Map<Integer, ProxyListener> listeners) {}

    GatewayAddresses(DataPlane dataPlane, AddressPool pool) {
        this.dataPlane = dataPlane;
        this.pool = pool;
    }

    /**
     * Opens what is wanted and closes the rest.
     *
     * @return where each port listens, by {@code namespace/name} and port; what cannot be opened is left out
     */
    Map<String, Map<Integer, InetSocketAddress>> open(List<GatewayPorts> wanted) {
        Map<String, GatewayPorts> byKey = new LinkedHashMap<>();
        wanted.forEach(gateway -> byKey.put(gateway.key(), gateway));
        for (String key : List.copyOf(opened.keySet())) {
            GatewayPorts gateway = byKey.get(key);
            Opened open = opened.get(key);
            if (open != null && (gateway == null || !gateway.workload().equals(open.workload()))) {
                close(key, open);
            }
        }
        Map<String, Map<Integer, InetSocketAddress>> bound = new HashMap<>();
        for (GatewayPorts gateway : wanted) {
            Opened open = opened.computeIfAbsent(
                    gateway.key(), _ -> new Opened(pool.take(), gateway.workload(), new TreeMap<>()));
            bound.put(gateway.key(), ports(open, gateway.ports()));
        }
        return bound;
    }

    private Map<Integer, InetSocketAddress> ports(Opened open, Set<Integer> wanted) {
        open.listeners().entrySet().removeIf(entry -> {
            boolean superfluous = !wanted.contains(entry.getKey());
            if (superfluous) {
                entry.getValue().close();
            }
            return superfluous;
        });
        for (int port : wanted) {
            if (!open.listeners().containsKey(port)) {
                try {
                    InetSocketAddress at = pool.listenable(open.address(), port);
                    open.listeners().put(port, dataPlane.openGateway(open.workload(), at, port));
                } catch (IOException taken) {
                    LOGGER.warn("port {} of {}: {}", port, open.workload().workload(), taken.getMessage());
                }
            }
        }
        return open.listeners().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, entry -> entry.getValue().address(), (one, _) -> one, TreeMap::new));
    }

    private void close(String key, Opened open) {
        open.listeners().values().forEach(ProxyListener::close);
        pool.release(open.address());
        opened.remove(key);
    }

    @Override
    public void close() {
        Map.copyOf(opened).forEach(this::close);
    }
}
