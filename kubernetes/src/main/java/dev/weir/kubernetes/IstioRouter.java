package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.TrafficPlan;

/** Renders a plan as a VirtualService that answers with the version's name in {@code app-version}. */
public final class IstioRouter implements TrafficRouter {
    @Override
    public String name() {
        return "Istio";
    }

    @Override
    public ObjectNode render(TrafficPlan plan) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.put("apiVersion", "networking.istio.io/v1beta1").put("kind", "VirtualService");
        object.putObject("metadata").put("name", plan.name()).put("namespace", plan.namespace());
        ObjectNode spec = object.putObject("spec");
        ArrayNode gateways = spec.putArray("gateways");
        plan.gateways().forEach(gateways::add);
        gateways.add("mesh");
        plan.hosts().forEach(spec.putArray("hosts")::add);
        ArrayNode http = spec.putArray("http");
        plan.rules().forEach(rule -> http.add(rule(plan, rule)));
        return object;
    }

    private static ObjectNode rule(TrafficPlan plan, TrafficPlan.Rule rule) {
        ObjectNode http = JsonNodeFactory.instance.objectNode();
        http.put("name", rule.name());
        ArrayNode routes = http.putArray("route");
        for (TrafficPlan.Backend backend : rule.backends()) {
            ObjectNode route = routes.addObject();
            route.set("destination", destination(plan, backend.service(), backend.port()));
            if (rule.backends().size() > 1) {
                route.put("weight", backend.share().basisPoints());
            }
            route.putObject("headers").putObject("response").putObject("add").put("app-version", backend.service());
        }
        if (rule.mirrors().size() == 1) {
            TrafficPlan.Mirror mirror = rule.mirrors().getFirst();
            http.set("mirror", destination(plan, mirror.service(), mirror.port()));
            http.putObject("mirrorPercentage").put("value", mirror.percent().percent());
        } else {
            for (TrafficPlan.Mirror mirror : rule.mirrors()) {
                ObjectNode one = http.withArray("mirrors").addObject();
                one.set("destination", destination(plan, mirror.service(), mirror.port()));
                one.putObject("percentage").put("value", mirror.percent().percent());
            }
        }
        return http;
    }

    private static ObjectNode destination(TrafficPlan plan, String service, int port) {
        ObjectNode destination = JsonNodeFactory.instance.objectNode();
        destination.put("host", service + "." + plan.namespace() + ".svc.cluster.local");
        destination.putObject("port").put("number", port);
        return destination;
    }
}
