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
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "mirror",
        description = "The mirrored release: a candidate gets copies of the requests, users see the primary only.",
        mixinStandardHelpOptions = true)
final class MirrorDemo implements Callable<Integer> {
    private static final int WAIT_SECONDS = 60;
    private static final int EXEC_SECONDS = 60;
    /** Bounds of a fair half of {@link #HALVED} draws, at an error rate below one in a million. */
    private static final int HALVED = 400;

    private static final int LEAST_HALF = 152;
    private static final int MOST_HALF = 248;
    private static final String PRIMARY_ROUTE = "httpbin-0.default.svc.cluster.local";

    @Option(names = "--keep", description = "Leave local mode up and say how to use it.")
    private boolean keep;

    @Option(names = "--data-dir", description = "Where local mode keeps its files; a temporary folder by default.")
    private @Nullable Path dataDir;

    private final DemoSteps steps = new DemoSteps(System.out);

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path folder = dataDir == null ? Files.createTempDirectory("weir-demo-") : dataDir;
        LocalOptions options = LocalOptions.in(folder).withOperatorInside(false);
        try (LocalMode local = LocalMode.start(options);
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                        .build()) {
            play(local, client, folder);
            boolean held = steps.summary();
            if (keep) {
                System.out.println(
                        "\nlocal mode stays up until you press Ctrl-C; in another shell:\n  export KUBECONFIG="
                                + local.kubeconfig() + "\n  helm --repo " + local.chartRepository() + " …");
                CountDownLatch forever = new CountDownLatch(1);
                Runtime.getRuntime().addShutdownHook(new Thread(forever::countDown));
                forever.await();
            }
            return held ? 0 : 1;
        } finally {
            if (dataDir == null && !keep) {
                DemoSteps.delete(folder);
            }
        }
    }

    private void play(LocalMode local, KubernetesClient client, Path folder) throws IOException {
        steps.step("helm install iter8 controller --repo " + local.chartRepository(), "the operator runs");
        Helm.install(local.chartRepository() + "/controller-0.1.0.tgz")
                .withName("iter8")
                .withNamespace("default")
                .withKubeConfig(local.kubeconfig())
                .call();
        steps.await(WAIT_SECONDS, () -> available(client, "iter8"), "deployment iter8 is available");

        release(local, folder, "one version", "all requests to the only version", "100", false, false);
        steps.await(
                WAIT_SECONDS,
                () -> PRIMARY_ROUTE.equals(route(client, "route", 0, "destination", "host")),
                "the VirtualService sends everything to httpbin-0");

        steps.step("kubectl apply -f examples/mirror/sleep.yaml", "a pod to send requests from");
        try (InputStream in = MirrorDemo.class.getResourceAsStream("/demo/sleep.yaml")) {
            client.load(Objects.requireNonNull(in)).inNamespace("default").create();
        }
        steps.await(WAIT_SECONDS, () -> available(client, "sleep"), "deployment sleep is available");
        requests(client, 20);
        steps.promise("each request arrives once");
        steps.check(
                received(client, "httpbin-0") == 20, "httpbin-0 logged " + received(client, "httpbin-0") + " of 20");

        steps.step("curl -H 'Host: httpbin.default' " + local.gateway(), "404 from outside without a gateway");
        steps.check(outside(local.gateway()) == 404, "status " + outside(local.gateway()));
        steps.step("kubectl apply -f examples/mirror/gateway.yaml", "a gateway to be named by the release");
        try (InputStream in = MirrorDemo.class.getResourceAsStream("/demo/gateway.yaml")) {
            client.load(Objects.requireNonNull(in)).inNamespace("default").create();
        }
        release(local, folder, "gateway: my-gateway", "200 from outside with a gateway", "100", false, true);
        steps.await(WAIT_SECONDS, () -> outside(local.gateway()) == 200, "status 200 through the gateway");
        candidate(local, client, folder);
        promote(local, client, folder);
    }

    private void candidate(LocalMode local, KubernetesClient client, Path folder) throws IOException {
        release(local, folder, "a candidate, weight: 100", "copies once the candidate is ready", "100", true, true);
        steps.await(
                WAIT_SECONDS,
                () -> "100".equals(route(client, "mirrorPercentage", "value")),
                "the VirtualService mirrors 100 % to httpbin-1");
        requests(client, 50);
        steps.promise("a copy of every request");
        steps.await(
                WAIT_SECONDS,
                () -> received(client, "httpbin-1") == 50,
                "httpbin-1 logged a copy of each of 50 requests");

        release(local, folder, "the same candidate, weight: 50", "another percentage at once", "50", true, true);
        steps.await(
                WAIT_SECONDS,
                () -> "50".equals(route(client, "mirrorPercentage", "value")),
                "the VirtualService mirrors 50 %");
        requests(client, HALVED);
        steps.promise("a copy of half of the requests, give or take");
        steps.await(
                WAIT_SECONDS,
                () -> received(client, "httpbin-1") - 50 >= LEAST_HALF,
                "httpbin-1 logged at least " + LEAST_HALF + " of " + HALVED);
        long copies = received(client, "httpbin-1") - 50;
        steps.check(copies <= MOST_HALF, copies + " of " + HALVED + " mirrored, at most " + MOST_HALF + " expected");
    }

    private void promote(LocalMode local, KubernetesClient client, Path folder) throws IOException {
        release(local, folder, "the candidate promoted", "the candidate's objects go", "", false, true);
        steps.await(
                WAIT_SECONDS,
                () -> client.apps()
                                        .deployments()
                                        .inNamespace("default")
                                        .withName("httpbin-1")
                                        .get()
                                == null
                        && route(client, "mirror", "host") == null,
                "httpbin-1 and the mirror are gone");
        requests(client, 20);

        steps.step("helm delete httpbin", "everything of the release is gone");
        Helm.uninstall("httpbin")
                .withNamespace("default")
                .withKubeConfig(local.kubeconfig())
                .call();
        steps.await(
                WAIT_SECONDS,
                () -> client.apps()
                                        .deployments()
                                        .inNamespace("default")
                                        .withName("httpbin-0")
                                        .get()
                                == null
                        && virtualService(client) == null,
                "no Deployment, no VirtualService");
        steps.step("helm delete iter8", "the operator is gone");
        Helm.uninstall("iter8")
                .withNamespace("default")
                .withKubeConfig(local.kubeconfig())
                .call();
        steps.await(
                WAIT_SECONDS,
                () -> client.apps()
                                .deployments()
                                .inNamespace("default")
                                .withName("iter8")
                                .get()
                        == null,
                "no Deployment iter8");
    }

    private void release(
            LocalMode local,
            Path folder,
            String what,
            String promise,
            String weight,
            boolean candidate,
            boolean gateway)
            throws IOException {
        StringBuilder values = new StringBuilder("environment: deployment-istio\n");
        if (gateway) {
            values.append("gateway: my-gateway\n");
        }
        values.append("application:\n  strategy: mirror\n  versions:\n");
        values.append("  - metadata: {labels: {app.kubernetes.io/version: ").append(weight.isEmpty() ? "v1" : "v0");
        values.append("}}\n    image: kennethreitz/httpbin\n");
        if (candidate) {
            values.append("  - metadata: {labels: {app.kubernetes.io/version: v1}}\n    image: kennethreitz/httpbin\n");
            values.append("    weight: ").append(weight).append('\n');
        }
        Path file = folder.resolve("values.yaml");
        Files.writeString(file, values);
        steps.step(
                "helm upgrade --install httpbin --repo " + local.chartRepository() + " release -f -   # " + what,
                promise);
        Helm.upgrade(local.chartRepository() + "/release-0.1.0.tgz")
                .install()
                .withName("httpbin")
                .withNamespace("default")
                .withValuesFile(file)
                .withKubeConfig(local.kubeconfig())
                .call();
    }

    private static boolean available(KubernetesClient client, String name) {
        var deployment = client.apps()
                .deployments()
                .inNamespace("default")
                .withName(name)
                .get();
        return deployment != null
                && deployment.getStatus() != null
                && Objects.requireNonNullElse(deployment.getStatus().getAvailableReplicas(), 0) > 0;
    }

    private static @Nullable GenericKubernetesResource virtualService(KubernetesClient client) {
        return client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace("default")
                .withName("httpbin")
                .get();
    }

    private static @Nullable String route(KubernetesClient client, Object... path) {
        GenericKubernetesResource found = virtualService(client);
        if (found == null) {
            return null;
        }
        Object[] whole = new Object[path.length + 3];
        System.arraycopy(new Object[] {"spec", "http", 0}, 0, whole, 0, 3);
        System.arraycopy(path, 0, whole, 3, path.length);
        Object value = found.get(whole);
        return value == null ? null : value.toString();
    }

    /** Sends requests from the sleep pod; each must be answered 200 by the primary. */
    private void requests(KubernetesClient client, int count) {
        steps.step(
                "kubectl exec deploy/sleep -- curl httpbin.default/get -s -D -   # " + count + " times",
                "200 from httpbin-0, every time");
        String output = exec(
                client,
                "sh",
                "-c",
                "for i in $(seq " + count
                        + "); do curl httpbin.default/get -s -D - -o /dev/null | tr -d '\\r' | grep -e"
                        + " '^HTTP' -e app-version | paste -s -d ' ' -; done");
        long good = Arrays.stream(output.split("\n"))
                .filter("HTTP/1.1 200 OK app-version: httpbin-0"::equals)
                .count();
        steps.check(good == count, good + " of " + count);
    }

    private static String exec(KubernetesClient client, String... command) {
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

    /** How many requests a version's pods have logged. */
    private static long received(KubernetesClient client, String version) {
        return client.pods().inNamespace("default").withLabel("app", version).list().getItems().stream()
                .flatMap(pod -> client.pods().resource(pod).getLog().lines())
                .filter(line -> line.contains("GET /get "))
                .count();
    }

    private static int outside(URI gateway) {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(
                            HttpRequest.newBuilder(gateway.resolve("/get"))
                                    .header("Host", "httpbin.default")
                                    .build(),
                            HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException unreachable) {
            return 0;
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }
}
