package dev.weir.local;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.ApiServer;
import dev.weir.apiserver.ApiServerOptions;
import dev.weir.apiserver.auth.User;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.ProxyListener;
import dev.weir.operator.Operator;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A whole Kubernetes with a mesh in this process: API server, controllers, node, data plane, charts, operator. */
public final class LocalMode implements AutoCloseable {
    /** The user that the operator inside is to the API server. */
    public static final String OPERATOR = "system:weir-operator";

    /** The folder in the data directory that holds the objects and keys of the API server. */
    private static final String STATE = "state";

    /** The file of the data directory that lists the Gateways of Gateway API and their addresses. */
    public static final String GATEWAYS = "gateways";

    private static final Logger LOGGER = LoggerFactory.getLogger(LocalMode.class);

    private final Parts parts = new Parts();
    private final LocalOptions options;
    private final ProcessLedger ledger;
    private final ApiServer api;
    private final String inside;
    private final String operator;
    private final Path kubeconfig;
    private final Map<String, LongAdder> requests = new ConcurrentHashMap<>();
    private URI charts = URI.create("http://127.0.0.1");
    private URI gateway = URI.create("http://127.0.0.1");
    private URI stats = URI.create("http://127.0.0.1");

    private LocalMode(LocalOptions options, DataDirLock lock) throws IOException {
        this.options = options;
        parts.keep(lock);
        ledger = new ProcessLedger(options.dataDir().toAbsolutePath().resolve("processes"));
        int left = ledger.reap();
        if (left > 0) {
            LOGGER.warn("ended {} processes that an earlier local mode had left behind", left);
        }
        String token = token();
        inside = token();
        operator = token();
        Map<String, User> tokens = Map.of(
                token, new User("weir-local", "", List.of("system:masters", "system:authenticated")),
                inside, new User("system:weir-local", "", List.of("system:masters", "system:authenticated")),
                operator, new User(OPERATOR, "", List.of("system:masters", "system:authenticated")));
        api = parts.keep(ApiServer.start(ApiServerOptions.loopback(tokens)
                .withBind(new InetSocketAddress("127.0.0.1", options.apiPort()))
                .withDataDir(options.dataDir().toAbsolutePath().resolve(STATE))
                .withBeforeRequest(
                        request -> requests.computeIfAbsent(request.user().name(), _ -> new LongAdder())
                                .increment())));
        kubeconfig = options.kubeconfig()
                .orElse(options.dataDir().resolve("kubeconfig"))
                .toAbsolutePath();
        writePrivate(kubeconfig, api.kubeconfig("weir-local", token));
    }

    /**
     * Starts local mode; returns when a Release could be applied.
     *
     * @throws IOException if another local mode uses the data directory, a port is taken or a file cannot be written
     */
    public static LocalMode start(LocalOptions options) throws IOException {
        Files.createDirectories(options.dataDir());
        DataDirLock lock = DataDirLock.take(options.dataDir());
        try (Together together = new Together()) {
            setPodsAside(options);
            Optional<Ahead> ahead =
                    options.controllers() ? Optional.of(Ahead.begin(together, options)) : Optional.empty();
            try {
                return start(options, lock, ahead);
            } catch (IOException | RuntimeException failure) {
                ahead.ifPresent(Ahead::abandon);
                throw failure;
            }
        } catch (IOException | RuntimeException failure) {
            lock.close();
            throw failure;
        }
    }

    private static LocalMode start(LocalOptions options, DataDirLock lock, Optional<Ahead> ahead) throws IOException {
        LocalMode mode = new LocalMode(options, lock);
        try {
            if (ahead.isPresent()) {
                mode.startControllers(ahead.get());
            }
            return mode;
        } catch (IOException | RuntimeException failure) {
            mode.close();
            throw failure;
        }
    }

    /** What needs no API server and is begun before it. */
    private record Ahead(
            Together.Step<List<JsonNode>> definitions,
            Together.Step<DataPlane> dataPlane,
            Together.Step<ChartRepository> charts) {

        static Ahead begin(Together together, LocalOptions options) {
            together.run(() -> forgetPods(options));
            return new Ahead(
                    together.begin(Installation::definitions),
                    together.begin(DataPlane::start),
                    together.begin(() -> new ChartRepository(options.chartsPort())));
        }

        /** Closes what was begun in vain; closing twice does no harm. */
        void abandon() {
            for (Together.Step<? extends AutoCloseable> step : List.of(dataPlane, charts)) {
                try {
                    Parts.close(step.get());
                } catch (IOException neverBegan) {
                    LOGGER.debug("nothing to close", neverBegan);
                }
            }
        }
    }

