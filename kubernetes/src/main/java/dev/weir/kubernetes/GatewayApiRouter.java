package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Attachment;
import dev.weir.engine.Match;
import dev.weir.engine.MirrorPercent;
import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import dev.weir.model.HttpRouteMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A plan as an HTTPRoute on the application's Service, for clients in a mesh, and on Gateways.
 *
 * <p>Where several rules match a request, Gateway API prefers the more specific one and takes the order of the rules
 * only for equally specific ones. Everything that has a default is written out, so that what the API server shows can
 * be compared.
 */
public final class GatewayApiRouter implements TrafficRouter {
    private static final ObjectKind KIND = new ObjectKind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes");
    private static final ObjectKind GATEWAY = new ObjectKind("gateway.networking.k8s.io", "v1", "Gateway", "gateways");
    private static final String HEADER_FILTER = "ResponseHeaderModifier";
    private static final String MIRROR_FILTER = "RequestMirror";
    private static final int ALL_PERCENT = 100;

    @Override
    public String name() {
        return "GatewayAPI";
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
        ArrayNode parents = spec.putArray("parentRefs");
        reference(parents.addObject(), plan.name(), plan.port());
        for (String gateway : plan.gateways()) {
            int slash = gateway.indexOf('/');
            ObjectNode parent = parents.addObject();
            parent.put("group", KIND.group()).put("kind", "Gateway").put("name", gateway.substring(slash + 1));
            if (slash >= 0) {
                parent.put("namespace", gateway.substring(0, slash));
            }
        }
        plan.hosts().forEach(spec.putArray("hostnames")::add);
        ArrayNode rules = spec.putArray("rules");
        plan.rules().forEach(rule -> rule(rules.addObject(), rule));
        return object;
    }

    /** Routes attach to it; no pod carries its label, so that nothing is answered past the route. */
    @Override
    public ObjectNode entrance(String service, int port) {
        ObjectNode spec = JsonNodeFactory.instance.objectNode();
        spec.putObject("selector").put("app", service);
        spec.putArray("ports").addObject().put("port", port);
        return spec;
    }

    private static void rule(ObjectNode into, TrafficPlan.Rule rule) {
        ArrayNode matches = into.putArray("matches");
        for (Match match : rule.matches().isEmpty() ? List.of(Match.Http.ALWAYS) : rule.matches()) {
            matches.add(
                    switch (match) {
                        case Match.Http http -> HttpRouteMatch.render(http);
                        case Match.Istio _ ->
                            throw new IllegalArgumentException(
                                    "an HTTPRoute cannot say what only Istio knows: " + match);
                    });
        }
        if (!rule.mirrors().isEmpty()) {
            ArrayNode filters = into.putArray("filters");
            for (TrafficPlan.Mirror mirror : rule.mirrors()) {
                ObjectNode filter =
                        filters.addObject().put("type", MIRROR_FILTER).putObject("requestMirror");
                reference(filter.putObject("backendRef"), mirror.service(), mirror.port());
                // left out where it says nothing: old definitions do not know it
                if (mirror.percent().percent() < ALL_PERCENT) {
                    filter.put("percent", mirror.percent().percent());
                }
            }
        }
        ArrayNode backends = into.putArray("backendRefs");
        List<Integer> weights = rule.backends().size() == 1 ? List.of(1) : Weights.of(rule.backends());
        for (int i = 0; i < weights.size(); i++) {
            TrafficPlan.Backend backend = rule.backends().get(i);
            ObjectNode reference = reference(backends.addObject(), backend.service(), backend.port());
            reference.put("weight", weights.get(i));
            reference
                    .putArray("filters")
                    .addObject()
                    .put("type", HEADER_FILTER)
                    .putObject("responseHeaderModifier")
                    .putArray("add")
                    .addObject()
                    .put("name", "app-version")
                    .put("value", backend.service());
        }
    }

    private static ObjectNode reference(ObjectNode into, String service, int port) {
        return into.put("group", "").put("kind", "Service").put("name", service).put("port", port);
    }

    @Override
    public Optional<TrafficPlan> read(JsonNode object, int port) {
        JsonNode metadata = object.path("metadata");
        JsonNode spec = object.path("spec");
        List<String> gateways = new ArrayList<>();
        int servicePort = port;
        for (JsonNode parent : spec.path("parentRefs")) {
            String name = parent.path("name").asText();
            if (parent.path("kind").asText().equals("Service")) {
                servicePort = parent.path("port").asInt();
            } else {
                gateways.add(parent.has("namespace") ? parent.path("namespace").asText() + "/" + name : name);
            }
        }
        List<String> hosts = new ArrayList<>();
        spec.path("hostnames").forEach(host -> hosts.add(host.asText()));
        try {
            List<TrafficPlan.Rule> rules = new ArrayList<>();
            spec.path("rules").forEach(rule -> rules.add(readRule(rule)));
            TrafficPlan plan = new TrafficPlan(
                    metadata.path("name").asText(),
                    metadata.path("namespace").asText(),
                    servicePort,
                    hosts,
                    gateways,
                    rules);
            // whatever the object says beyond the plan would be lost by rendering it
            return SameJson.test(render(plan).path("spec"), spec) ? Optional.of(plan) : Optional.empty();
        } catch (IllegalArgumentException notOfAPlan) {
            return Optional.empty();
        }
    }

