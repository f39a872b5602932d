package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.engine.Decision;
import dev.weir.engine.Routed;
import dev.weir.engine.Standing;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.model.ReleaseStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What in the cluster keeps a release from being ready, and what would help. */
final class Diagnosis {
    private static final String NONE = "none";

    private final Snapshot seen;
    private final JsonNode release;
    private final List<Evidence> evidence = new ArrayList<>();
    private final Set<String> unblocks = new LinkedHashSet<>();

    /**
     * One field that speaks for itself.
     *
     * @param object kind and name
     * @param wanted what it would have to be; may be empty
     * @param since when it came to be so, as far as the cluster remembers; may be empty
     */
    record Evidence(String object, String field, String value, String wanted, String since) {}

    private Diagnosis(Snapshot seen) {
        this.seen = seen;
        this.release = seen.release();
    }

    static Diagnosis of(Snapshot seen) {
        Diagnosis diagnosis = new Diagnosis(seen);
        diagnosis.operator();
        diagnosis.acceptance();
        if (!Releases.phase(diagnosis.release).equals("Ready") || !Releases.isCurrent(diagnosis.release)) {
            diagnosis.stalled();
            diagnosis.versions();
            diagnosis.route();
        }
        return diagnosis;
    }

    List<Evidence> evidence() {
        return List.copyOf(evidence);
    }

    /** Sentences; empty if nothing is waited for. */
    List<String> unblocks() {
        return List.copyOf(unblocks);
    }

    private String reason() {
        return Releases.condition(release, "Ready").path("reason").asText();
    }

    private String self() {
        return "Release/" + Releases.name(release);
    }

    private void operator() {
        if (!Releases.isCurrent(release)) {
            evidence.add(new Evidence(
                    self(),
                    ".status.observedGeneration",
                    release.path("status").path("observedGeneration").asText(NONE),
                    release.path("metadata").path("generation").asText(),
                    ""));
            unblocks.add("the operator has to see the newest spec; does it run, and does it serve namespace "
                    + Releases.namespace(release)
                    + "? kubectl get deployments -A -l app.kubernetes.io/name=controller");
        }
    }

    private void acceptance() {
        JsonNode condition = Releases.condition(release, ReleaseStatus.ROUTE_ACCEPTED);
        String reason = condition.path("reason").asText();
        if (!condition.path("status").asText().equals("False") && !reason.equals(Decision.Acceptance.NOT_REPORTED)) {
            return;
        }
        evidence.add(new Evidence(
                self(),
                ".status.conditions[" + ReleaseStatus.ROUTE_ACCEPTED + "]",
                reason + ": " + condition.path("message").asText(),
                "True",
                condition.path("lastTransitionTime").asText()));
        unblocks.add(
                switch (reason) {
                    case "GatewayNotFound" ->
                        "make the Gateway, or name another in spec.gateways; the operator looks again"
                                + " every 15 seconds";
                    case "RouteNotAccepted" ->
                        "whoever carries the traffic has to take the route: its status says what is" + " wrong with it";
                    default ->
                        "a mesh or a Gateway's controller has to say that it takes the route; where none runs that"
                                + " serves Gateway API, nobody follows it";
                });
    }

    private void stalled() {
        JsonNode condition = Releases.condition(release, "Stalled");
        if (!condition.path("status").asText().equals("True")) {
            return;
        }
        String since = condition.path("lastTransitionTime").asText();
        switch (reason()) {
            case "NotOwned" -> notOwned(condition.path("message").asText(), since);
            case "InvalidSpec" -> {
                for (JsonNode violation : release.path("status").path("why")) {
                    String text = violation.asText();
                    int colon = text.indexOf(": ");
                    evidence.add(
                            colon < 0
                                    ? new Evidence(self(), ".spec", text, "", since)
                                    : new Evidence(
                                            self(),
                                            "." + text.substring(0, colon),
                                            text.substring(colon + 2),
                                            "",
                                            since));
                }
                unblocks.add("a spec without these mistakes; weir lint FILE finds them before they are applied");
            }
            case "Refused" -> {
                evidence.add(new Evidence(
                        self(),
                        ".status.conditions[Stalled].message",
                        condition.path("message").asText(),
                        "",
                        since));
                unblocks.add("the API server has to accept the object; the operator tries again every 15 seconds");
            }
            default -> {
                evidence.add(new Evidence(
                        self(),
                        ".status.conditions[Stalled].message",
                        condition.path("message").asText(),
                        "",
                        since));
                unblocks.add("a change of the release's spec");
            }
        }
    }

