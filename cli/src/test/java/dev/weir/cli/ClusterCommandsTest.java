package dev.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.weir.cli.cluster.LocalCluster;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** The commands that look at releases, on a release with a good primary and a candidate whose image is unknown. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ClusterCommandsTest {
    private static final String BROKEN = """
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: app, namespace: default}
            spec:
              strategy: Mirror
              versions:
              - {name: app-0, image: kennethreitz/httpbin}
              - {name: app-1, image: nowhere/unknown, mirrorPercent: 30}
            """;
    private static final String WHOLE = BROKEN.replace("nowhere/unknown", "kennethreitz/httpbin");

    @TempDir
    static Path folder;

    private static LocalMode local;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        local = LocalMode.start(LocalOptions.in(folder.resolve("local")));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
        client.resource(Serialization.unmarshal(BROKEN, GenericKubernetesResource.class))
                .create();
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
    }

    private static Weir.Result weir(String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        all.add("--kubeconfig=" + local.kubeconfig());
        return Weir.run(all.toArray(String[]::new));
    }

    /** Ages, times and what the cluster draws by lot, replaced. */
    private static String steady(String text) {
        return text.replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "TIME")
                .replaceAll("-[a-z0-9]{8,10}-[a-z0-9]{5}\\b", "-HASH")
                .replaceAll("\\b\\d+(s|m|m\\d+s)\\b", "AGE")
                .replaceAll("^\\d\\d:\\d\\d:\\d\\d", "TIME");
    }

    @Test
    @Order(1)
    void watchesUntilTheTimeoutAndSaysWithItsExitCodeThatItIsNotReady() {
        Weir.Result watched = weir("watch", "app", "--until-ready", "--timeout=8");
        assertThat(watched.exitCode()).isEqualTo(1);
        List<String> lines =
                watched.out().lines().map(ClusterCommandsTest::steady).toList();
        assertThat(lines.getLast())
                .isEqualTo("TIME default/app Reconciling CandidateNotReady | app-0 1/1 100 % | app-1 0/1 nothing");
        assertThat(lines).doesNotHaveDuplicates();
        assertThat(watched.out()).doesNotContain("\u001b");
    }

    @Test
    @Order(2)
    void lists() {
        assertThat(steady(weir("get").out())).isEqualTo("""
                        NAME   STRATEGY   PRIMARY   CANDIDATE   WEIGHT   STATE         REASON              AGE
                        app    Mirror     app-0     app-1       30       Reconciling   CandidateNotReady   AGE
                        """);
        assertThat(steady(weir("get", "-A", "-o", "wide").out())
                        .lines()
                        .toList()
                        .getLast())
                .startsWith("default")
                .contains("Istio    app-0     app-0 1/1, app-1 0/1")
                .endsWith("app-1 has no ready pod yet");
        assertThat(weir("get", "-o", "name").out()).isEqualTo("release.weir.dev/app\n");
        assertThat(weir("get", "app", "-o", "yaml").out())
                .startsWith("apiVersion: weir.dev/v1alpha1\nkind: Release\n")
                .doesNotContain("managedFields");
    }

    /** As with kubectl. */
    @Test
    @Order(2)
    void takesTheOptionsForTheClusterBeforeTheCommandToo() {
        String file = "--kubeconfig=" + local.kubeconfig();
        assertThat(Weir.run("-n", "default", file, "get", "-o", "name").out()).isEqualTo("release.weir.dev/app\n");
        Weir.Result elsewhere = Weir.run(file, "-n", "elsewhere", "get");
        assertThat(elsewhere.err()).startsWith("no releases in namespace elsewhere");
        assertThat(Weir.run(file, "-n", "elsewhere", "get", "-n", "default", "-o", "name")
                        .out())
                .as("what stands after it prevails")
                .isEqualTo("release.weir.dev/app\n");
        assertThat(Weir.run("--context=nowhere", "get", file).err()).contains("\"nowhere\" is not one of weir-local");
    }

    @Test
    @Order(2)
    void printsJsonThatPrograms() throws IOException {
        var list = new ObjectMapper().readTree(weir("get", "-o", "json").out());
        assertThat(list.at("/items/0/metadata/name").asText()).isEqualTo("app");
        assertThat(new ObjectMapper()
                        .readTree(weir("get", "app", "-o", "json").out())
                        .path("kind")
                        .asText())
                .isEqualTo("Release");
        var why = new ObjectMapper().readTree(weir("why", "app", "-o", "json").out());
        assertThat(why.path("state").asText()).isEqualTo("Reconciling");
        assertThat(why.at("/evidence/0/object").asText()).isEqualTo("Deployment/app-1");
    }

    @Test
    @Order(2)
    void saysWhyOnWhatEvidenceAndWhatUnblocks() {
        Weir.Result why = weir("why", "app");
        assertThat(why.exitCode()).isZero();
        assertThat(steady(why.out()).replaceAll(" +", " "))
                .startsWith("app in namespace default is not ready (CandidateNotReady) since TIME (AGE)\n"
                        + " app-1 has no ready pod yet\n")
                .contains("- app-1 gets no requests until it has a ready pod")
                .contains("- Deployment/app-1 .status.availableReplicas: 0; wanted: 1 (AGE)")
                .contains(
                        "- EndpointSlices of Service/app-1 .endpoints[].conditions.ready: none is true; wanted: at least")
                .containsPattern(
                        "Pod/app-1-HASH .status.containerStatuses\\[0].state.waiting: (ErrImagePull|ImagePull)")
                .contains("what unblocks it\n - ")
                .contains("a ready pod of app-1");
    }

    @Test
    @Order(2)
    void describes() {
        assertThat(steady(weir("describe", "app").out()))
                .contains("Name:        app\n", "Gateways:    none besides the mesh\n")
                .containsPattern("app-0 +\\S{10}  1/1 ready  Primary  100 %  kennethreitz/httpbin\n")
                .containsPattern("app-1 +\\S{10}  0/1 ready  Candidate  nothing  nowhere/unknown\n")
                .contains("VirtualService", "Conditions:", "Events:");
    }

    @Test
    @Order(3)
    void showsWhatTheOperatorWouldChangeAndChangesNothing() throws IOException {
        Path file = folder.resolve("release.yaml");
        Files.writeString(file, BROKEN);
        String version = release().getMetadata().getResourceVersion();
        Weir.Result same = weir("diff", file.toString());
        // the route follows once the candidate is ready, which it never is: that is a difference still to come
        assertThat(same.out()).doesNotContain("at once").contains("# release default/app, once every pod is ready");
        Files.writeString(file, WHOLE);
        Weir.Result changed = weir("diff", file.toString());
        assertThat(changed.exitCode()).isEqualTo(1);
        assertThat(changed.out())
                .contains("# release default/app, at once\n")
                .doesNotContain("ControllerRevision")
                .contains("--- Deployment/app-1\n+++ Deployment/app-1\n")
                .containsPattern("-\\s+image: nowhere/unknown\n\\+\\s+image: kennethreitz/httpbin\n")
                .contains("--- VirtualService/app\n+++ VirtualService/app\n")
                .containsPattern("\\+\\s+mirrorPercentage:\n\\+\\s+value: 30\n");
        assertThat(release().getMetadata().getResourceVersion()).isEqualTo(version);
        assertThat(release().<String>get("spec", "versions", 1, "image")).isEqualTo("nowhere/unknown");
    }

    private static GenericKubernetesResource release() {
        return client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace("default")
                .withName("app")
                .get();
    }

    @Test
    @Order(3)
    void showsWhatANewReleaseWouldMake() throws IOException {
        Path file = folder.resolve("new.yaml");
        Files.writeString(file, WHOLE.replace("app", "other"));
        Weir.Result made = weir("diff", file.toString());
        assertThat(made.exitCode()).isEqualTo(1);
        assertThat(made.out())
                .contains("--- /dev/null\n+++ Deployment/other-0\n", "+++ VirtualService/other\n")
                .doesNotContain("clusterIP", "uid:", "resourceVersion");
        assertThat(client.apps()
                        .deployments()
                        .inNamespace("default")
                        .withName("other-0")
                        .get())
                .isNull();
    }

    @Test
    @Order(4)
    void becomesReadyAndTellsItsHistory() throws IOException {
        GenericKubernetesResource wanted = Serialization.unmarshal(WHOLE, GenericKubernetesResource.class);
        client.resource(wanted).forceConflicts().serverSideApply();
        Weir.Result watched = weir("watch", "app", "--until-ready", "--timeout=60");
        assertThat(watched.exitCode()).as(watched.out()).isZero();
        assertThat(steady(weir("history", "app").out())).isEqualTo("""
                        REVISION   AGE             CHANGES
                        1          AGE             the oldest that is kept
                        2          AGE    current   versions[app-1].image: nowhere/unknown -> kennethreitz/httpbin
                        """);
        assertThat(weir("history", "app", "--revision=1").out()).contains("image: nowhere/unknown");
        assertThat(weir("history", "app", "--revision=7"))
                .isEqualTo(new Weir.Result(1, "", "weir: --revision: 7 is not one of 1, 2\n"));
        Path file = folder.resolve("ready.yaml");
        Files.writeString(file, WHOLE);
        assertThat(weir("diff", file.toString())).isEqualTo(new Weir.Result(0, "", ""));
        // what another applied would stay, as on the server
        client.resource(Serialization.unmarshal(
                        "apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: app}\n"
                                + "spec: {metadata: {labels: {team: shop}}}\n",
                        GenericKubernetesResource.class))
                .patch(new PatchContext.Builder()
                        .withPatchType(PatchType.SERVER_SIDE_APPLY)
                        .withFieldManager("another")
                        .build());
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(weir("diff", file.toString())).isEqualTo(new Weir.Result(0, "", "")));
        assertThat(weir("why", "app").out()).startsWith("app in namespace default is ready since ");
    }

    private static void apply(String yaml) {
        client.resource(Serialization.unmarshal(yaml, GenericKubernetesResource.class))
                .forceConflicts()
                .serverSideApply();
    }

    @Test
    @Order(5)
    void noticesThatAGatewayIsMissing() {
        String release = """
                apiVersion: weir.dev/v1alpha1
                kind: Release
                metadata: {name: front, namespace: default}
                spec:
                  router: GatewayAPI
                  service: {name: front, port: 80}
                  gateways: [public]
                  versions: [{name: front-0, image: kennethreitz/httpbin}]
                """;
        apply(release);
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(weir("get", "front").out()).contains("GatewayNotFound"));
        assertThat(weir("why", "front").out())
                .contains("there is no Gateway default/public", "make the Gateway, or name another in spec.gateways");
        assertThat(weir("describe", "front").out())
                .containsPattern("RouteAccepted +False +GatewayNotFound")
                .containsPattern("Warning +GatewayNotFound +there is no Gateway default/public");
        apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: Gateway
                metadata: {name: public, namespace: default}
                spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
                """);
        // whoever carries the traffic says that it does, which is heard at once
        assertThat(weir("watch", "front", "--until-ready", "--timeout=30").exitCode())
                .isZero();
        assertThat(weir("describe", "front").out()).containsPattern("RouteAccepted +True +Accepted");
        client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace("default")
                .withName("front")
                .delete();
    }

    /** Two readings of a page: what was counted between them is shown, and what nobody counts is not. */
    @Test
    @Order(5)
    void showsWhatVersionsDoToRequests() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        HttpServer page = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        page.createContext("/", exchange -> {
            byte[] text = page(asked.getAndIncrement() * 100).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(
                    "Bearer s3cret".equals(exchange.getRequestHeaders().getFirst("Authorization")) ? 200 : 401,
                    text.length);
            exchange.getResponseBody().write(text);
            exchange.close();
        });
        page.start();
        String url = "--stats=http://127.0.0.1:" + page.getAddress().getPort() + "/";
        Path token = Files.writeString(folder.resolve("token"), "s3cret\n");
        try {
            Weir.Result shown = weir("metrics", "app", url, "--window=1s", "--bearer-token-file=" + token);
            assertThat(shown.err()).isEmpty();
            assertThat(shown.out()
                            .replaceAll("\\d+\\.\\d/s", "RATE")
                            .replaceAll("in 1(\\.\\d)? s,", "in a second,")
                            .replaceAll(" {3,}", " | ")
                            .replace(url.replace("--stats=", ""), "URL"))
                    .isEqualTo("""
                            VERSION | ROLE | TRAFFIC | REQUESTS | RATE | ERRORS | ERROR RATE | P50 | P99
                            app-0 | Primary | 100 % | 100 | RATE | 25 | 25.00 % | 5.8 ms | 9.9 ms
                            app-1 | Candidate | copies of 30 % | - | - | - | - | - | -

                            in a second, by the statistics of istio at URL
                            """);
            var data = new ObjectMapper()
                    .readTree(weir("metrics", "app", url, "--total", "-o=json", "--bearer-token-file=" + token)
                            .out());
            assertThat(data.at("/versions/0/requests").asInt()).isEqualTo(300);
            assertThat(data.at("/versions/0/latencyMillis/p50").asDouble()).isBetween(5.83, 5.84);
            assertThat(data.at("/versions/1").has("requests")).isFalse();
            assertThat(data.at("/versions/0").has("requestsPerSecond")).isFalse();
            Weir.Result refused = weir("metrics", "app", url, "--total");
            assertThat(refused)
                    .isEqualTo(new Weir.Result(
                            1,
                            "",
                            "weir: the metrics cannot be read: " + url.replace("--stats=", "") + ": answered 401\n"));
        } finally {
            page.stop(0);
        }
        assertThat(weir("metrics", "app", "--total").out())
                .contains("app-0     Primary")
                .containsPattern(
                        "nothing is counted about these versions at http://127\\.0\\.0\\.1:\\d+/stats/prometheus\n");
        assertThat(weir("metrics", "app", url, "--prometheus=http://127.0.0.1:1")
                        .exitCode())
                .isEqualTo(2);
        assertThat(weir("metrics", "app", "--window=soon"))
                .isEqualTo(new Weir.Result(2, "", "weir: --window: \"soon\" is not a time like 30s, 5m or 1h\n"));
    }

    private static String page(int more) {
        String labels = "reporter=\"source\",destination_workload=\"app-0\",destination_workload_namespace=\"default\"";
        return """
                istio_requests_total{%1$s,response_code="200"} %2$d
                istio_requests_total{%1$s,response_code="503"} %3$d
                istio_request_duration_milliseconds_bucket{%1$s,le="5"} %4$d
                istio_request_duration_milliseconds_bucket{%1$s,le="10"} %5$d
                istio_request_duration_milliseconds_bucket{%1$s,le="+Inf"} %5$d
                """.formatted(labels, 75 + more * 3 / 4, 25 + more / 4, (100 + more) * 2 / 5, 100 + more);
    }

    @Test
    @Order(5)
    void aMisspeltFieldIsNoDifference() throws IOException {
        Path file = folder.resolve("misspelt.yaml");
        Files.writeString(file, WHOLE.replace("image:", "imag:"));
        Weir.Result refused = weir("diff", file.toString());
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.err()).contains(".spec.versions[name=\"app-0\"].imag: field not declared in schema");
        Files.writeString(file, WHOLE.replace("image:", "imag:").replace("app", "other"));
        assertThat(weir("diff", file.toString()).err()).contains("unknown field \"spec.versions[0].imag\"");
    }

    @Test
    @Order(5)
    void namesWhatIsMissing() {
        Weir.Result missing = weir("why", "nothing");
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err())
                .startsWith("weir: there is no release \"nothing\" in namespace default (context \"weir-local\"")
                .endsWith("; there are: app\n");
        Weir.Result some = weir("get", "nothing", "app", "-o", "name");
        assertThat(some.exitCode()).isEqualTo(1);
        assertThat(some.out()).isEqualTo("release.weir.dev/app\n");
        assertThat(some.err())
                .startsWith("weir: there is no release \"nothing\"")
                .hasLineCount(1);
        assertThat(weir("get", "nothing", "-o", "yaml").out()).isEmpty();
        Weir.Result context = weir("get", "--context=production");
        assertThat(context.exitCode()).isEqualTo(2);
        assertThat(context.err()).isEqualTo("weir: --context: \"production\" is not one of weir-local\n");
        assertThat(weir("get", "-n", "kube-system").err()).startsWith("no releases in namespace kube-system");
    }

    /** Whoever starts the operator by hand need not read its log for the reason. */
    @Test
    @Order(5)
    void theOperatorSaysWhyItDoesNotRun() throws IOException {
        Path file = folder.resolve("stranger");
        Files.writeString(
                file,
                Files.readString(local.kubeconfig())
                        .replaceAll("(?m)^ *client-(certificate|key)(-data)?: .*\\R", "")
                        .replaceAll("(?m)^( *)token: .*", "$1token: nobody"));
        Weir.Result refused = Weir.run("operator", "--yes", "--kubeconfig=" + file);
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.err()).startsWith("weir: the operator does not run: the cluster ");
    }

    /** kubectl finds the plugin by its name on PATH and hands its own environment over. */
    @Test
    @Order(5)
    void isAPluginOfKubectl() throws IOException, InterruptedException {
        Path plugin = Files.createDirectories(folder.resolve("bin")).resolve("kubectl-weir");
        Files.writeString(
                plugin,
                "#!/bin/sh\nexec '" + Path.of(System.getProperty("java.home"), "bin", "java")
                        + "' -XX:TieredStopAtLevel=1 -cp '" + System.getProperty("java.class.path")
                        + "' dev.weir.cli.Main \"$@\"\n");
        assertThat(plugin.toFile().setExecutable(true)).isTrue();
        ProcessBuilder kubectl = new ProcessBuilder("kubectl", "weir", "get", "-n", "default", "-o", "name")
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("kubectl.out").toFile());
        kubectl.environment().put("PATH", plugin.getParent() + ":" + System.getenv("PATH"));
        kubectl.environment().put("KUBECONFIG", local.kubeconfig().toString());
        Process process;
        try {
            process = kubectl.start();
        } catch (IOException absent) {
            assumeTrue(System.getenv("WEIR_REQUIRE_CLIENTS") != null, "kubectl is not on PATH");
            throw absent;
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(folder.resolve("kubectl.out"))).isEqualTo("release.weir.dev/app\n");
        assertThat(process.exitValue()).isZero();
    }

    @Test
    @Order(5)
    void knowsLocalModeAndAsksElsewhere() {
        assertThat(LocalCluster.isLocalMode(client)).isTrue();
        new Consent(false, null).require(client, "do something");
        Weir.Result version = weir("version", "-o", "json");
        assertThat(version.out()).contains("\"kubernetes\" : \"v1.34");
    }
}
