package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rules of requests that no recording shows. */
class RequestRulesTest {
    private static final String PODS = "/api/v1/namespaces/default/pods";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String SERVICES = "/api/v1/namespaces/default/services";

    private ApiServer server;
    private RawClient client;

    @BeforeEach
    void start() throws Exception {
        server = ApiServer.start(TestServers.options());
        client = new RawClient(server, TestServers.TOKEN);
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    private RawClient.Answer send(String method, String path, @Nullable String yaml) throws Exception {
        JsonNode body = yaml == null ? null : new YAMLMapper().readTree(yaml);
        return client.send(method, path, body, method.equals("PATCH") ? "application/merge-patch+json" : "", "");
    }

    private static String message(RawClient.Answer answer) {
        return answer.body().path("message").asText();
    }

    private void readyPod(String name) throws Exception {
        send(
                "POST",
                PODS,
                "{metadata: {name: " + name + ", labels: {app: web}}, spec: {nodeName: n, containers: [{name: a,"
                        + " image: i}, {name: b, image: i}]}}");
        send(
                "PATCH",
                PODS + "/" + name + "/status",
                "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}");
    }

    private RawClient.Answer evict(String pod) throws Exception {
        return send(
                "POST",
                PODS + "/" + pod + "/eviction",
                "{apiVersion: policy/v1, kind: Eviction, metadata: {name: " + pod
                        + "}, deleteOptions: {gracePeriodSeconds: 0}}");
    }

    @Test
    void evictionsKeepToTheBudget() throws Exception {
        readyPod("one");
        readyPod("two");
        String budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
        send("POST", budgets, "{metadata: {name: web}, spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}}");
        assertThat(evict("one").code()).isEqualTo(201);
        RawClient.Answer refused = evict("two");
        assertThat(refused.code()).isEqualTo(429);
        assertThat(message(refused)).isEqualTo("Cannot evict pod as it would violate the pod's disruption budget.");
        assertThat(refused.body().at("/details/causes/0/message").asText())
                .isEqualTo("The disruption budget web needs 1 healthy pods and has 1 currently");

        // once a controller keeps the status, the status counts
        send(
                "PATCH",
                budgets + "/web/status",
                "{status: {observedGeneration: 1, disruptionsAllowed: 1, desiredHealthy: 0, currentHealthy: 1}}");
        assertThat(evict("two").code()).isEqualTo(201);
        JsonNode spent = send("GET", budgets + "/web", null).body().path("status");
        assertThat(spent.path("disruptionsAllowed").asInt()).isZero();
        assertThat(spent.path("disruptedPods").has("two")).isTrue();
    }

    @Test
    void bindingReplacesWhatWasSaidOfScheduling() throws Exception {
        send("POST", PODS, "{metadata: {name: one}, spec: {containers: [{name: a, image: i}]}}");
        send(
                "PATCH",
                PODS + "/one/status",
                "{status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}}");
        String binding = "{apiVersion: v1, kind: Binding, metadata: {name: one}, target: {kind: Node, name: n}}";
        assertThat(send("POST", PODS + "/one/binding", binding).code()).isEqualTo(201);
        JsonNode pod = send("GET", PODS + "/one", null).body();
        assertThat(pod.at("/spec/nodeName").asText()).isEqualTo("n");
        assertThat(pod.at("/status/conditions")).hasSize(1);
        assertThat(pod.at("/status/conditions/0/status").asText()).isEqualTo("True");
        assertThat(pod.at("/status/conditions/0/reason").isMissingNode()).isTrue();

        RawClient.Answer again = send("POST", PODS + "/one/binding", binding);
        assertThat(again.code()).isEqualTo(409);
        assertThat(message(again)).endsWith("pod one is already assigned to node \"n\"");
    }

    @Test
    void logsOfSeveralContainersNeedAName() throws Exception {
        readyPod("one");
        RawClient.Answer refused = send("GET", PODS + "/one/log", null);
        assertThat(refused.code()).isEqualTo(400);
        assertThat(message(refused)).isEqualTo("a container name must be specified for pod one, choose one of: [a b]");
        assertThat(message(send("GET", PODS + "/one/log?container=c", null)))
                .isEqualTo("container c is not valid for pod one");
    }

    @Test
    void badDeleteOptionsAreRefused() throws Exception {
        send("POST", MAPS, "{metadata: {name: a}}");
        assertThat(send("DELETE", MAPS + "/a?gracePeriodSeconds=x", null).code())
                .isEqualTo(400);
        assertThat(send("DELETE", MAPS + "/a?propagationPolicy=Sideways", null).code())
                .isEqualTo(422);
        assertThat(send("GET", MAPS + "/a", null).code()).isEqualTo(200);
    }

    @Test
    void theFutureIsNotThereYet() throws Exception {
        for (String query : new String[] {
            "?resourceVersion=999999",
            "?resourceVersion=999999&watch=1",
            "?resourceVersion=999999&resourceVersionMatch=Exact"
        }) {
            RawClient.Answer refused = send("GET", MAPS + query, null);
            assertThat(refused.code()).as(query).isEqualTo(504);
            assertThat(message(refused)).startsWith("Timeout: Too large resource version: 999999, current: ");
            assertThat(refused.body().at("/details/causes/0/reason").asText()).isEqualTo("ResourceVersionTooLarge");
        }
    }

    @Test
    void expiredWatchesSaySo() throws Exception {
        String before =
                send("GET", MAPS, null).body().at("/metadata/resourceVersion").asText();
        send("POST", MAPS, "{metadata: {name: a}}");
        server.forgetHistory();
        JsonNode event = client.watch(MAPS + "?watch=1&timeoutSeconds=5&resourceVersion=" + before)
                .path(0);
        assertThat(event.path("type").asText()).isEqualTo("ERROR");
        assertThat(event.at("/object/code").asInt()).isEqualTo(410);
        assertThat(send("GET", MAPS + "?resourceVersionMatch=Exact&resourceVersion=" + before, null)
                        .code())
                .isEqualTo(410);
    }

    @Test
    void addressesAndPortsComeBack() throws Exception {
        String service =
                "{metadata: {name: %s}, spec: {type: NodePort, clusterIP: %s, ports: [{port: 80, nodePort: %d}]}}";
        RawClient.Answer first = send("POST", SERVICES, service.formatted("one", "10.96.7.7", 30_777));
        assertThat(first.code()).isEqualTo(201);
        RawClient.Answer taken = send("POST", SERVICES, service.formatted("two", "10.96.7.7", 30_777));
        assertThat(taken.code()).isEqualTo(422);
        assertThat(message(taken))
                .contains("10.96.7.7: provided IP is already allocated", "30777: provided port is already allocated");
        assertThat(message(send("POST", SERVICES, service.formatted("two", "10.1.2.3", 80))))
                .contains("is not in the valid range", "The range of valid ports is 30000-32767");
        send("DELETE", SERVICES + "/one", null);
        assertThat(send("POST", SERVICES, service.formatted("two", "10.96.7.7", 30_777))
                        .code())
                .isEqualTo(201);
        Set<String> addresses = new TreeSet<>();
        for (int i = 0; i < 5; i++) {
            addresses.add(send("POST", SERVICES, "{metadata: {name: s" + i + "}, spec: {ports: [{port: 80}]}}")
                    .body()
                    .at("/spec/clusterIP")
                    .asText());
        }
        assertThat(addresses).hasSize(5).doesNotContain("10.96.7.7");
    }

    @Test
    void quietWatchesAreToldHowFarTheyAre() throws Exception {
        String before =
                send("GET", MAPS, null).body().at("/metadata/resourceVersion").asText();
        send("POST", PODS, "{metadata: {name: p}, spec: {containers: [{name: a, image: i}]}}");
        String now =
                send("GET", MAPS, null).body().at("/metadata/resourceVersion").asText();
        JsonNode last = client.watch(
                        MAPS + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=" + before)
                .path(0);
        assertThat(last.path("type").asText()).isEqualTo("BOOKMARK");
        assertThat(last.at("/object/metadata/resourceVersion").asText()).isEqualTo(now);
    }
}