    /** The message lists the objects as Kind/name. */
    private void notOwned(String message, String since) {
        for (String word : message.split("[ ,;]+")) {
            if (word.matches("[A-Z][A-Za-z]+/[-a-z0-9.]+") && !word.startsWith("Release/")) {
                evidence.add(new Evidence(word, ".metadata.ownerReferences", "not this release", self(), since));
            }
        }
        unblocks.add(
                message.contains(" of Release/")
                        ? "delete one of the releases, or name its service and versions otherwise"
                        : "delete these objects, or set spec.adopt: true to take them over");
    }

    private void versions() {
        for (Snapshot.Version version : seen.versions()) {
            if (version.role().equals("Retiring")) {
                continue;
            }
            if (version.deployment().isMissingNode()) {
                missing(version.name());
                continue;
            }
            rollout(version);
            if (version.endpoints() == 0) {
                evidence.add(new Evidence(
                        "EndpointSlices of Service/" + version.name(),
                        ".endpoints[].conditions.ready",
                        "none is true",
                        "at least one",
                        ""));
                unblocks.add("a ready pod of " + version.name());
            }
            version.pods().forEach(this::pod);
            settling(version.name());
        }
    }

    private void missing(String version) {
        for (JsonNode wanted : release.path("spec").path("versions")) {
            String other = wanted.path("workloadRef").path("name").asText();
            if (wanted.path("name").asText().equals(version)) {
                evidence.add(new Evidence(
                        "Deployment/" + (other.isEmpty() ? version : other),
                        ".metadata.name",
                        "absent",
                        "present",
                        ""));
                if (!other.isEmpty()) {
                    unblocks.add("somebody has to make the Deployment " + other + ", which " + version + " refers to");
                }
            }
        }
    }

    private void rollout(Snapshot.Version version) {
        JsonNode deployment = version.deployment();
        JsonNode status = deployment.path("status");
        String object = "Deployment/" + Releases.name(deployment);
        long generation = deployment.path("metadata").path("generation").asLong();
        if (status.path("observedGeneration").asLong() < generation) {
            evidence.add(new Evidence(
                    object,
                    ".status.observedGeneration",
                    status.path("observedGeneration").asText(NONE),
                    Long.toString(generation),
                    ""));
        }
        int before = evidence.size();
        for (String field : List.of("updatedReplicas", "availableReplicas")) {
            if (status.path(field).asInt() < version.replicas()) {
                evidence.add(new Evidence(
                        object,
                        ".status." + field,
                        status.path(field).asText("0"),
                        Integer.toString(version.replicas()),
                        Releases.condition(deployment, "Available")
                                .path("lastTransitionTime")
                                .asText()));
            }
        }
        if (status.path("replicas").asInt() > version.replicas()) {
            evidence.add(new Evidence(
                    object,
                    ".status.replicas",
                    status.path("replicas").asText(),
                    Integer.toString(version.replicas()),
                    ""));
        }
        if (evidence.size() > before) {
            unblocks.add("the rollout of " + object + " has to finish: kubectl rollout status deployment "
                    + Releases.name(deployment) + " -n " + Releases.namespace(release));
        }
        if (version.replicas() == 0) {
            evidence.add(new Evidence(object, ".spec.replicas", "0", "1 or more", ""));
            unblocks.add(object + " has to have replicas");
        }
        condition(object, Releases.condition(deployment, "Progressing"), "False");
        condition(object, Releases.condition(deployment, "ReplicaFailure"), "True");
    }

