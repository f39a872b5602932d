package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.sun.net.httpserver.HttpServer;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.MeshConfig;
import dev.weir.dataplane.MeshConfig.Kind;
import dev.weir.dataplane.ProxyListener;
import dev.weir.dataplane.Workload;
import dev.weir.engine.Match;
import dev.weir.engine.MirrorPercent;
import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.model.HttpRouteMatch;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every router's objects do to requests: {@code routers/plans.yaml} through the data plane. */
class RouterBehaviourTest {
    private static final YAMLMapper YAML = new YAMLMapper();
    private static final String HOST = "app.ns";
    private static final double ERROR_RATE = 1e-6;
    private static final List<String> VERSIONS = List.of("app-0", "app-1", "app-2");
    private static final Workload CLIENT = new Workload("ns", "client-1", "client", Map.of());
    private static final Workload INGRESS =
            new Workload("istio-system", "ingress-1", "ingress", Map.of("istio", "ingressgateway"));

    private static final Map<String, HttpServer> SERVERS = new TreeMap<>();
    private static final Map<String, AtomicInteger> RECEIVED = new ConcurrentHashMap<>();
    private static final InetSocketAddress LOOPBACK = new InetSocketAddress("127.0.0.1", 0);

    private static DataPlane dataPlane;
    private static ProxyListener mesh;
    /** By router: where requests from outside come in. */
    private static final Map<String, ProxyListener> EDGES = new TreeMap<>();

