package dev.weir.e2e;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.marcnuri.helm.Helm;
import dev.weir.e2e.ContinuousClient.Habit;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients in the mesh that never stop see no error while a release goes through every strategy and both routers, and
 * while its operator is killed at each of these changes.
 */
class CanaryClientsTest {
    private static final Duration LONG = Duration.ofSeconds(90);
    private static final int MORE = 30;
    private static final long PACED = TimeUnit.MILLISECONDS.toNanos(5);
    private static final PatchContext APPLY = new PatchContext.Builder()
            .withPatchType(PatchType.SERVER_SIDE_APPLY)
            .withFieldManager("user")
            .withForce(true)
            .build();

    @TempDir
    static Path folder;

    private final List<ContinuousClient> clients = new ArrayList<>();

    /**
     * What the release says.
     *
     * @param tag of the primary's image
     * @param candidate a version's further fields; empty for no candidate
     */
    private record Wish(String router, String strategy, String tag, String candidate) {
        GenericKubernetesResource release() {
            String second = candidate.isEmpty()
                    ? ""
                    : "  - {name: podinfo-1, image: 'stefanprodan/podinfo:6.0.1', port: 9898, " + candidate + "}\n";
            return Serialization.unmarshal(
                    """
                    apiVersion: weir.dev/v1alpha1
                    kind: Release
                    metadata: {name: podinfo, namespace: default}
                    spec:
                      router: %s
                      strategy: %s
                      versions:
                      - {name: podinfo-0, image: 'stefanprodan/podinfo:%s', port: 9898}
                    %s""".formatted(router, strategy, tag, second), GenericKubernetesResource.class);
        }
    }

    private static String traffic(String value) {
        return "matches: [{headers: [{name: traffic, value: " + value + "}]}]";
    }

    @Test
    void noChangeOfARunningReleaseIsSeenByItsClients() throws IOException {
        try (LocalMode local = LocalMode.start(LocalOptions.in(folder).withOperatorInside(false));
                KubernetesClient client = new KubernetesClientBuilder()
                        .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                        .build();
                AccessLogs logs = new AccessLogs(client, "default", folder.resolve("pods"))) {
            install(local);
            change(client, new Wish("GatewayAPI", "Canary", "6.0.0", ""));
            clients(sidecar(client));
            for (Wish wish : List.of(
                    new Wish("GatewayAPI", "Canary", "6.0.0", traffic("test")),
                    new Wish("GatewayAPI", "Canary", "6.0.0", traffic("beta")),
                    new Wish("GatewayAPI", "Canary", "6.0.1", ""),
                    new Wish("GatewayAPI", "Mirror", "6.0.1", "mirrorPercent: 100"),
                    new Wish("GatewayAPI", "None", "6.0.1", ""),
                    new Wish("Istio", "Canary", "6.0.1", traffic("test")),
                    new Wish("GatewayAPI", "Canary", "6.0.1", traffic("test")),
                    new Wish("GatewayAPI", "BlueGreen", "6.0.1", "share: 0"))) {
                client.resource(wish.release()).patch(APPLY);
                client.pods().withLabel("app", "iter8").withGracePeriod(0).delete();
                await(wish.toString()).atMost(LONG).until(() -> ready(client));
                goOn();
                if (wish.strategy().equals("None")) {
                    assertEquals(List.of("podinfo-0"), backends(client), "a plain route to the primary is kept");
                }
            }
            Helm.uninstall("iter8")
                    .withNamespace("default")
                    .withKubeConfig(local.kubeconfig())
                    .call();
            await().atMost(LONG)
                    .until(() -> client.pods()
                            .withLabel("app", "iter8")
                            .list()
                            .getItems()
                            .isEmpty());
            goOn();
            install(local);
            change(client, new Wish("GatewayAPI", "Canary", "6.0.0", traffic("test")));
            goOn();
            clients.forEach(ContinuousClient::close);
            noErrorsAndEqualCounts(logs);
        } finally {
            clients.forEach(ContinuousClient::close);
        }
    }

