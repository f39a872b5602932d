package dev.weir.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.apiserver.ApiServer;
import dev.weir.apiserver.ApiServerOptions;
import dev.weir.apiserver.auth.User;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.ProxyListener;
import dev.weir.operator.Operator;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A whole Kubernetes with a mesh in this process: API server, controllers, node, data plane, charts, operator. */
public final class LocalMode implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(LocalMode.class);
    private static final int GATEWAY_WAIT_SECONDS = 30;
    private static final long HOUR_SECONDS = 3600;
    private static final long DAY_SECONDS = 24 * HOUR_SECONDS;
    private static final String RELEASES = "/crds/weir.dev_releases.yaml";

    private final List<AutoCloseable> parts = new ArrayList<>();
    private final LocalOptions options;
    private final DataDirLock lock;
    private final ProcessLedger ledger;
    private final ApiServer api;
    private final String inside;
    private final Path kubeconfig;
    private final List<KubernetesClient> clients = new ArrayList<>();
    private URI charts = URI.create("http://127.0.0.1");
    private URI gateway = URI.create("http://127.0.0.1");
    private URI stats = URI.create("http://127.0.0.1");

    private LocalMode(LocalOptions options, DataDirLock lock) throws IOException {
        this.options = options;
        this.lock = lock;
        ledger = new ProcessLedger(options.dataDir().toAbsolutePath().resolve("processes"));
        int left = ledger.reap();
        if (left > 0) {
            LOGGER.warn("ended {} processes that an earlier local mode had left behind", left);
        }
        String token = token();
        inside = token();
        Map<String, User> tokens = Map.of(
                token, new User("weir-local", "", List.of("system:masters", "system:authenticated")),
                inside, new User("system:weir-local", "", List.of("system:masters", "system:authenticated")));
        api = ApiServer.start(
                ApiServerOptions.loopback(tokens).withBind(new InetSocketAddress("127.0.0.1", options.apiPort())));
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
        LocalMode mode;
        try {
            mode = new LocalMode(options, lock);
        } catch (IOException | RuntimeException failure) {
            lock.close();
            throw failure;
        }
        try {
            if (options.controllers()) {
                mode.startControllers(mode.inside);
            }
            return mode;
        } catch (IOException | RuntimeException failure) {
            mode.close();
            throw failure;
        }
    }

    private static String token() {
        byte[] bytes = new byte[24];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static void writePrivate(Path file, String text) throws IOException {
        Files.deleteIfExists(file);
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        Files.writeString(file, text);
    }

    private KubernetesClient client(String token) {
        Config config = Config.fromKubeconfig(api.kubeconfig("inside", token));
        KubernetesClient client =
                new KubernetesClientBuilder().withConfig(config).build();
        clients.add(client);
        return client;
    }

    private void startControllers(String token) throws IOException {
        KubernetesClient client = client(token);
        install(client, "/crds/istio.json.gz");
        install(client, "/crds/gateway-api.json.gz");
        EventRecorder events = new EventRecorder(client);
        parts.add(events);
        Controllers controllers = new Controllers(client, events);
        parts.add(controllers);
        controllers.start();
        DataPlane dataPlane = DataPlane.start();
        parts.add(dataPlane);
        DataPlaneFeed feed = new DataPlaneFeed(client, dataPlane);
        parts.add(feed);
        feed.start();
        ProxyListener metrics = dataPlane.openStats(new InetSocketAddress("127.0.0.1", 0));
        stats = URI.create("http://127.0.0.1:" + metrics.address().getPort() + "/stats/prometheus");
        Kubelet kubelet = new Kubelet(new Kubelet.Surroundings(
                client,
                dataPlane,
                new Images(options.images()),
                new AddressPool(),
                options.dataDir().toAbsolutePath().resolve("pods"),
                new Accounts(client, api),
                events,
                ledger));
        KubeletEndpoint endpoint = new KubeletEndpoint(kubelet, api.authority());
        parts.add(endpoint);
        parts.add(kubelet);
        kubelet.start(endpoint.port());
        ChartRepository repository = new ChartRepository(options.chartsPort());
        parts.add(repository);
        charts = repository.url();
        ingress(client);
        client.resource(new ConfigMapBuilder()
                        .withNewMetadata()
                        .withName("weir-local")
                        .withNamespace("kube-public")
                        .endMetadata()
                        .withData(Map.of("operatorInside", Boolean.toString(options.operatorInside())))
                        .build())
                .create();
        if (options.operatorInside()) {
            try (InputStream in = resource(RELEASES)) {
                client.load(in).create();
            }
            parts.add(Operator.start(client(token), Operator.Options.allNamespaces()));
        }
        awaitGateway(client);
        controllers.startCollecting();
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(LocalMode.class.getResourceAsStream(name), name);
    }

    private static void install(KubernetesClient client, String file) throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (InputStream in = new GZIPInputStream(resource(file))) {
            for (JsonNode definition : json.readTree(in)) {
                client.raw("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "POST", definition);
            }
        }
    }

    private record Accounts(KubernetesClient client, ApiServer api) implements Kubelet.ServiceAccounts {
        @Override
        public Path kubeconfig(Pod pod, Path folder) {
            try {
                Path file = folder.resolve("serviceaccount.kubeconfig");
                Files.createDirectories(folder);
                writePrivate(file, api.kubeconfig(pod.getSpec().getServiceAccountName(), token(pod, DAY_SECONDS)));
                return file;
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
        }

        @Override
        public String token(Pod pod, @Nullable Long seconds) {
            String account = pod.getSpec().getServiceAccountName();
            String path = "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/serviceaccounts/"
                    + (account == null || account.isEmpty() ? "default" : account) + "/token";
            String answer = client.raw(
                    path,
                    "POST",
                    "{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\",\"spec\":{\"expirationSeconds\":"
                            + (seconds == null ? HOUR_SECONDS : seconds) + "}}");
            try {
                return new ObjectMapper()
                        .readTree(answer)
                        .path("status")
                        .path("token")
                        .asText();
            } catch (IOException malformed) {
                throw new UncheckedIOException(malformed);
            }
        }
    }

    /** The gateway that Istio's demo profile brings. */
    private static void ingress(KubernetesClient client) throws IOException {
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName("istio-system")
                        .endMetadata()
                        .build())
                .create();
        try (InputStream in = resource("/istio-ingressgateway.yaml")) {
            client.load(in).inNamespace("istio-system").create();
        }
    }

    private void awaitGateway(KubernetesClient client) {
        var pod = client.pods()
                .inNamespace("istio-system")
                .withLabel("istio", "ingressgateway")
                .waitUntilCondition(
                        p -> p != null && ReplicaSetController.isReady(p), GATEWAY_WAIT_SECONDS, TimeUnit.SECONDS);
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        String bound = annotations == null ? null : annotations.get(DataPlaneFeed.BOUND_PORTS);
        String address =
                bound == null ? pod.getStatus().getPodIP() + ":80" : bound.replaceAll("^\\{\"80\":\"|\"}$", "");
        gateway = URI.create("http://" + address);
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
        Collections.reverse(parts);
        parts.forEach(LocalMode::close);
        clients.forEach(LocalMode::close);
        close(api);
        close(lock);
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception failure) {
            LOGGER.warn("not closed cleanly", failure);
        }
    }
}
