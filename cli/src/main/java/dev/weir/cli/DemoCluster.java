package dev.weir.cli;

import com.marcnuri.helm.Helm;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The local mode that a demo plays on, and what its user does there: each deed is announced and checked. */
final class DemoCluster implements AutoCloseable {
    static final int WAIT_SECONDS = 60;
    private static final int EXEC_SECONDS = 60;
    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(5);
    /** For every request from outside: a client has threads of its own. */
    private static final HttpClient USER =
            HttpClient.newBuilder().connectTimeout(LONGEST_ANSWER).build();

    private final DemoSteps steps;
    private final String demo;
    private final String namespace;
    private final Path folder;
    private final LocalMode local;
    private final KubernetesClient client;

    /**
     * Starts local mode without an operator.
     *
     * @param demo its folder of manifests
     * @param namespace of the release
     * @param folder for the files of local mode
     */
    DemoCluster(DemoSteps steps, String demo, String namespace, Path folder) throws IOException {
        this.steps = steps;
        this.demo = demo;
        this.namespace = namespace;
        this.folder = folder;
        local = LocalMode.start(LocalOptions.in(folder).withOperatorInside(false));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
    }

    KubernetesClient client() {
        return client;
    }

    LocalMode local() {
        return local;
    }

    void installController(boolean clusterScoped) {
        steps.step(
                "helm install iter8 controller --repo " + local.chartRepository()
                        + (clusterScoped ? " --set clusterScoped=true" : ""),
                "the operator runs");
        Helm.install(local.chartRepository() + "/controller-0.1.0.tgz")
                .withName("iter8")
                .withNamespace("default")
                .set("clusterScoped", clusterScoped)
                .withKubeConfig(local.kubeconfig())
                .call();
        steps.await(WAIT_SECONDS, () -> available("iter8"), "deployment iter8 is available");
    }

    void apply(String manifest, String promise, String into) throws IOException {
        steps.step("kubectl apply -f examples/" + demo + "/" + manifest, promise);
        try (InputStream in = DemoCluster.class.getResourceAsStream("/demo/" + demo + "/" + manifest)) {
            client.load(Objects.requireNonNull(in)).inNamespace(into).create();
        }
    }

    /** Creates the pod that requests are sent from. */
    void applySleep() throws IOException {
        apply("sleep.yaml", "a pod to send requests from", "default");
        steps.await(WAIT_SECONDS, () -> available("sleep"), "deployment sleep is available");
    }

    /**
     * Installs or upgrades the release {@code httpbin}.
     *
     * @param what the values say, in a few words
     */
    void release(String values, String what, String promise) throws IOException {
        Path file = folder.resolve("values.yaml");
        Files.writeString(file, values);
        String inNamespace = namespace.equals("default") ? "" : "-n " + namespace + " ";
        steps.step(
                "helm " + inNamespace + "upgrade --install httpbin --repo " + local.chartRepository()
                        + " release -f -   # " + what,
                promise);
        Helm.upgrade(local.chartRepository() + "/release-0.1.0.tgz")
                .install()
                .withName("httpbin")
                .withNamespace(namespace)
                .withValuesFile(file)
                .withKubeConfig(local.kubeconfig())
                .call();
    }

    /** @param gone true once everything of the release is away */
    void uninstall(BooleanSupplier gone, String observed) {
        steps.step("helm delete httpbin", "everything of the release is gone");
        Helm.uninstall("httpbin")
                .withNamespace(namespace)
                .withKubeConfig(local.kubeconfig())
                .call();
        steps.await(WAIT_SECONDS, gone, observed);
        steps.step("helm delete iter8", "the operator is gone");
        Helm.uninstall("iter8")
                .withNamespace("default")
                .withKubeConfig(local.kubeconfig())
                .call();
        steps.await(WAIT_SECONDS, () -> !deployed("default", "iter8"), "no Deployment iter8");
    }

    boolean deployed(String version) {
        return deployed(namespace, version);
    }

    private boolean deployed(String in, String name) {
        return client.apps().deployments().inNamespace(in).withName(name).get() != null;
    }

    private boolean available(String name) {
        var deployment = client.apps()
                .deployments()
                .inNamespace("default")
                .withName(name)
                .get();
        return deployment != null
                && deployment.getStatus() != null
                && Objects.requireNonNullElse(deployment.getStatus().getAvailableReplicas(), 0) > 0;
    }

    /** True once the release called Ready is about its newest spec. */
    boolean ready() {
        GenericKubernetesResource release = object("weir.dev/v1alpha1", "Release", "httpbin");
        if (release == null
                || !Objects.equals(
                        release.get("status", "observedGeneration"),
                        Math.toIntExact(release.getMetadata().getGeneration()))) {
            return false;
        }
        return "True".equals(release.get("status", "conditions", 0, "status"));
    }

    /** An object in the release's namespace; null if there is none. */
    @Nullable
    GenericKubernetesResource object(String apiVersion, String kind, String name) {
        return client.genericKubernetesResources(apiVersion, kind)
                .inNamespace(namespace)
                .withName(name)
                .get();
    }

    /**
     * Sends requests from the sleep pod; each must be answered 200 by the version.
     *
     * @param request what curl is called with
     */
    void requests(int count, String request, String version) {
        steps.step(
                "kubectl exec deploy/sleep -- curl " + request + " -s -D -   # " + count + " times",
                "200 from " + version + ", every time");
        String output = exec(
                "sh",
                "-c",
                "for i in $(seq " + count + "); do curl " + request
                        + " -s -D - -o /dev/null | tr -d '\\r' | grep -e"
                        + " '^HTTP' -e app-version | paste -s -d ' ' -; done");
        long good = Arrays.stream(output.split("\n"))
                .filter(("HTTP/1.1 200 OK app-version: " + version)::equals)
                .count();
        steps.check(good == count, good + " of " + count);
    }

    private String exec(String... command) {
        String pod = client.pods()
                .inNamespace("default")
                .withLabel("app", "sleep")
                .list()
                .getItems()
                .getFirst()
                .getMetadata()
                .getName();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExecWatch watch = client.pods()
                .inNamespace("default")
                .withName(pod)
                .writingOutput(out)
                .writingError(out)
                .exec(command)) {
            watch.exitCode().get(EXEC_SECONDS, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException failure) {
            return "exec failed: " + failure;
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /**
     * How many requests a version's pods have logged.
     *
     * @param path of the requests
     */
    long received(String version, String path) {
        return client.pods().inNamespace(namespace).withLabel("app", version).list().getItems().stream()
                .flatMap(pod -> client.pods().resource(pod).getLog().lines())
                .filter(line -> line.contains("GET " + path + " "))
                .count();
    }

    /** The status of a request through a gateway; 0 if it cannot be reached or does not answer within seconds. */
    static int outside(URI gateway, String host, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(gateway.resolve("/get"))
                .header("Host", host)
                .timeout(LONGEST_ANSWER);
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            return USER.send(request.build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException unreachable) {
            return 0;
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    /** Where a Gateway of Gateway API listens, as local mode lists it; empty until it does. */
    Optional<URI> gateway(String gateway) {
        try (Stream<String> lines = Files.lines(folder.resolve(LocalMode.GATEWAYS))) {
            return lines.map(line -> line.split(" "))
                    .filter(words -> words[0].equals(namespace + "/" + gateway) && words.length > 1)
                    .map(words -> URI.create(words[1]))
                    .findFirst();
        } catch (IOException notYet) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        client.close();
        local.close();
    }
}
