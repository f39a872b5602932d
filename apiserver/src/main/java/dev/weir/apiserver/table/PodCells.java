package dev.weir.apiserver.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** A pod's row: one word that sums up the states of its containers, after printPod in Kubernetes' printers. */
final class PodCells {
    private final ObjectNode pod;
    private final JsonNode status;
    private String reason;
    private long restarts;
    private int ready;
    private Instant lastRestart = Instant.MIN;

    private PodCells(ObjectNode pod) {
        this.pod = pod;
        this.status = pod.path("status");
        String ofStatus = status.path("reason").asText("");
        this.reason = gated()
                ? "SchedulingGated"
                : ofStatus.isEmpty() ? status.path("phase").asText() : ofStatus;
    }

    static void add(ObjectNode pod, ArrayNode cells, String age, Instant now) {
        PodCells row = new PodCells(pod);
        row.sumUp();
        int total = pod.path("spec").path("containers").size() + sidecars(pod);
        String restarted = row.restarts != 0 && row.lastRestart.isAfter(Instant.MIN)
                ? row.restarts + " (" + Ages.since(row.lastRestart.toString(), now) + " ago)"
                : Long.toString(row.restarts);
        cells.add(row.ready + "/" + total).add(row.reason).add(restarted).add(age);
        String address = row.status.path("podIPs").path(0).path("ip").asText("");
        cells.add(orNone(address.isEmpty() ? row.status.path("podIP").asText("") : address));
        cells.add(orNone(pod.path("spec").path("nodeName").asText("")));
        cells.add(orNone(row.status.path("nominatedNodeName").asText("")));
        cells.add(row.gates());
    }

    private static String orNone(String text) {
        return text.isEmpty() ? "<none>" : text;
    }

    private static int sidecars(ObjectNode pod) {
        int sidecars = 0;
        for (JsonNode container : pod.path("spec").path("initContainers")) {
            sidecars += isSidecar(container) ? 1 : 0;
        }
        return sidecars;
    }

    private static boolean isSidecar(JsonNode container) {
        return container.path("restartPolicy").asText("").equals("Always");
    }

    private String gates() {
        JsonNode gates = pod.path("spec").path("readinessGates");
        int passed = 0;
        for (JsonNode gate : gates) {
            passed += condition(gate.path("conditionType").asText()) ? 1 : 0;
        }
        return gates.isEmpty() ? "<none>" : passed + "/" + gates.size();
    }

    private boolean gated() {
        for (JsonNode condition : status.path("conditions")) {
            if (condition.path("type").asText().equals("PodScheduled")
                    && condition.path("reason").asText().equals("SchedulingGated")) {
                return true;
            }
        }
        return false;
    }

    private boolean condition(String type) {
        for (JsonNode condition : status.path("conditions")) {
            if (condition.path("type").asText().equals(type)) {
                return condition.path("status").asText().equals("True");
            }
        }
        return false;
    }

    private void sumUp() {
        long ofSidecars = 0;
        for (JsonNode container : status.path("initContainerStatuses")) {
            ofSidecars +=
                    isSidecar(spec(container)) ? container.path("restartCount").asLong() : 0;
        }
        boolean initializing = initContainers();
        if (!initializing || condition("Initialized")) {
            restarts = ofSidecars;
            containers();
        }
        boolean deleted = pod.path("metadata").has("deletionTimestamp");
        String phase = status.path("phase").asText();
        if (deleted && status.path("reason").asText().equals("NodeLost")) {
            reason = "Unknown";
        } else if (deleted && !phase.equals("Succeeded") && !phase.equals("Failed")) {
            reason = "Terminating";
        }
    }

    private JsonNode spec(JsonNode containerStatus) {
        for (JsonNode container : pod.path("spec").path("initContainers")) {
            if (container.path("name").equals(containerStatus.path("name"))) {
                return container;
            }
        }
        return containerStatus;
    }

    /** True if the pod has not come past its init containers. */
    private boolean initContainers() {
        JsonNode all = status.path("initContainerStatuses");
        for (int i = 0; i < all.size(); i++) {
            JsonNode container = all.get(i);
            JsonNode state = container.path("state");
            count(container);
            if (state.has("terminated")
                    && state.path("terminated").path("exitCode").asInt() == 0) {
                continue;
            }
            if (isSidecar(spec(container)) && container.path("started").asBoolean()) {
                ready += container.path("ready").asBoolean() ? 1 : 0;
                continue;
            }
            String waiting = state.path("waiting").path("reason").asText("");
            if (state.has("terminated")) {
                reason = "Init:" + ended(state.path("terminated"));
            } else if (!waiting.isEmpty() && !waiting.equals("PodInitializing")) {
                reason = "Init:" + waiting;
            } else {
                reason = "Init:" + i + "/"
                        + pod.path("spec").path("initContainers").size();
            }
            return true;
        }
        return false;
    }

    private void containers() {
        boolean running = false;
        JsonNode all = status.path("containerStatuses");
        for (int i = all.size() - 1; i >= 0; i--) {
            JsonNode container = all.get(i);
            JsonNode state = container.path("state");
            count(container);
            String waiting = state.path("waiting").path("reason").asText("");
            if (!waiting.isEmpty()) {
                reason = waiting;
            } else if (state.has("terminated")) {
                reason = ended(state.path("terminated"));
            } else if (container.path("ready").asBoolean() && state.has("running")) {
                running = true;
                ready++;
            }
        }
        if (reason.equals("Completed") && running) {
            reason = condition("Ready") ? "Running" : "NotReady";
        }
    }

    private void count(JsonNode container) {
        restarts += container.path("restartCount").asLong();
        String finished = container
                .path("lastState")
                .path("terminated")
                .path("finishedAt")
                .asText("");
        try {
            Instant at = finished.isEmpty() ? Instant.MIN : Instant.parse(finished);
            lastRestart = at.isAfter(lastRestart) ? at : lastRestart;
        } catch (DateTimeParseException malformed) {
            // a time that cannot be read is not printed
        }
    }

    private static String ended(JsonNode terminated) {
        String words = terminated.path("reason").asText("");
        if (!words.isEmpty()) {
            return words;
        }
        return terminated.path("signal").asInt() != 0
                ? "Signal:" + terminated.path("signal").asInt()
                : "ExitCode:" + terminated.path("exitCode").asInt();
    }
}
