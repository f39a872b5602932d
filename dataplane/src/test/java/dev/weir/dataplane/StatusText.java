package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Statuses of Gateway API's objects in a form that a person can read, for golden files. */
final class StatusText {
    private StatusText() {}

    static Map<String, Object> of(RouteTable table) {
        Map<String, Map<Integer, InetSocketAddress>> bound = new LinkedHashMap<>();
        for (GatewayPorts gateway : GatewayApiStatus.ports(table.gatewayApi())) {
            Map<Integer, InetSocketAddress> ports = new LinkedHashMap<>();
            gateway.ports().forEach(port -> ports.put(port, new InetSocketAddress("127.0.0.1", port)));
            bound.put(gateway.key(), ports);
        }
        Map<String, Object> all = new LinkedHashMap<>();
        for (ObjectStatus status : new GatewayApiStatus(table.gatewayApi(), bound).all()) {
            all.put(status.kind().kind() + " " + status.namespace() + "/" + status.name(), text(status.status()));
        }
        return all;
    }

    private static Object text(JsonNode status) {
        Map<String, Object> text = new LinkedHashMap<>();
        if (status.has("conditions")) {
            text.put("conditions", conditions(status));
        }
        for (JsonNode listener : status.path("listeners")) {
            String routes = ", " + listener.path("attachedRoutes").asInt() + " routes";
            text.put("listener " + listener.path("name").asText() + routes, conditions(listener));
        }
        int index = 0;
        for (JsonNode parent : status.path("parents")) {
            text.put("parent " + index++, conditions(parent));
        }
        return text;
    }

    private static List<String> conditions(JsonNode of) {
        List<String> texts = new ArrayList<>();
        for (JsonNode condition : of.path("conditions")) {
            String holds = condition.path("status").asText().equals("True") ? "" : "not ";
            String message = condition.path("message").asText();
            texts.add(holds + condition.path("type").asText() + ": "
                    + condition.path("reason").asText() + (message.isEmpty() ? "" : ", " + message));
        }
        return texts;
    }
}
