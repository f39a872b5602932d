package dev.weir.e2e.stack;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Everything that belongs to one stack: brings it up and takes it down. */
final class Stack {
    /** Where the charts are served, inside. */
    static final String CHARTS = "http://127.0.0.1:18090";

    /** Where Prometheus listens, inside. */
    static final String PROMETHEUS = "127.0.0.1:9090";

    private static final String XDS = NetworkNamespace.ADDRESS + ":15010";
    private static final String ETCD = "http://127.0.0.1:2379";

    private final Layout layout;
    private final Path home;
    private final PrintStream out;

    /**
     * Makes one.
     *
     * @param home the checkout
     * @param out told of progress
     */
    Stack(Layout layout, Path home, PrintStream out) {
        this.layout = layout;
        this.home = home;
        this.out = out;
    }

    /** Brings it up; whatever an earlier start left behind is removed before. */
    void up() throws IOException, InterruptedException {
        Toolshed.Programs programs = programs();
        down();
        NetworkNamespace namespace = layout.reserve();
        layout.starting(ProcessHandle.current().pid());
        namespace.create();
        layout.credentials().create();
        Files.writeString(layout.parts().resolve("mesh.yaml"), Cluster.resource("mesh.yaml"));
        Files.writeString(
                layout.parts().resolve("prometheus.yaml"),
                Cluster.resource("prometheus.yaml")
                        .replace(
                                "ENVOYS",
                                layout.data("node").resolve("envoys.json").toString()));
        Cluster cluster = new Cluster(layout, namespace);
        Map<String, Part> parts = parts(programs);
        start(parts, namespace, "etcd");
        start(parts, namespace, "kube-apiserver");
        start(parts, namespace, "kube-controller-manager", "charts", "prometheus");
        cluster.prepare(programs);
        start(parts, namespace, "istiod", "node");
        cluster.applyResource("/istio-ingressgateway.yaml", "istio-system");
        cluster.kubectl("-n", "istio-system", "rollout", "status", "deploy/istio-ingressgateway", "--timeout=60s");
        layout.starting(0);
    }

    Toolshed.Programs programs() throws IOException, InterruptedException {
        return new Toolshed(home.resolve("e2e").resolve("tools"), out).fetch();
    }

    /** Starts some at once and waits for all of them. */
    private void start(Map<String, Part> parts, NetworkNamespace namespace, String... names)
            throws IOException, InterruptedException {
        List<Part> some = Stream.of(names).map(parts::get).toList();
        for (Part part : some) {
            part.start(namespace);
        }
        for (Part part : some) {
            part.await(namespace);
            out.println(part.name() + " is ready");
            out.flush();
        }
    }

    /** Ends every process, and removes the namespaces and the folder. */
    void down() throws IOException, InterruptedException {
        Optional<NetworkNamespace> namespace = layout.namespace();
        if (namespace.isPresent()) {
            // the node ends its pods, and their namespaces, while the API server is there
            new Part("node", "", "", layout.parts(), Map.of(), List.of(), List.of()).stop(false);
            namespace.get().delete();
            Folders.delete(layout.folder());
        }
    }

    /** The processes by name, in the order of their start. */
    Map<String, Part> parts(Toolshed.Programs programs) {
        Map<String, Part> parts = new LinkedHashMap<>();
        for (Part part : List.of(
                etcd(programs.etcd()),
                apiServer(programs.apiServer()),
                controllerManager(programs.controllerManager()),
                istiod(programs.istiod()),
                node(programs.envoy()),
                charts(),
                prometheus(programs.prometheus()))) {
            parts.put(part.name(), part);
        }
        return parts;
    }

    private Part part(Program program, String name, String address, List<String> options, List<String> ready) {
        List<String> command = new ArrayList<>(List.of(program.path().toString()));
        command.addAll(options);
        return new Part(name, program.version(), address, layout.parts(), Map.of(), command, ready);
    }

    private Part etcd(Program program) {
        return part(
                program,
                "etcd",
                ETCD,
                List.of(
                        "--data-dir=" + layout.data("etcd"),
                        "--listen-client-urls=" + ETCD,
                        "--advertise-client-urls=" + ETCD,
                        "--listen-peer-urls=http://127.0.0.1:2380",
                        // with --unsafe-no-fsync one that is killed forgets what it has answered
                        "--log-level=warn"),
                get(ETCD + "/health"));
    }