    @Override
    public ObjectKind gateway() {
        return GATEWAY;
    }

    @Override
    public List<Attached> attached(JsonNode object) {
        String namespace = object.path("metadata").path("namespace").asText();
        List<Attached> attached = new ArrayList<>();
        for (JsonNode parent : object.path("spec").path("parentRefs")) {
            String name = parent.path("name").asText();
            String full = parent.path("namespace").asText(namespace) + "/" + name;
            boolean gateway = !parent.path("kind").asText().equals("Service");
            String words = gateway ? "Gateway " + full : "Service " + name;
            attached.add(new Attached(gateway ? full : "", attachment(words, parent, object)));
        }
        return attached;
    }

    /** What the controllers say of one parent; one that accepts the route is believed before others. */
    private static Attachment attachment(String words, JsonNode parent, JsonNode route) {
        long generation = route.path("metadata").path("generation").asLong();
        Attachment said = new Attachment(words, Attachment.Verdict.SILENT, "");
        for (JsonNode status : route.path("status").path("parents")) {
            JsonNode accepted = condition(status, "Accepted");
            // what is said of an earlier spec says nothing of this one
            if (!same(parent, status.path("parentRef"), route)
                    || accepted.path("observedGeneration").asLong(generation) < generation) {
                continue;
            }
            JsonNode resolved = condition(status, "ResolvedRefs");
            JsonNode problem = isFalse(accepted) ? accepted : isFalse(resolved) ? resolved : null;
            if (problem == null && accepted.path("status").asText().equals("True")) {
                return new Attachment(words, Attachment.Verdict.SERVED, "");
            }
            if (problem != null) {
                said = new Attachment(
                        words,
                        Attachment.Verdict.REFUSED,
                        problem.path("reason").asText() + ", "
                                + problem.path("message").asText() + " ("
                                + status.path("controllerName").asText() + ")");
            }
        }
        return said;
    }

    private static boolean isFalse(JsonNode condition) {
        return condition.path("status").asText().equals("False");
    }

    private static JsonNode condition(JsonNode status, String type) {
        for (JsonNode condition : status.path("conditions")) {
            if (condition.path("type").asText().equals(type)) {
                return condition;
            }
        }
        return MissingNode.getInstance();
    }

    /** A status repeats the reference that it is about, with or without what goes without saying. */
    private static boolean same(JsonNode parent, JsonNode said, JsonNode route) {
        String namespace = route.path("metadata").path("namespace").asText();
        return parent.path("name").asText().equals(said.path("name").asText())
                && parent.path("kind").asText().equals(said.path("kind").asText("Gateway"))
                && parent.path("namespace")
                        .asText(namespace)
                        .equals(said.path("namespace").asText(namespace))
                && (!said.has("port")
                        || !parent.has("port")
                        || said.path("port").asInt() == parent.path("port").asInt());
    }

    private static TrafficPlan.Rule readRule(JsonNode rule) {
        List<Match> matches = new ArrayList<>();
        rule.path("matches").forEach(match -> matches.add(HttpRouteMatch.read(match)));
        List<TrafficPlan.Mirror> mirrors = new ArrayList<>();
        for (JsonNode filter : rule.path("filters")) {
            JsonNode mirror = filter.path("requestMirror");
            JsonNode reference = mirror.path("backendRef");
            mirrors.add(new TrafficPlan.Mirror(
                    reference.path("name").asText(),
                    reference.path("port").asInt(),
                    new MirrorPercent(mirror.path("percent").asInt(ALL_PERCENT))));
        }
        List<Integer> weights = new ArrayList<>();
        rule.path("backendRefs")
                .forEach(reference -> weights.add(reference.path("weight").asInt()));
        List<Share> shares = weights.size() == 1 ? List.of(Share.ALL) : Weights.read(weights);
        List<TrafficPlan.Backend> backends = new ArrayList<>();
        for (int i = 0; i < shares.size(); i++) {
            JsonNode reference = rule.path("backendRefs").path(i);
            backends.add(new TrafficPlan.Backend(
                    reference.path("name").asText(), reference.path("port").asInt(), shares.get(i)));
        }
        return new TrafficPlan.Rule(matches, backends, mirrors);
    }
}