    private void condition(String object, JsonNode condition, String bad) {
        if (condition.path("status").asText().equals(bad)) {
            evidence.add(new Evidence(
                    object,
                    ".status.conditions[" + condition.path("type").asText() + "]",
                    condition.path("reason").asText() + ": "
                            + condition.path("message").asText(),
                    "",
                    condition.path("lastTransitionTime").asText()));
        }
    }

    private void pod(JsonNode pod) {
        JsonNode ready = Releases.condition(pod, "Ready");
        if (ready.path("status").asText().equals("True")) {
            return;
        }
        String object = "Pod/" + Releases.name(pod);
        JsonNode scheduled = Releases.condition(pod, "PodScheduled");
        condition(object, scheduled, "False");
        int before = evidence.size();
        JsonNode containers = pod.path("status").path("containerStatuses");
        for (int i = 0; i < containers.size(); i++) {
            JsonNode container = containers.get(i);
            String field = ".status.containerStatuses[" + i + "]";
            JsonNode waiting = container.path("state").path("waiting");
            JsonNode ended = container.path("lastState").path("terminated");
            if (waiting.has("reason")) {
                evidence.add(new Evidence(
                        object, field + ".state.waiting", reasonAndMessage(waiting), "running", pod(pod, ready)));
            }
            if (ended.has("exitCode")) {
                evidence.add(new Evidence(
                        object,
                        field + ".lastState.terminated",
                        ended.path("reason").asText() + ", exit code "
                                + ended.path("exitCode").asText(),
                        "",
                        ended.path("finishedAt").asText()));
            }
            if (container.path("state").has("running")
                    && !container.path("ready").asBoolean()) {
                evidence.add(new Evidence(
                        object, field + ".ready", "false (it runs, and is not ready)", "true", pod(pod, ready)));
            }
        }
        if (evidence.size() == before && !scheduled.path("status").asText().equals("False")) {
            evidence.add(new Evidence(
                    object, ".status.phase", pod.path("status").path("phase").asText(), "Running", pod(pod, ready)));
        }
    }

    /** Since when a pod has not been ready. */
    private static String pod(JsonNode pod, JsonNode ready) {
        return ready.path("lastTransitionTime")
                .asText(pod.path("metadata").path("creationTimestamp").asText());
    }

    private static String reasonAndMessage(JsonNode state) {
        String message = state.path("message").asText();
        return state.path("reason").asText() + (message.isEmpty() ? "" : ": " + message);
    }

    private void settling(String version) {
        JsonNode versions = release.path("status").path("versions");
        for (int i = 0; i < versions.size(); i++) {
            JsonNode status = versions.get(i);
            if (status.path("name").asText().equals(version)
                    && status.path("interrupted").asBoolean()
                    && status.has("readySince")) {
                String since = status.path("readySince").asText();
                evidence.add(new Evidence(
                        self(),
                        ".status.versions[" + i + "].readySince",
                        since,
                        Standing.STABLE.toSeconds() + " s ago",
                        since));
                unblocks.add(version + " has to stay ready until "
                        + Instant.parse(since).plus(Standing.STABLE));
            }
        }
    }

    private void route() {
        String router = release.path("spec").path("router").asText();
        if (reason().equals("RouteSettling")) {
            String since = release.path("status").path("routed").path("since").asText();
            evidence.add(
                    new Evidence(self(), ".status.routed.since", since, Routed.SETTLE.toSeconds() + " s ago", since));
            unblocks.add("only time: proxies are given " + Routed.SETTLE.toSeconds() + " seconds to take the route");
        } else if (seen.route().isMissingNode()) {
            evidence.add(
                    new Evidence("the route of " + router, ".metadata.name", "absent", Releases.service(release), ""));
        } else if (seen.plan().isEmpty()) {
            evidence.add(new Evidence(
                    seen.route().path("kind").asText() + "/" + Releases.name(seen.route()),
                    ".spec",
                    "something that Weir did not write",
                    "what Weir writes",
                    ""));
            unblocks.add("the operator puts an edited route back at once; it is not its own if label "
                    + ReleaseObjects.RELEASE + " is missing");
        }
    }
}