    private Part apiServer(Program program) {
        Credentials keys = layout.credentials();
        return part(
                program,
                "kube-apiserver",
                Credentials.API,
                List.of(
                        "--etcd-servers=" + ETCD,
                        "--bind-address=" + NetworkNamespace.ADDRESS,
                        "--advertise-address=" + NetworkNamespace.ADDRESS,
                        "--secure-port=6443",
                        "--cert-dir=" + layout.data("api"),
                        "--tls-cert-file=" + keys.file("api.pem"),
                        "--tls-private-key-file=" + keys.file("api.key"),
                        "--client-ca-file=" + keys.file("ca.pem"),
                        "--token-auth-file=" + keys.file("tokens.csv"),
                        "--authorization-mode=Node,RBAC",
                        "--service-cluster-ip-range=10.96.0.0/16",
                        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                        "--service-account-key-file=" + keys.file("accounts.pem"),
                        "--service-account-signing-key-file=" + keys.file("accounts.key"),
                        "--kubelet-preferred-address-types=InternalIP",
                        "--kubelet-certificate-authority=" + keys.file("ca.pem"),
                        "--kubelet-client-certificate=" + keys.file("kubelet-client.pem"),
                        "--kubelet-client-key=" + keys.file("kubelet-client.key")),
                List.of(
                        "curl",
                        "-sf",
                        "--cacert",
                        keys.file("ca.pem"),
                        "-o",
                        "/dev/null",
                        Credentials.API + "/readyz"));
    }

    private Part controllerManager(Program program) {
        Credentials keys = layout.credentials();
        return part(
                program,
                "kube-controller-manager",
                "https://127.0.0.1:10257",
                List.of(
                        "--kubeconfig=" + keys.kubeconfig("controller-manager"),
                        "--cert-dir=" + layout.data("controllers"),
                        "--bind-address=127.0.0.1",
                        "--leader-elect=false",
                        "--use-service-account-credentials=true",
                        "--root-ca-file=" + keys.file("ca.pem"),
                        "--service-account-private-key-file=" + keys.file("accounts.key")),
                List.of("curl", "-skf", "-o", "/dev/null", "https://127.0.0.1:10257/healthz"));
    }

    private Part istiod(Program program) {
        Part plain = part(
                program,
                "istiod",
                XDS,
                List.of(
                        "discovery",
                        "--kubeconfig=" + layout.credentials().kubeconfig("istiod"),
                        "--grpcAddr=" + XDS,
                        "--secureGRPCAddr=",
                        "--httpsAddr=",
                        "--httpAddr=127.0.0.1:8080",
                        "--monitoringAddr=127.0.0.1:15014",
                        "--ctrlz_port=0",
                        // nobody waits for connections to drain
                        "--shutdownDuration=1s",
                        "--meshConfig=" + layout.parts().resolve("mesh.yaml"),
                        "--domain=cluster.local"),
                get("http://127.0.0.1:8080/ready"));
        Map<String, String> environment = Map.ofEntries(
                Map.entry("POD_NAMESPACE", "istio-system"),
                Map.entry("POD_NAME", "istiod"),
                // Envoy has none of Istio's own filters, and nobody gives certificates
                Map.entry("PILOT_ENABLE_METADATA_EXCHANGE", "false"),
                Map.entry("PILOT_ENABLE_ALPN_FILTER", "false"),
                Map.entry("ENABLE_CA_SERVER", "false"),
                Map.entry("PILOT_CERT_PROVIDER", "none"),
                Map.entry("INJECTION_WEBHOOK_CONFIG_NAME", ""),
                Map.entry("VALIDATION_WEBHOOK_CONFIG_NAME", ""));
        return new Part(
                plain.name(),
                plain.version(),
                plain.address(),
                plain.folder(),
                environment,
                plain.command(),
                plain.ready());
    }

    private Part node(Program envoy) {
        Credentials keys = layout.credentials();
        List<String> command = List.of(
                home.resolve("weir").toString(),
                "local",
                "node",
                "--kubeconfig=" + keys.kubeconfig("node"),
                "--name=" + Credentials.NODE,
                "--address=" + NetworkNamespace.ADDRESS,
                "--pods=10.0.1.0/24",
                "--data-dir=" + layout.data("node"),
                "--serving-certificate=" + keys.file("kubelet.pem"),
                "--serving-key=" + keys.file("kubelet.key"),
                "--client-ca=" + keys.file("ca.pem"),
                "--envoy=" + envoy.path(),
                "--xds=" + XDS);
        return new Part(
                "node",
                "envoy " + envoy.version(),
                NetworkNamespace.ADDRESS,
                layout.parts(),
                Map.of(),
                command,
                List.of());
    }

    private Part charts() {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx32m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Charts.class.getName(),
                CHARTS.substring(CHARTS.lastIndexOf(':') + 1));
        return new Part("charts", "", CHARTS, layout.parts(), Map.of(), command, get(CHARTS + "/index.yaml"));
    }

    private Part prometheus(Program program) {
        return part(
                program,
                "prometheus",
                "http://" + PROMETHEUS,
                List.of(
                        "--config.file=" + layout.parts().resolve("prometheus.yaml"),
                        "--storage.tsdb.path=" + layout.data("prometheus"),
                        "--web.listen-address=" + PROMETHEUS,
                        "--log.level=warn"),
                get("http://" + PROMETHEUS + "/-/ready"));
    }

    private static List<String> get(String url) {
        return List.of("curl", "-sf", "-o", "/dev/null", url);
    }
}