    private static String token() {
        byte[] bytes = new byte[24];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Writes a file that only its owner may read. */
    static void writePrivate(Path file, String text) throws IOException {
        Files.deleteIfExists(file);
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        Files.writeString(file, text);
    }

    private KubernetesClient client(String token) {
        Config config = Config.fromKubeconfig(api.kubeconfig("inside", token));
        // dozens of watches that each ask every half minute whether this very process is alive would be most of an
        // idle local mode's work
        config.setWebsocketPingInterval(TimeUnit.HOURS.toMillis(1));
        return parts.keep(new KubernetesClientBuilder().withConfig(config).build());
    }

    /** Starts everything but the API server; what does not wait for another thing is done at the same time. */
    private void startControllers(Ahead ahead) throws IOException {
        KubernetesClient client = client(inside);
        EventRecorder events = parts.keep(new EventRecorder(client, NodeIdentity.LOCAL.name()));
        DataPlane dataPlane = parts.keep(ahead.dataPlane().get());
        SharedCaches caches = parts.keep(SharedCaches.of(client));
        Controllers controllers = parts.keep(
                new Controllers(client, caches, events, podFolder(options).resolveSibling("claims")));
        AddressPool addresses = new LoopbackAddresses();
        GatewayApiController gateways = parts.keep(new GatewayApiController(
                client,
                dataPlane,
                new GatewayAddresses(dataPlane, addresses),
                options.dataDir().resolve(GATEWAYS),
                Clock.systemUTC()));
        DataPlaneFeed feed = parts.keep(new DataPlaneFeed(client, caches, dataPlane, gateways::changed));
        Kubelet kubelet = kubelet(client, caches, events, _ -> new ProxiedNetwork(dataPlane, addresses));
        KubeletEndpoint endpoint = parts.keep(KubeletEndpoint.of(kubelet, NodeIdentity.LOCAL, api.authority()));
        parts.keep(kubelet);
        try (Together together = new Together()) {
            together.run(() -> {
                kubelet.start(endpoint.port());
                caches.start();
            });
            together.run(() -> Installation.ingress(client));
            ProxyListener metrics = dataPlane.openStats(new InetSocketAddress("127.0.0.1", 0));
            stats = URI.create("http://127.0.0.1:" + metrics.address().getPort() + "/stats/prometheus");
            together.run(() -> Installation.describe(client, options.operatorInside(), stats));
            together.run(() -> {
                // a test compiles their rules
                ahead.definitions().get().forEach(api::vouchFor);
                Installation.install(client, ahead.definitions().get());
                feed.start();
                Installation.gatewayClass(client);
                if (options.operatorInside()) {
                    Installation.installReleases(client, api::vouchFor);
                    parts.keep(Operator.start(client(operator), Operator.Options.allNamespaces()));
                }
            });
            charts = parts.keep(ahead.charts().get()).url();
            together.finish();
        }
        gateway = Installation.awaitGateway(client);
        controllers.startCollecting();
    }

    private Kubelet kubelet(
            KubernetesClient client, SharedCaches caches, EventRecorder events, PodNetwork.Pool networks)
            throws IOException {
        return new Kubelet(
                new Kubelet.Surroundings(
                        client,
                        NodeIdentity.LOCAL,
                        networks,
                        new Images(options.images()),
                        podFolder(options),
                        StandIns.write(podFolder(options).resolveSibling("stand-ins")),
                        new ServiceAccountTokens(client, api::kubeconfig),
                        events,
                        parts.keep(new ConfigWatches(client)),
                        ledger),
                caches.pods());
    }

    /** How many requests each user has made of the API server; an open watch counts once. */
    public Map<String, Long> requests() {
        Map<String, Long> counts = new TreeMap<>();
        requests.forEach((user, count) -> counts.put(user, count.sum()));
        return counts;
    }

    /** Removes the files of pods that an earlier local mode ran; before the first pod of this one runs, they are aside. */
    private static void forgetPods(LocalOptions options) throws IOException {
        Path old = podFolder(options).resolveSibling("pods.old");
        PodVolumes.deleteTree(old);
    }

    private static void setPodsAside(LocalOptions options) throws IOException {
        Path pods = podFolder(options);
        Path old = pods.resolveSibling("pods.old");
        if (Files.exists(pods) && !Files.exists(old)) {
            Files.move(pods, old);
        }
    }

    private static Path podFolder(LocalOptions options) {
        return options.dataDir().toAbsolutePath().resolve("pods");
    }

    public URI apiUrl() {
        return api.url();
    }

    public Path kubeconfig() {
        return kubeconfig;
    }

    /** For {@code helm --repo}. */
    public URI chartRepository() {
        return charts;
    }

    /** Where {@code istio-ingressgateway} listens. */
    public URI gateway() {
        return gateway;
    }

    /** The data plane's request metrics. */
    public URI metrics() {
        return stats;
    }

    @Override
    public void close() {
        parts.close();
    }
}
