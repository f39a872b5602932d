package dev.weir.apiserver.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ResourceType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** The cells of built-in kinds, after Kubernetes' internal printers. Pure. */
final class BuiltInCells {
    private final ObjectNode object;
    private final Instant now;
    private final ArrayNode cells = JsonNodeFactory.instance.arrayNode();

    private BuiltInCells(ObjectNode object, Instant now) {
        this.object = object;
        this.now = now;
    }

    static ArrayNode of(ResourceType type, ObjectNode object, JsonNode columns, Instant now) {
        BuiltInCells row = new BuiltInCells(object, now);
        row.cells.add(object.path("metadata").path("name").asText());
        row.fill(type);
        while (row.cells.size() < columns.size()) {
            row.cells.add(columns.get(row.cells.size()).path("name").asText().equals("Age") ? row.age() : "<none>");
        }
        return row.cells;
    }

    private void fill(ResourceType type) {
        switch (type.plural()) {
            case "pods" -> PodCells.add(object, cells, age(), now);
            case "deployments" -> deployment();
            case "replicasets", "replicationcontrollers" -> replicaSet();
            case "services" -> service();
            case "configmaps" -> cells.add(size("data") + size("binaryData")).add(age());
            case "secrets" ->
                cells.add(object.path("type").asText()).add(size("data")).add(age());
            case "serviceaccounts" -> cells.add(size("secrets")).add(age());
            case "namespaces" ->
                cells.add(object.path("status").path("phase").asText()).add(age());
            case "nodes" -> node();
            case "events" -> event();
            case "endpointslices" -> endpointSlice();
            case "endpoints" -> cells.add(endpoints()).add(age());
            case "leases" ->
                cells.add(object.path("spec").path("holderIdentity").asText()).add(age());
            case "controllerrevisions" ->
                cells.add(controller()).add(object.path("revision").asLong()).add(age());
            case "roles", "clusterroles", "customresourcedefinitions" -> cells.add(created());
            case "rolebindings", "clusterrolebindings" ->
                cells.add(object.path("roleRef").path("kind").asText() + "/"
                                + object.path("roleRef").path("name").asText())
                        .add(age())
                        .add(subjects("User"))
                        .add(subjects("Group"))
                        .add(subjects("ServiceAccount"));
            default -> ClusterCells.add(type, object, cells, age(), now);
        }
    }

    private int size(String field) {
        return object.path(field).size();
    }

    private String created() {
        return object.path("metadata").path("creationTimestamp").asText();
    }

    private String age() {
        return Ages.since(created(), now);
    }

    private String controller() {
        for (JsonNode owner : object.path("metadata").path("ownerReferences")) {
            if (owner.path("controller").asBoolean()) {
                String apiVersion = owner.path("apiVersion").asText();
                String group = apiVersion.contains("/") ? "." + apiVersion.substring(0, apiVersion.indexOf('/')) : "";
                return owner.path("kind").asText().toLowerCase(java.util.Locale.ROOT) + group + "/"
                        + owner.path("name").asText();
            }
        }
        return "<none>";
    }

    private String subjects(String kind) {
        List<String> names = new ArrayList<>();
        object.path("subjects").forEach(subject -> {
            if (subject.path("kind").asText().equals(kind)) {
                String namespace = subject.path("namespace").asText("");
                names.add((namespace.isEmpty() ? "" : namespace + "/")
                        + subject.path("name").asText());
            }
        });
        return String.join(", ", names);
    }

    private static String orNone(String text) {
        return text.isEmpty() ? "<none>" : text;
    }

    private void deployment() {
        JsonNode status = object.path("status");
        cells.add(status.path("readyReplicas").asInt() + "/"
                + object.path("spec").path("replicas").asInt());
        cells.add(status.path("updatedReplicas").asInt());
        cells.add(status.path("availableReplicas").asInt());
        cells.add(age());
        containers();
    }

    private void replicaSet() {
        JsonNode status = object.path("status");
        cells.add(object.path("spec").path("replicas").asInt());
        cells.add(status.path("replicas").asInt());
        cells.add(status.path("readyReplicas").asInt());
        cells.add(age());
        containers();
    }

    private void containers() {
        JsonNode containers = object.path("spec").path("template").path("spec").path("containers");
        cells.add(join(containers, "name")).add(join(containers, "image"));
        JsonNode selector = object.path("spec").path("selector");
        cells.add(labels(selector.has("matchLabels") ? selector.path("matchLabels") : selector));
    }

    private static String join(JsonNode list, String field) {
        return StreamSupport.stream(list.spliterator(), false)
                .map(item -> item.path(field).asText())
                .collect(Collectors.joining(","));
    }

