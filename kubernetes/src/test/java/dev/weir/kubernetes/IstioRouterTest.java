package dev.weir.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.engine.Match;
import dev.weir.engine.MirrorPercent;
import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import dev.weir.model.IstioMatch;
import java.util.List;
import org.junit.jupiter.api.Test;

class IstioRouterTest extends TrafficRouterContract {
    @Override
    TrafficRouter router() {
        return TrafficRouters.load().require("Istio");
    }

    @Test
    void rendersTheMirroredReleaseOfTheTutorial() throws Exception {
        TrafficPlan plan = new TrafficPlan(
                "httpbin",
                "default",
                80,
                List.of("httpbin.default", "httpbin.default.svc", "httpbin.default.svc.cluster.local"),
                List.of("my-gateway"),
                List.of(new TrafficPlan.Rule(
                        List.of(),
                        List.of(new TrafficPlan.Backend("httpbin-0", 80, Share.ALL)),
                        List.of(new TrafficPlan.Mirror("httpbin-1", 80, new MirrorPercent(50))))));
        assertThat(TrafficRouters.load().require("Istio").render(plan)).isEqualTo(new ObjectMapper().readTree("""
                {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
                 "metadata": {"name": "httpbin", "namespace": "default"},
                 "spec": {
                  "gateways": ["my-gateway", "mesh"],
                  "hosts": ["httpbin.default", "httpbin.default.svc", "httpbin.default.svc.cluster.local"],
                  "http": [{
                   "name": "httpbin",
                   "route": [{
                    "destination": {"host": "httpbin-0.default.svc.cluster.local", "port": {"number": 80}},
                    "headers": {"response": {"add": {"app-version": "httpbin-0"}}}}],
                   "mirror": {"host": "httpbin-1.default.svc.cluster.local", "port": {"number": 80}},
                   "mirrorPercentage": {"value": 50}}]}}"""));
    }

    @Test
    void keepsWhatOnlyIstioKnows() throws Exception {
        Match match = IstioMatch.read(new ObjectMapper().readTree("""
                {"headers": {"cookie": {"prefix": "tester="}}, "ignoreUriCase": true}"""));
        assertThat(match).isInstanceOf(Match.Istio.class);
        TrafficPlan.Backend backend = new TrafficPlan.Backend("app-0", 80, Share.ALL);
        TrafficPlan plan = new TrafficPlan(
                "app",
                "ns",
                80,
                List.of("app.ns"),
                List.of(),
                List.of(new TrafficPlan.Rule(List.of(match), List.of(backend), List.of())));
        assertThat(router().read(router().render(plan), 80)).contains(plan);
    }

    @Test
    void anUnknownRouterIsAnError() {
        assertThatThrownBy(() -> TrafficRouters.load().require("Nginx"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Nginx")
                .hasMessageContaining("Istio");
    }
}
