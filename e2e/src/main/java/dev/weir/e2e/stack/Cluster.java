package dev.weir.e2e.stack;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The stack's Kubernetes as its administrator sees it: {@code kubectl} inside the namespace. */
final class Cluster {
    private final Layout layout;
    private final NetworkNamespace namespace;

    Cluster(Layout layout, NetworkNamespace namespace) {
        this.layout = layout;
        this.namespace = namespace;
    }

    /** What a client's process must have in its environment. */
    static Map<String, String> environment(Layout layout) {
        return Map.of(
                "KUBECONFIG", layout.credentials().kubeconfig("admin").toString(),
                "KUBECACHEDIR", layout.caches().resolve("kube").toString(),
                "HELM_CACHE_HOME", layout.caches().resolve("helm").toString(),
                "HELM_CONFIG_HOME", layout.caches().resolve("helm-config").toString(),
                "HELM_DATA_HOME", layout.caches().resolve("helm-data").toString());
    }

    /** Runs kubectl, which must work. */
    String kubectl(String... arguments) throws IOException, InterruptedException {
        return Shell.must(command(arguments));
    }

    private List<String> command(String... arguments) {
        List<String> command = new ArrayList<>(List.of("env"));
        environment(layout).forEach((name, value) -> command.add(name + "=" + value));
        command.add("kubectl");
        command.addAll(List.of(arguments));
        return namespace.inside(command);
    }

    /** Applies manifests. */
    void apply(String manifests) throws IOException, InterruptedException {
        Shell.must(manifests, command("apply", "--server-side", "-f", "-"));
    }

    /** Applies a manifest of the class path in a namespace. */
    void applyResource(String name, String into) throws IOException, InterruptedException {
        Shell.must(resource(name), command("apply", "--server-side", "-n", into, "-f", "-"));
    }

    static String resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(Cluster.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** What a cluster has before Istio runs: definitions of its kinds, its namespace, rights and templates. */
    void prepare(Toolshed.Programs programs) throws IOException, InterruptedException {
        StringBuilder definitions = new StringBuilder(
                Files.readString(programs.istiod().folder().resolve("charts/base/files/crd-all.gen.yaml")));
        try (Stream<Path> files = Files.list(programs.gatewayApi().folder())) {
            for (Path file : files.filter(each -> each.getFileName().toString().startsWith("gateway."))
                    .sorted()
                    .toList()) {
                definitions.append("\n---\n").append(Files.readString(file));
            }
        }
        apply(definitions.toString());
        kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all");
        apply("""
                apiVersion: v1
                kind: Namespace
                metadata: {name: istio-system}
                ---
                """ + resource("node-rights.yaml") + "\n---\n" + resource("sidecar.yaml"));
        apply(istio(programs.istiod().folder().resolve("charts/istio-control/istio-discovery")));
        String token = kubectl("create", "token", "istiod", "-n", "istio-system", "--duration=48h");
        layout.credentials().kubeconfig("istiod", token);
    }

    /** Istiod's chart without what would run it in a pod or call it back over TLS. */
    private String istio(Path chart) throws IOException, InterruptedException {
        Path values = layout.parts().resolve("istiod-values.yaml");
        Files.writeString(values, resource("istiod-values.yaml"));
        List<String> command = new ArrayList<>(List.of("env"));
        environment(layout).forEach((name, value) -> command.add(name + "=" + value));
        command.addAll(List.of(
                helm().toString(),
                "template",
                "istiod",
                chart.toString(),
                "-n",
                "istio-system",
                "-f",
                values.toString()));
        for (String template : List.of(
                "serviceaccount",
                "clusterrole",
                "clusterrolebinding",
                "role",
                "rolebinding",
                "istiod-injector-configmap",
                "gateway-class-configmap")) {
            command.addAll(List.of("--show-only", "templates/" + template + ".yaml"));
        }
        return Shell.must(command);
    }

    /** The helm on PATH, or the one that a build of this project made. */
    static Path helm() throws IOException {
        return Shell.which("helm")
                .or(Toolshed::helm)
                .orElseThrow(() -> new Trouble("helm is needed, and there is none on PATH"));
    }
}