    private static String labels(JsonNode labels) {
        return orNone(labels.properties().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue().asText())
                .sorted()
                .collect(Collectors.joining(",")));
    }

    private void service() {
        JsonNode spec = object.path("spec");
        String type = spec.path("type").asText();
        cells.add(type);
        cells.add(orNone(spec.path("clusterIP").asText("")));
        cells.add(external(type, spec));
        List<String> ports = new ArrayList<>();
        spec.path("ports").forEach(port -> {
            String node = port.path("nodePort").asInt() == 0
                    ? ""
                    : ":" + port.path("nodePort").asInt();
            ports.add(port.path("port").asInt() + node + "/"
                    + port.path("protocol").asText());
        });
        cells.add(orNone(String.join(",", ports)));
        cells.add(age());
        cells.add(labels(spec.path("selector")));
    }

    private String external(String type, JsonNode spec) {
        List<String> addresses = new ArrayList<>();
        object.path("status")
                .path("loadBalancer")
                .path("ingress")
                .forEach(ingress -> addresses.add(
                        ingress.path("ip").asText(ingress.path("hostname").asText())));
        spec.path("externalIPs").forEach(ip -> addresses.add(ip.asText()));
        return switch (type) {
            case "ExternalName" -> spec.path("externalName").asText();
            case "LoadBalancer" -> addresses.isEmpty() ? "<pending>" : String.join(",", addresses);
            default -> orNone(String.join(",", addresses));
        };
    }

    private void node() {
        JsonNode status = object.path("status");
        String ready = "Unknown";
        for (JsonNode condition : status.path("conditions")) {
            if (condition.path("type").asText().equals("Ready")) {
                ready = condition.path("status").asText().equals("True") ? "Ready" : "NotReady";
            }
        }
        if (object.path("spec").path("unschedulable").asBoolean()) {
            ready += ",SchedulingDisabled";
        }
        JsonNode info = status.path("nodeInfo");
        cells.add(ready)
                .add(orNone(roles()))
                .add(age())
                .add(info.path("kubeletVersion").asText());
        cells.add(address("InternalIP")).add(address("ExternalIP"));
        for (String field : List.of("osImage", "kernelVersion", "containerRuntimeVersion")) {
            String text = info.path(field).asText("");
            cells.add(text.isEmpty() ? "<unknown>" : text);
        }
    }

    private String roles() {
        String prefix = "node-role.kubernetes.io/";
        return object.path("metadata").path("labels").properties().stream()
                .filter(label -> label.getKey().startsWith(prefix))
                .map(label -> label.getKey().substring(prefix.length()))
                .sorted()
                .collect(Collectors.joining(","));
    }

    private String address(String type) {
        for (JsonNode address : object.path("status").path("addresses")) {
            if (address.path("type").asText().equals(type)) {
                return address.path("address").asText();
            }
        }
        return "<none>";
    }

    private void event() {
        JsonNode involved = object.path("involvedObject");
        String last =
                object.path("lastTimestamp").asText(object.path("eventTime").asText(""));
        String first =
                object.path("firstTimestamp").asText(object.path("eventTime").asText(""));
        String name = cells.remove(0).asText();
        cells.add(Ages.since(last, now));
        cells.add(object.path("type").asText()).add(object.path("reason").asText());
        cells.add(involved.path("kind").asText().toLowerCase(java.util.Locale.ROOT) + "/"
                + involved.path("name").asText());
        cells.add(involved.path("fieldPath").asText(""));
        cells.add(object.path("source")
                .path("component")
                .asText(object.path("reportingComponent").asText("")));
        cells.add(object.path("message").asText().strip());
        cells.add(Ages.since(first, now));
        cells.add(Math.max(1, object.path("count").asInt()));
        cells.add(name);
    }

    private void endpointSlice() {
        cells.add(object.path("addressType").asText());
        List<String> ports = new ArrayList<>();
        object.path("ports").forEach(port -> ports.add(port.path("port").asText("*")));
        cells.add(ports.isEmpty() ? "<unset>" : String.join(",", ports));
        List<String> addresses = new ArrayList<>();
        object.path("endpoints")
                .forEach(endpoint -> endpoint.path("addresses").forEach(address -> addresses.add(address.asText())));
        cells.add(addresses.isEmpty() ? "<unset>" : String.join(",", addresses)).add(age());
    }

    private String endpoints() {
        List<String> all = new ArrayList<>();
        for (JsonNode subset : object.path("subsets")) {
            for (JsonNode address : subset.path("addresses")) {
                for (JsonNode port : subset.path("ports")) {
                    all.add(address.path("ip").asText() + ":"
                            + port.path("port").asInt());
                }
            }
        }
        return orNone(String.join(",", all));
    }
}
