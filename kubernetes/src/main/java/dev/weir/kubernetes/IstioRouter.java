package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Match;
import dev.weir.engine.MirrorPercent;
import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import dev.weir.model.IstioMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A plan as a VirtualService that answers with the version's name in {@code app-version}. */
public final class IstioRouter implements TrafficRouter {
    private static final String MESH = "mesh";
    private static final String INGRESS = "istio-ingressgateway.istio-system.svc.cluster.local";
    private static final ObjectKind KIND =
            new ObjectKind("networking.istio.io", "v1beta1", "VirtualService", "virtualservices");
    private static final ObjectKind GATEWAY = new ObjectKind("networking.istio.io", "v1beta1", "Gateway", "gateways");

    @Override
    public String name() {
        return "Istio";
    }

    @Override
    public ObjectKind kind() {
        return KIND;
    }

    @Override
    public ObjectNode render(TrafficPlan plan) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.put("apiVersion", KIND.apiVersion()).put("kind", KIND.kind());
        object.putObject("metadata").put("name", plan.name()).put("namespace", plan.namespace());
        ObjectNode spec = object.putObject("spec");
        ArrayNode gateways = spec.putArray("gateways");
        plan.gateways().forEach(gateways::add);
        gateways.add(MESH);
        plan.hosts().forEach(spec.putArray("hosts")::add);
        ArrayNode http = spec.putArray("http");
        plan.rules().forEach(rule -> http.add(rule(plan, rule)));
        return object;
    }

    @Override
    public ObjectKind gateway() {
        return GATEWAY;
    }

    /** A VirtualService's status says nothing by default. */
    @Override
    public List<Attached> attached(JsonNode object) {
        return List.of();
    }

    /** The name leads to the ingress gateway. */
    @Override
    public ObjectNode entrance(String service, int port) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", "ExternalName")
                .put("externalName", INGRESS)
                .put("sessionAffinity", "None");
    }

    private static ObjectNode rule(TrafficPlan plan, TrafficPlan.Rule rule) {
        ObjectNode http = JsonNodeFactory.instance.objectNode();
        // an entry of several is named by what it leads to
        boolean only = plan.rules().size() == 1;
        http.put("name", only ? plan.name() : rule.backends().getFirst().service());
        rule.matches().forEach(match -> http.withArray("match").add(IstioMatch.render(match)));
        ArrayNode routes = http.putArray("route");
        List<Integer> weights = Weights.of(rule.backends());
        for (int i = 0; i < weights.size(); i++) {
            TrafficPlan.Backend backend = rule.backends().get(i);
            ObjectNode route = routes.addObject();
            route.set("destination", destination(plan, backend.service(), backend.port()));
            if (rule.backends().size() > 1) {
                route.put("weight", weights.get(i));
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
        destination.put("host", service + suffix(plan.namespace()));
        destination.putObject("port").put("number", port);
        return destination;
    }

    private static String suffix(String namespace) {
        return "." + namespace + ".svc.cluster.local";
    }

    @Override
    public Optional<TrafficPlan> read(JsonNode object, int port) {
        JsonNode metadata = object.path("metadata");
        String namespace = metadata.path("namespace").asText();
        JsonNode spec = object.path("spec");
        List<String> gateways = new ArrayList<>();
        spec.path("gateways").forEach(gateway -> gateways.add(gateway.asText()));
        if (!gateways.remove(MESH)) {
            return Optional.empty();
        }
        List<String> hosts = new ArrayList<>();
        spec.path("hosts").forEach(host -> hosts.add(host.asText()));
        try {
            List<TrafficPlan.Rule> rules = new ArrayList<>();
            spec.path("http").forEach(http -> rules.add(readRule(http, suffix(namespace))));
            TrafficPlan plan = new TrafficPlan(metadata.path("name").asText(), namespace, port, hosts, gateways, rules);
            // whatever the object says beyond the plan would be lost by rendering it
            return SameJson.test(render(plan).path("spec"), spec) ? Optional.of(plan) : Optional.empty();
        } catch (IllegalArgumentException notOfAPlan) {
            return Optional.empty();
        }
    }

    private static TrafficPlan.Rule readRule(JsonNode http, String suffix) {
        List<Match> matches = new ArrayList<>();
        http.path("match").forEach(match -> matches.add(IstioMatch.read(match)));
        List<Integer> weights = new ArrayList<>();
        http.path("route").forEach(route -> weights.add(route.path("weight").asInt()));
        List<Share> shares = weights.size() == 1 ? List.of(Share.ALL) : Weights.read(weights);
        List<TrafficPlan.Backend> backends = new ArrayList<>();
        for (int i = 0; i < shares.size(); i++) {
            JsonNode destination = http.path("route").path(i).path("destination");
            backends.add(new TrafficPlan.Backend(service(destination, suffix), port(destination), shares.get(i)));
        }
        List<TrafficPlan.Mirror> mirrors = new ArrayList<>();
        if (http.has("mirror")) {
            mirrors.add(mirror(http.path("mirror"), http.path("mirrorPercentage"), suffix));
        }
        for (JsonNode mirror : http.path("mirrors")) {
            mirrors.add(mirror(mirror.path("destination"), mirror.path("percentage"), suffix));
        }
        return new TrafficPlan.Rule(matches, backends, mirrors);
    }

    private static TrafficPlan.Mirror mirror(JsonNode destination, JsonNode percentage, String suffix) {
        return new TrafficPlan.Mirror(
                service(destination, suffix),
                port(destination),
                new MirrorPercent(percentage.path("value").asInt()));
    }

    private static String service(JsonNode destination, String suffix) {
        String host = destination.path("host").asText();
        if (!host.endsWith(suffix)) {
            throw new IllegalArgumentException(host);
        }
        return host.substring(0, host.length() - suffix.length());
    }

    private static int port(JsonNode destination) {
        return destination.path("port").path("number").asInt();
    }
}
