package dev.weir.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.weir.apiserver.rest.ApiRequest;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The operator on a real API server, with the controllers' part played by the test. */
class OperatorTest {
    private static final String ISTIO = "/virtualservices.yaml";
    private static final String ONE = "strategy: Mirror\nversions: [{name: app-0, image: a}]";
    private static final String TWO =
            "strategy: Mirror\nversions: [{name: app-0, image: a}, {name: app-1, image: b, mirrorPercent: 50}]";

    /** Releases, and all that they own but endpoint slices. */
    private static final int OTHER_KINDS = 6;

    private volatile Consumer<ApiRequest> beforeOperator = _ -> {};
    private final Cluster cluster = new Cluster(request -> beforeOperator.accept(request));
    private Operator operator = cluster.operator();

    @AfterEach
    void stop() {
        operator.close();
        cluster.close();
    }

    private static void eventually(Callable<Boolean> condition) {
        await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(20))
                .until(condition);
    }

    private static @Nullable Object field(@Nullable GenericKubernetesResource object, Object... path) {
        return object == null ? null : object.get(path);
    }

    private void reason(String wanted) {
        eventually(() -> cluster.reason().equals(wanted));
    }

    private void up(String... versions) {
        for (String version : versions) {
            eventually(() -> cluster.exists(version));
            cluster.ready(version, 1);
        }
    }

    private void settled() {
        cluster.install(ISTIO);
        cluster.release(TWO);
        up("app-0", "app-1");
        reason("Ready");
        assertThat(cluster.mirrored()).isEqualTo(50);
    }

    @Test
    void routesOnceThePrimaryIsReadyAndMirrorsOnceTheCandidateIs() {
        cluster.install(ISTIO);
        cluster.release(TWO);
        reason("PrimaryNotReady");
        assertThat(cluster.route("app")).isNull();
        up("app-0");
        reason("CandidateNotReady");
        eventually(() -> cluster.route("app") != null);
        assertThat(cluster.mirrored()).isNull();
        up("app-1");
        reason("Ready");
        assertThat(cluster.mirrored()).isEqualTo(50);
        assertThat(field(cluster.route("app"), "spec", "http", 0, "route", 0, "weight"))
                .as("a lone destination has no weight")
                .isNull();
    }

    @Test
    void saysWhatTheServerRefusesAndGoesOnOnceItIsMended() {
        cluster.release(ONE);
        up("app-0");
        reason("Refused");
        assertThat(cluster.message())
                .isEqualTo("VirtualService/app: the cluster has no such kind (networking.istio.io/v1beta1);"
                        + " it is looked for again");
        assertThat(String.valueOf(cluster.get("weir.dev/v1alpha1", "Release", "app")))
                .contains("VirtualService/app");
        cluster.install(ISTIO);
        // any event will do; nothing has to be restarted
        cluster.release(ONE + "\nmetadata: {labels: {a: b}}");
        reason("Ready");
    }

    @Test
    void namesAFieldOfTheRouteThatTheServerDoesNotKnow() {
        cluster.install(ISTIO);
        cluster.release("""
                strategy: Canary
                versions:
                - {name: app-0, image: a}
                - {name: app-1, image: a, matches: [{istio: {headers: {x: {exact: y}}, nonsense: {exact: b}}}]}""");
        up("app-0", "app-1");
        reason("Refused");
        assertThat(String.valueOf(cluster.get("weir.dev/v1alpha1", "Release", "app")))
                .contains(".spec.http[0].match[0].nonsense: field not declared in schema");
    }

    @Test
    void namesAFieldOfATemplateThatIsOfAnotherType() {
        cluster.install(ISTIO);
        cluster.release("strategy: None\nversions: [{name: app-0, template: {spec: {replicas: x}}},"
                + " {name: app-1, template: {spec: {paused: y}}}]");
        reason("Refused");
        assertThat(cluster.message())
                .contains("Deployment/app-0", ".spec.replicas: expected numeric")
                .as("every refusal, so that one mending suffices")
                .contains("Deployment/app-1", ".spec.paused: expected boolean");
    }

    @Test
    void takesNothingOverUnlessToldSo() {
        cluster.install(ISTIO);
        cluster.apply("apiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec: {ports: [{port: 81}]}");
        cluster.release(ONE);
        reason("NotOwned");
        assertThat(cluster.exists("app-0")).isFalse();
        cluster.release(ONE + "\nadopt: true");
        up("app-0");
        reason("Ready");
        assertThat(field(cluster.get("v1", "Service", "app"), "spec", "type")).isEqualTo("ExternalName");
    }

    @Test
    void aCopiedLabelMakesNothingItsOwn() {
        cluster.apply("apiVersion: v1\nkind: Service\n"
                + "metadata: {name: app, labels: {weir.dev/release: app}}\nspec: {ports: [{port: 81}]}");
        cluster.install(ISTIO);
        cluster.release(ONE);
        reason("NotOwned");
        cluster.user().services().inNamespace("default").withName("app").delete();
        cluster.release(TWO);
        up("app-0", "app-1");
        reason("Ready");
        cluster.apply("apiVersion: v1\nkind: ConfigMap\n"
                + "metadata: {name: mine, labels: {weir.dev/release: app, weir.dev/version: app-9}}");
        cluster.apply("apiVersion: v1\nkind: Service\n"
                + "metadata: {name: mine, labels: {weir.dev/release: app, weir.dev/version: app-9}}\n"
                + "spec: {ports: [{port: 81}]}");
        cluster.release(ONE);
        eventually(() -> cluster.get("v1", "Service", "app-1") == null);
        reason("Ready");
        assertThat(cluster.get("v1", "Service", "mine")).isNotNull();
        assertThat(cluster.get("v1", "ConfigMap", "mine")).isNotNull();
    }

    @Test
    void trafficFollowsReadinessWhileTheSpecCannotBeCarriedOut() {
        String shared = "strategy: BlueGreen\nversions: [{name: app-0, image: a}, {name: app-1, image: b%s}%s]";
        cluster.install(ISTIO);
        cluster.release(shared.formatted("", ""));
        up("app-0", "app-1");
        reason("Ready");
        cluster.apply("apiVersion: v1\nkind: Service\nmetadata: {name: taken}\nspec: {ports: [{port: 81}]}");

        cluster.release(
                shared.formatted(", matches: [{headers: [{name: a, type: RegularExpression, value: '(('}]}]", ""));
        reason("InvalidSpec");
        assertThat(destinations()).isEqualTo(2);
        cluster.ready("app-1", 0);
        eventually(() -> destinations() == 1);
        deleteRoute();
        eventually(() -> destinations() == 1);
        assertThat(cluster.reason()).isEqualTo("InvalidSpec");

        cluster.release(shared.formatted("", ", {name: taken, image: c}"));
        reason("NotOwned");
        cluster.ready("app-1", 1);
        eventually(() -> destinations() == 2);
        assertThat(cluster.reason()).isEqualTo("NotOwned");

        cluster.release(shared.formatted("", ", {name: app-2, template: {spec: {replicas: x}}}"));
        reason("Refused");
        cluster.ready("app-1", 0);
        eventually(() -> destinations() == 1);
        deleteRoute();
        eventually(() -> destinations() == 1);
        assertThat(cluster.reason()).isEqualTo("Refused");
    }

    @Test
    void trafficFollowsReadinessWhileTheRouteIsRefused() {
        String canary = "strategy: Canary\nversions: [{name: app-0, image: a}, {name: app-1, image: b},"
                + " {name: app-2, image: c, matches: [{istio: {headers: {x: {exact: y}}%s}}]}]";
        cluster.install(ISTIO);
        cluster.release(canary.formatted(""));
        up("app-0", "app-1", "app-2");
        reason("Ready");
        assertThat(rules()).isEqualTo(3);
        cluster.release(canary.formatted(", nonsense: {exact: b}"));
        reason("Refused");
        cluster.ready("app-1", 0);
        eventually(() -> rules() == 2);
        assertThat(cluster.reason()).isEqualTo("Refused");
        cluster.ready("app-1", 1);
        eventually(() -> rules() == 3);
    }

    private int rules() {
        GenericKubernetesResource route = cluster.route("app");
        return route == null ? 0 : ((List<?>) Objects.requireNonNull(route.get("spec", "http"))).size();
    }

    @Test
    void takesNothingFromAnotherReleaseEvenIfToldSo() {
        cluster.install(ISTIO);
        cluster.release(ONE);
        up("app-0");
        reason("Ready");
        cluster.apply("apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: thief}\nspec: {adopt: true,"
                + " service: {name: app}, versions: [{name: other-0, image: a}]}");
        eventually(() -> String.valueOf(cluster.get("weir.dev/v1alpha1", "Release", "thief"))
                .contains("Service/app of Release/app, VirtualService/app of Release/app"));
        assertThat(cluster.exists("other-0")).isFalse();
        assertThat(cluster.reason()).isEqualTo("Ready");
    }

    private void deleteRoute() {
        cluster.user()
                .genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace("default")
                .withName("app")
                .delete();
    }

    /** How many versions share the requests. */
    private int destinations() {
        GenericKubernetesResource route = cluster.route("app");
        return route == null ? 0 : ((List<?>) Objects.requireNonNull(route.get("spec", "http", 0, "route"))).size();
    }

    @Test
    void theRouteStaysOnItsGatewayUntilTheNewOneExists() {
        cluster.install(ISTIO);
        cluster.install("/gateways.yaml");
        cluster.apply("apiVersion: networking.istio.io/v1beta1\nkind: Gateway\nmetadata: {name: public}\nspec: {}");
        cluster.release(ONE + "\ngateways: [public]");
        up("app-0");
        reason("Ready");
        cluster.release(ONE + "\ngateways: [pubilc]");
        reason("GatewayNotFound");
        assertThat(field(cluster.route("app"), "spec", "gateways")).isEqualTo(List.of("pubilc", "public", "mesh"));
        cluster.apply("apiVersion: networking.istio.io/v1beta1\nkind: Gateway\nmetadata: {name: pubilc}\nspec: {}");
        // gateways are not watched; any event will do
        cluster.release(ONE + "\ngateways: [pubilc]\nmetadata: {labels: {a: b}}");
        reason("Ready");
        assertThat(field(cluster.route("app"), "spec", "gateways")).isEqualTo(List.of("pubilc", "mesh"));
    }

    @Test
    void aChangedLabelIsPutBack() {
        settled();
        cluster.user().services().inNamespace("default").withName("app-1").edit(service -> {
            service.getMetadata().getLabels().put("weir.dev/release", "other");
            return service;
        });
        eventually(() -> "app".equals(label("app-1")));
    }

    private @Nullable String label(String service) {
        return cluster.user()
                .services()
                .inNamespace("default")
                .withName(service)
                .get()
                .getMetadata()
                .getLabels()
                .get("weir.dev/release");
    }

    @Test
    void restoresAnEditedAndADeletedRoute() {
        settled();
        var route = cluster.user()
                .genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace("default")
                .withName("app");
        for (String edit : List.of(
                "[{\"op\":\"replace\",\"path\":\"/spec/http/0/mirrorPercentage/value\",\"value\":99}]",
                "[{\"op\":\"add\",\"path\":\"/spec/http/0/timeout\",\"value\":\"1s\"}]",
                "[{\"op\":\"remove\",\"path\":\"/spec/hosts/0\"}]")) {
            long before = route.get().getMetadata().getGeneration();
            route.patch(PatchContext.of(PatchType.JSON), edit);
            await(edit)
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> route.get().getMetadata().getGeneration() >= before + 2);
            reason("Ready");
            assertThat(cluster.mirrored()).isEqualTo(50);
            assertThat(field(route.get(), "spec", "http", 0, "timeout")).isNull();
        }
        route.delete();
        eventually(() -> cluster.route("app") != null);
    }

    @Test
    void theAnnotationOverridesUntilTheSpecsWeightChanges() {
        settled();
        cluster.user()
                .configMaps()
                .inNamespace("default")
                .withName("app-1-weight-config")
                .edit(config -> {
                    config.getMetadata().getAnnotations().put("iter8.tools/weight", "20");
                    return config;
                });
        eventually(() -> Integer.valueOf(20).equals(cluster.mirrored()));
        cluster.release(TWO + "\nmetadata: {labels: {other: change}}");
        reason("Ready");
        assertThat(cluster.mirrored())
                .as("another change of the spec leaves it")
                .isEqualTo(20);
        cluster.release(TWO.replace("50", "60"));
        eventually(() -> Integer.valueOf(60).equals(cluster.mirrored()));
    }

    @Test
    void prunesWhatItMadeUnderAnotherNameOrStrategy() {
        settled();
        cluster.release(TWO + "\nservice: {name: shop}");
        reason("Ready");
        eventually(() -> cluster.route("app") == null && cluster.get("v1", "Service", "app") == null);
        assertThat(cluster.route("shop")).isNotNull();
        cluster.release(TWO.replace("Mirror", "None"));
        reason("Ready");
        eventually(() -> cluster.get("v1", "ConfigMap", "app-1-weight-config") == null);
        eventually(() -> cluster.route("shop") == null);
        assertThat(cluster.route("app"))
                .as("without a strategy clients still reach the primary")
                .isNotNull();
        assertThat(cluster.mirrored()).isNull();
    }

    @Test
    void promotionRetiresTheCandidate() {
        settled();
        cluster.release(ONE);
        reason("Ready");
        eventually(() -> cluster.get("apps/v1", "Deployment", "app-1") == null
                && cluster.get("v1", "Service", "app-1") == null
                && cluster.get("v1", "ConfigMap", "app-1-weight-config") == null);
        assertThat(cluster.mirrored()).isNull();
    }

    @Test
    void runsAVersionThatSomebodyElseDeployed() {
        cluster.install(ISTIO);
        cluster.release("strategy: Mirror\nversions: [{name: app-0, workloadRef: {name: legacy}}]");
        reason("PrimaryNotReady");
        cluster.apply("""
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: legacy}
                spec:
                  selector: {matchLabels: {run: legacy}}
                  template:
                    metadata: {labels: {run: legacy}}
                    spec: {containers: [{name: c, image: a}]}
                """);
        cluster.release(
                "strategy: Mirror\nmetadata: {labels: {a: b}}\nversions: [{name: app-0, workloadRef: {name: legacy}}]");
        eventually(() -> cluster.get("v1", "Service", "app-0") != null);
        assertThat(field(cluster.get("v1", "Service", "app-0"), "spec", "selector"))
                .isEqualTo(Map.of("run", "legacy"));
        assertThat(cluster.get("apps/v1", "Deployment", "app-0")).isNull();
    }

    @Test
    void aSpecThatMakesNoSenseChangesNothingAndIsExplained() {
        settled();
        // the definition's own rules cannot see the release's name
        cluster.release("strategy: Mirror\nversions: [{name: app, image: a}]");
        reason("InvalidSpec");
        assertThat(String.valueOf(cluster.get("weir.dev/v1alpha1", "Release", "app")))
                .contains("is the name of the application's service");
        assertThat(cluster.exists("app-0")).isTrue();
        assertThat(cluster.mirrored()).isEqualTo(50);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "strategy: Sideways | spec.strategy: Unsupported value: \"Sideways\": supported values: \"None\", \"Mirror\"",
                "router: Nginx | spec.router: Unsupported value: \"Nginx\": supported values: \"Istio\"",
                "versions: [{name: a, image: b}, {name: c, image: d, mirrorPercent: 150}] | spec.versions[1].mirrorPercent: Invalid value: 150: spec.versions[1].mirrorPercent in body should be less than or equal to 100",
                "versions: [{name: a, image: b, mirrorPercent: half}] | spec.versions[0].mirrorPercent: Invalid value: \"string\"",
                "versions: [{name: a, image: b}, {name: a, image: c}] | spec.versions[1]: Duplicate value",
                "versions: [{name: a}] | exactly one of image, template and workloadRef is required",
                "versions: [{name: a, image: b, workloadRef: {name: c}}] | exactly one of image, template and workloadRef",
                "versions: [] | spec.versions: Invalid value: 0: spec.versions in body should have at least 1 items",
                "service: {name: a} | the name of a version must differ from the name of the application's service",
                "service: {port: 70000} | spec.service.port: Invalid value: 70000",
            })
    void theServerRefusesBadSpecs(String change, String message) {
        cluster.install(ISTIO);
        String base = change.startsWith("versions") ? "strategy: Mirror\n" : "versions: [{name: a, image: b}]\n";
        assertThatThrownBy(() -> cluster.createRelease(base + change)).hasMessageContaining(message);
        assertThat(cluster.get("weir.dev/v1alpha1", "Release", "app")).isNull();
    }

    @Test
    void decidesNothingBeforeItsCachesAreComplete() throws InterruptedException {
        settled();
        operator.close();
        CountDownLatch mayList = new CountDownLatch(1);
        AtomicBoolean listed = new AtomicBoolean();
        Set<String> others = ConcurrentHashMap.newKeySet();
        Queue<String> early = new ConcurrentLinkedQueue<>();
        beforeOperator = request -> {
            if (request.path().endsWith("/endpointslices") && !listed.get()) {
                await().atMost(Duration.ofSeconds(20)).until(() -> mayList.getCount() == 0);
                listed.set(true);
            } else if (request.method().equals("GET")) {
                others.add(request.path());
            } else if (!listed.get()) {
                early.add(request.method() + " " + request.path());
            }
        };
        Thread starting = Thread.ofVirtual().start(() -> operator = cluster.operator());
        // a change that would make it act at once, if it believed that there are no endpoints
        cluster.release(TWO.replace("50", "60"));
        eventually(() -> others.size() >= OTHER_KINDS);
        mayList.countDown();
        starting.join();
        eventually(() -> Integer.valueOf(60).equals(cluster.mirrored()));
        assertThat(early).isEmpty();
    }

    @Test
    void tellsOnlyWhatChanges() {
        settled();
        eventually(() -> reasons().contains("Ready"));
        List<String> before = reasons();
        for (int i = 0; i < 5; i++) {
            cluster.release(TWO + "\nmetadata: {labels: {change: \"" + i + "\"}}");
            reason("Ready");
        }
        assertThat(reasons()).isEqualTo(before);
    }

    private List<String> reasons() {
        return cluster.user().v1().events().inNamespace("default").list().getItems().stream()
                .filter(event -> event.getInvolvedObject().getKind().equals("Release"))
                .map(Event::getReason)
                .sorted()
                .toList();
    }
}
