package dev.weir.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
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

    @Test
    void refusesWhatOnlyIstioKnows() {
        assertThatThrownBy(() -> router().render(plan(
                        new Match.Istio(JsonNodeFactory.instance.objectNode().put("ignoreUriCase", true)))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ignoreUriCase");
    }
}
