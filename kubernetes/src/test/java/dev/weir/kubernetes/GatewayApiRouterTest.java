package dev.weir.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Attachment;
import dev.weir.engine.Match;
import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import java.util.List;
import org.junit.jupiter.api.Test;

class GatewayApiRouterTest extends TrafficRouterContract {
    @Override
    TrafficRouter router() {
        return TrafficRouters.load().require("GatewayAPI");
    }

    private static TrafficPlan plan(Match match) {
        return new TrafficPlan(
                "httpbin",
                "test",
                80,
                List.of("httpbin.test", "httpbin.test.svc", "httpbin.test.svc.cluster.local"),
                List.of("edge/public"),
                List.of(rule(List.of(match), "httpbin-1"), rule(List.of(), "httpbin-0")));
    }

    private static TrafficPlan.Rule rule(List<Match> matches, String version) {
        return new TrafficPlan.Rule(matches, List.of(new TrafficPlan.Backend(version, 80, Share.ALL)), List.of());
    }

    @Test
    void rendersTheCanaryReleaseOfTheTutorial() throws Exception {
        assertThat(router().render(plan(Match.Http.header("traffic", "test"))))
                .isEqualTo(new ObjectMapper().readTree("""
                {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                 "metadata": {"name": "httpbin", "namespace": "test"},
                 "spec": {
                  "parentRefs": [
                   {"group": "", "kind": "Service", "name": "httpbin", "port": 80},
                   {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "edge"}],
                  "hostnames": ["httpbin.test", "httpbin.test.svc", "httpbin.test.svc.cluster.local"],
                  "rules": [
                   {"matches": [{
                     "path": {"type": "PathPrefix", "value": "/"},
                     "headers": [{"type": "Exact", "name": "traffic", "value": "test"}]}],
                    "backendRefs": [{"group": "", "kind": "Service", "name": "httpbin-1", "port": 80, "weight": 1,
                     "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {
                      "add": [{"name": "app-version", "value": "httpbin-1"}]}}]}]},
                   {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"group": "", "kind": "Service", "name": "httpbin-0", "port": 80, "weight": 1,
                     "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {
                      "add": [{"name": "app-version", "value": "httpbin-0"}]}}]}]}]}}"""));
    }

    /** What is said of the tutorial's route, of generation 2, where its status has these parents. */
    private List<TrafficRouter.Attached> said(String parents) throws Exception {
        ObjectNode route = router().render(plan(Match.Http.header("traffic", "test")));
        route.withObject("/metadata").put("generation", 2);
        route.putObject("status").set("parents", new ObjectMapper().readTree(parents));
        return router().attached(route);
    }

    private static String parent(
            String reference, String controller, int generation, String accepted, String resolved) {
        return """
                {"parentRef": %1$s, "controllerName": "%2$s", "conditions": [
                 {"type": "Accepted", "observedGeneration": %3$d, "status": "%4$s", "reason": "NotAllowed", "message": "no"},
                 {"type": "ResolvedRefs", "observedGeneration": %3$d, "status": "%5$s", "reason": "BackendNotFound",
                  "message": "httpbin-9"}]}""".formatted(reference, controller, generation, accepted, resolved);
    }

    private static TrafficRouter.Attached service(Attachment.Verdict verdict, String detail) {
        return new TrafficRouter.Attached("", new Attachment("Service httpbin", verdict, detail));
    }

    private static TrafficRouter.Attached gateway(Attachment.Verdict verdict, String detail) {
        return new TrafficRouter.Attached("edge/public", new Attachment("Gateway edge/public", verdict, detail));
    }

    @Test
    void tellsWhatControllersSay() throws Exception {
        String service = "{\"group\": \"\", \"kind\": \"Service\", \"name\": \"httpbin\", \"port\": 80}";
        String gateway = "{\"name\": \"public\", \"namespace\": \"edge\"}";
        assertThat(said("[]"))
                .containsExactly(service(Attachment.Verdict.SILENT, ""), gateway(Attachment.Verdict.SILENT, ""));
        assertThat(said("[" + parent(service, "mesh", 2, "True", "True") + ","
                        + parent(gateway, "edge", 2, "True", "False") + "]"))
                .containsExactly(
                        service(Attachment.Verdict.SERVED, ""),
                        gateway(Attachment.Verdict.REFUSED, "BackendNotFound, httpbin-9 (edge)"));
        assertThat(said("[" + parent(service, "mesh", 2, "False", "True") + "]").getFirst())
                .isEqualTo(service(Attachment.Verdict.REFUSED, "NotAllowed, no (mesh)"));
        // of two controllers one suffices; what is said of an earlier spec says nothing
        assertThat(said("[" + parent(service, "a", 2, "False", "True") + "," + parent(service, "b", 2, "True", "True")
                        + "," + parent(gateway, "edge", 1, "False", "True") + "]"))
                .containsExactly(service(Attachment.Verdict.SERVED, ""), gateway(Attachment.Verdict.SILENT, ""));
    }

    @Test
    void refusesWhatOnlyIstioKnows() {
        assertThatThrownBy(() -> router().render(plan(
                        new Match.Istio(JsonNodeFactory.instance.objectNode().put("ignoreUriCase", true)))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ignoreUriCase");
    }
}