    private static void install(LocalMode local) {
        Helm.install(local.chartRepository() + "/controller-0.1.0.tgz")
                .withName("iter8")
                .withNamespace("default")
                .withKubeConfig(local.kubeconfig())
                .call();
    }

    private static void change(KubernetesClient client, Wish wish) {
        client.resource(wish.release()).patch(APPLY);
        await(wish.toString()).atMost(LONG).until(() -> ready(client));
    }

    /** True if the Ready condition speaks of the newest spec and holds. */
    private static boolean ready(KubernetesClient client) {
        GenericKubernetesResource release = client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .withName("podinfo")
                .get();
        return release.get("status", "observedGeneration") instanceof Number observed
                && observed.longValue() == release.getMetadata().getGeneration()
                && release.get("status", "conditions", 0) instanceof Map<?, ?> condition
                && "Ready".equals(condition.get("type"))
                && "True".equals(condition.get("status"));
    }

    /** Of all rules of the release's HTTPRoute, in order. */
    private static List<String> backends(KubernetesClient client) {
        GenericKubernetesResource route = client.genericKubernetesResources("gateway.networking.k8s.io/v1", "HTTPRoute")
                .withName("podinfo")
                .get();
        JsonNode spec =
                new ObjectMapper().valueToTree(route.getAdditionalProperties().get("spec"));
        List<String> names = new ArrayList<>();
        spec.path("rules")
                .forEach(rule -> rule.path("backendRefs")
                        .forEach(backend -> names.add(backend.path("name").asText())));
        return names;
    }

    private static InetSocketAddress sidecar(KubernetesClient client) throws IOException {
        try (InputStream in = CanaryClientsTest.class.getResourceAsStream("/demo/canary/sleep.yaml")) {
            client.load(in).create();
        }
        client.apps().deployments().withName("sleep").waitUntilReady(60, TimeUnit.SECONDS);
        String pod = client.pods()
                .withLabel("app", "sleep")
                .list()
                .getItems()
                .getFirst()
                .getMetadata()
                .getName();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExecWatch exec = client.pods().withName(pod).writingOutput(out).exec("sh", "-c", "echo $http_proxy")) {
            assertEquals(0, exec.exitCode().orTimeout(60, TimeUnit.SECONDS).join());
        }
        URI proxy = URI.create(out.toString(StandardCharsets.UTF_8).strip());
        return new InetSocketAddress(proxy.getHost(), proxy.getPort());
    }

    private void clients(InetSocketAddress sidecar) {
        for (Habit habit : List.of(
                new Habit("fast-get", "", true, 0, "/version", ""),
                new Habit("new-get", "", false, PACED, "/version", ""),
                new Habit("paced-post", "x".repeat(2000), true, PACED, "/status/200", ""),
                new Habit("tester", "", true, PACED, "/version", "traffic: test"))) {
            clients.add(new ContinuousClient(habit, sidecar, "podinfo.default"));
        }
    }

    /** Every client sends some further requests. */
    private void goOn() {
        List<Long> before = clients.stream().map(CanaryClientsTest::sent).toList();
        await().atMost(LONG).until(() -> {
            for (int i = 0; i < clients.size(); i++) {
                if (sent(clients.get(i)) < before.get(i) + MORE) {
                    return false;
                }
            }
            return true;
        });
    }

    private static long sent(ContinuousClient client) {
        return client.answers().values().stream()
                .mapToLong(count -> count.get())
                .sum();
    }

    private void noErrorsAndEqualCounts(AccessLogs logs) {
        assertAll(clients.stream().map(client -> () -> {
            assertEquals(List.of(), client.failures(), client.name());
            assertEquals(
                    client.answered("podinfo-0"),
                    logs.count("podinfo-0", client.name()),
                    client.name() + " at the primary's pods");
            if (client.name().equals("tester")) {
                assertEquals(
                        Set.of("200 podinfo-0", "200 podinfo-1"),
                        client.answers().keySet());
                assertTrue(logs.count("podinfo-1", "tester") >= client.answered("podinfo-1"), "copies come on top");
            } else {
                assertEquals(Set.of("200 podinfo-0"), client.answers().keySet(), client.name());
            }
        }));
    }
}