    @BeforeAll
    static void start() throws IOException {
        dataPlane = DataPlane.start();
        mesh = dataPlane.openSidecar(CLIENT, LOOPBACK);
        for (String version : VERSIONS) {
            HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            server.createContext("/", exchange -> {
                RECEIVED.get(version).incrementAndGet();
                exchange.getRequestBody().readAllBytes();
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            server.start();
            SERVERS.put(version, server);
        }
    }

    @AfterAll
    static void stop() {
        dataPlane.close();
        SERVERS.values().forEach(server -> server.stop(0));
    }

    static List<Arguments> cases() throws IOException {
        List<Arguments> cases = new ArrayList<>();
        try (InputStream in = RouterBehaviourTest.class.getResourceAsStream("/routers/plans.yaml")) {
            YAML.readTree(in).properties().forEach(entry -> {
                for (String router : List.of("Istio", "GatewayAPI")) {
                    cases.add(Arguments.of(router, entry.getKey(), entry.getValue()));
                }
            });
        }
        return cases;
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void requestsGoAsThePlanSays(String router, String name, JsonNode table) throws IOException {
        dataPlane.update(config(TrafficRouters.load().require(router), plan(table)));
        requests("mesh", mesh.address(), table.path("requests"));
        Workload gateway = router.equals("Istio")
                ? INGRESS
                : dataPlane.gateways().getFirst().workload();
        if (!EDGES.containsKey(router)) {
            EDGES.put(router, dataPlane.openGateway(gateway, LOOPBACK, 80));
        }
        requests("gateway", EDGES.get(router).address(), table.path("requests"));
    }

    private static TrafficPlan plan(JsonNode table) {
        List<TrafficPlan.Rule> rules = new ArrayList<>();
        for (JsonNode rule : table.path("rules")) {
            List<Match> matches = new ArrayList<>();
            rule.path("matches").forEach(match -> matches.add(HttpRouteMatch.read(match)));
            List<TrafficPlan.Backend> backends = new ArrayList<>();
            rule.path("backends")
                    .properties()
                    .forEach(one -> backends.add(new TrafficPlan.Backend(
                            one.getKey(), 80, new Share(one.getValue().asInt()))));
            List<TrafficPlan.Mirror> mirrors = new ArrayList<>();
            rule.path("mirrors")
                    .properties()
                    .forEach(one -> mirrors.add(new TrafficPlan.Mirror(
                            one.getKey(), 80, new MirrorPercent(one.getValue().asInt()))));
            rules.add(new TrafficPlan.Rule(matches, backends, mirrors));
        }
        return new TrafficPlan(
                "app", "ns", 80, List.of(HOST, "app.ns.svc", "app.ns.svc.cluster.local"), List.of("edge"), rules);
    }

    private static MeshConfig config(TrafficRouter router, TrafficPlan plan) throws IOException {
        Map<Kind, List<JsonNode>> objects = new EnumMap<>(Kind.class);
        ObjectNode entrance = object("{metadata: {name: app, namespace: ns}}");
        entrance.set("spec", router.entrance("app", 80));
        List<JsonNode> services = new ArrayList<>(List.of(entrance));
        List<JsonNode> slices = new ArrayList<>();
        for (String version : VERSIONS) {
            services.add(object("{metadata: {name: %s, namespace: ns}, spec: {ports: [{port: 80}]}}", version));
            slices.add(object(
                    """
                    {metadata: {name: %s, namespace: ns, labels: {kubernetes.io/service-name: %s}}, addressType: IPv4,
                     endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}], ports: [{name: '', port: %d}]}""", version, version, SERVERS.get(version).getAddress().getPort()));
        }
        objects.put(Kind.SERVICE, services);
        objects.put(Kind.ENDPOINT_SLICE, slices);
        objects.put(Kind.NAMESPACE, List.of(object("{metadata: {name: ns}}")));
        objects.put(Kind.ISTIO_GATEWAY, List.of(object("""
                        {metadata: {name: edge, namespace: ns}, spec: {selector: {istio: ingressgateway},
                         servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}}""")));
        objects.put(
                Kind.GATEWAY_CLASS,
                List.of(object("{metadata: {name: istio}, spec: {controllerName: istio.io/gateway-controller}}")));
        objects.put(Kind.GATEWAY, List.of(object("""
                        {metadata: {name: edge, namespace: ns}, spec: {gatewayClassName: istio,
                         listeners: [{name: http, protocol: HTTP, port: 80}]}}""")));
        objects.put(
                router.kind().kind().equals("HTTPRoute") ? Kind.HTTP_ROUTE : Kind.VIRTUAL_SERVICE,
                List.of(router.render(plan)));
        return new MeshConfig(objects, Map.of());
    }

    private static ObjectNode object(String yaml, Object... values) throws IOException {
        return (ObjectNode) YAML.readTree(yaml.formatted(values));
    }

    private static void requests(String where, InetSocketAddress proxy, JsonNode requests) throws IOException {
        for (JsonNode request : requests) {
            VERSIONS.forEach(version -> RECEIVED.put(version, new AtomicInteger()));
            int times = request.path("times").asInt(1);
            Map<String, Integer> answers = new TreeMap<>();
            try (RawConnection connection = new RawConnection(proxy)) {
                for (int i = 0; i < times; i++) {
                    RawConnection.Answer answer = connection.send(
                            HOST,
                            request.path("path").asText(),
                            request.path("method").asText().equals("POST") ? "body" : "",
                            request.path("header").asText());
                    assertThat(answer.status()).as("%s: %s", where, request).isEqualTo(200);
                    answers.merge(answer.version(), 1, Integer::sum);
                }
            }
            if (request.has("answers")) {
                assertThat(answers.keySet())
                        .as("%s: %s", where, request)
                        .containsExactly(request.path("answers").asText());
            }
            within(request.path("shares"), 10_000, times, version -> answers.getOrDefault(version, 0));
            await().pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(5))
                    .untilAsserted(() -> within(
                            request.path("copies"),
                            100,
                            times,
                            version -> RECEIVED.get(version).get()));
        }
    }

    /** Every count lies within the bounds of its share. */
    private static void within(
            JsonNode shares, double whole, int times, java.util.function.ToIntFunction<String> counted) {
        shares.properties().forEach(entry -> {
            double share = entry.getValue().asInt() / whole;
            BinomialDistribution draws = BinomialDistribution.of(times, share);
            assertThat(counted.applyAsInt(entry.getKey()))
                    .as("%s of %d with a share of %s", entry.getKey(), times, share)
                    .isBetween(
                            draws.inverseCumulativeProbability(ERROR_RATE / 2),
                            draws.inverseSurvivalProbability(ERROR_RATE / 2));
        });
    }
}
