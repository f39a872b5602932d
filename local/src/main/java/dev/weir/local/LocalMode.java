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
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.InputStream;
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

/** A whole Kubernetes with a mesh in this process: API server, controllers, node, data plane, charts, operator. */
public final class LocalMode implements AutoCloseable {
    private static final int GATEWAY_WAIT_SECONDS = 30;
    private static final String RELEASES = "/crds/weir.dev_releases.yaml";

    private final List<AutoCloseable> parts = new ArrayList<>();
    private final LocalOptions options;
    private final ApiServer api;
    private final Path kubeconfig;
    private final List<KubernetesClient> clients = new ArrayList<>();
    private URI charts = URI.create("http://127.0.0.1");
    private URI gateway = URI.create("http://127.0.0.1");
    private URI stats = URI.create("http://127.0.0.1");

    private LocalMode(LocalOptions options) throws IOException {
        this.options = options;
        Files.createDirectories(options.dataDir());
        String token = token();
        String inside = token();
        Map<String, User> tokens = Map.of(
                token, new User("weir-local", "", List.of("system:masters", "system:authenticated")),
                inside, new User("system:weir-local", "", List.of("system:masters", "system:authenticated")));
        api = ApiServer.start(
                ApiServerOptions.loopback(tokens).withBind(new InetSocketAddress("127.0.0.1", options.apiPort())));
        parts.add(api);
        kubeconfig = options.kubeconfig()
                .orElse(options.dataDir().resolve("kubeconfig"))
                .toAbsolutePath();
        writePrivate(kubeconfig, api.kubeconfig("weir-local", token));
        if (options.controllers()) {
            startControllers(inside);
        }
    }

    /**
     * Starts local mode; returns when a Release could be applied.
     *
     * @throws IOException if a port is taken or a file cannot be written
     */
    public static LocalMode start(LocalOptions options) throws IOException {
        return new LocalMode(options);
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
        parts.add(new Controllers(client));
        DataPlane dataPlane = DataPlane.start();
        parts.add(dataPlane);
        DataPlaneFeed feed = new DataPlaneFeed(client, dataPlane);
        parts.add(feed);
        feed.start();
        ProxyListener metrics = dataPlane.openStats(new InetSocketAddress("127.0.0.1", 0));
        stats = URI.create("http://127.0.0.1:" + metrics.address().getPort() + "/stats/prometheus");
        Kubelet kubelet = new Kubelet(
                client,
                dataPlane,
                new Images(options.images()),
                options.dataDir().toAbsolutePath().resolve("pods"),
                (namespace, account, folder) -> serviceAccountConfig(client, namespace, account, folder));
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

    private Path serviceAccountConfig(KubernetesClient client, String namespace, String account, Path folder) {
        try {
            String path = "/api/v1/namespaces/" + namespace + "/serviceaccounts/" + account + "/token";
            String answer = client.raw(
                    path,
                    "POST",
                    "{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\",\"spec\":{\"expirationSeconds\":86400}}");
            String token = new ObjectMapper()
                    .readTree(answer)
                    .path("status")
                    .path("token")
                    .asText();
            Path file = folder.resolve("serviceaccount.kubeconfig");
            Files.createDirectories(folder);
            writePrivate(file, api.kubeconfig(account, token));
            return file;
        } catch (IOException failure) {
            throw new java.io.UncheckedIOException(failure);
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
        for (AutoCloseable part : parts) {
            if (part != api) {
                close(part);
            }
        }
        clients.forEach(LocalMode::close);
        close(api);
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception failure) {
            org.slf4j.LoggerFactory.getLogger(LocalMode.class).warn("not closed cleanly", failure);
        }
    }
}
