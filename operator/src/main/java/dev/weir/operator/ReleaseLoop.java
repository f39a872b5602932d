package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Action;
import dev.weir.engine.Decision;
import dev.weir.engine.Observed;
import dev.weir.engine.Release;
import dev.weir.engine.ReleaseDecider;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.model.ReleaseSpec;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;

/** One pass over one release: observe, parse, decide, write the status, act. Keeps nothing between passes. */
final class ReleaseLoop {
    private static final int KEPT_REVISIONS = 10;

    private final World world;
    private final TrafficRouters routers;
    private final Clock clock;

    ReleaseLoop(World world, TrafficRouters routers, Clock clock) {
        this.world = world;
        this.routers = routers;
        this.clock = clock;
    }

    /** @param release the object as it was last seen */
    void pass(JsonNode release) {
        if (release.path("metadata").has("deletionTimestamp")) {
            return;
        }
        switch (ReleaseSpec.parse(release)) {
            case ReleaseSpec.Parsed.Invalid(List<String> violations) ->
                report(
                        release,
                        new Decision(
                                new Decision.Status(
                                        Decision.Phase.STALLED,
                                        "InvalidSpec",
                                        String.join("; ", violations),
                                        "",
                                        "",
                                        "",
                                        List.of()),
                                List.of(),
                                violations));
            case ReleaseSpec.Parsed.Valid(Release parsed) -> pass(release, parsed);
        }
    }

    private void pass(JsonNode object, Release release) {
        List<JsonNode> owned = world.owned(release.namespace(), release.name());
        Observed seen = observe(object, release, owned);
        Decision decision = ReleaseDecider.decide(release, seen);
        if (!report(object, decision)) {
            return;
        }
        ReleaseObjects objects =
                new ReleaseObjects(release, object.path("metadata").path("uid").asText());
        decision.actions().forEach(action -> act(action, object, release, owned, objects));
    }

    private Observed observe(JsonNode object, Release release, List<JsonNode> owned) {
        String uid = object.path("metadata").path("uid").asText();
        Map<String, Integer> endpoints = new HashMap<>();
        Map<String, Observed.Version> versions = new HashMap<>();
        Map<String, Observed.WeightConfig> configs = new HashMap<>();
        Set<String> revisions = new HashSet<>();
        Set<String> present = new HashSet<>();
        boolean routed = false;
        for (JsonNode one : owned) {
            String name = one.path("metadata").path("name").asText();
            present.add(one.path("kind").asText() + "/" + name);
            switch (one.path("kind").asText()) {
                case "EndpointSlice" ->
                    endpoints.merge(
                            one.path("metadata")
                                    .path("labels")
                                    .path("kubernetes.io/service-name")
                                    .asText(),
                            ready(one),
                            Integer::sum);
                case "ConfigMap" -> {
                    JsonNode annotations = one.path("metadata").path("annotations");
                    String version = one.path("metadata")
                            .path("labels")
                            .path(ReleaseObjects.VERSION)
                            .asText();
                    configs.put(
                            version,
                            new Observed.WeightConfig(
                                    annotations.path(ReleaseObjects.WEIGHT).asText(""),
                                    annotations.path(ReleaseObjects.SPEC_WEIGHT).asText("")));
                }
                case "VirtualService" -> routed = true;
                case "ControllerRevision" -> revisions.add(name);
                default -> {}
            }
        }
        for (JsonNode one : owned) {
            if (one.path("kind").asText().equals("Deployment")) {
                String name = one.path("metadata").path("name").asText();
                versions.put(name, version(one, endpoints.getOrDefault(name, 0)));
            }
        }
        return new Observed(versions, configs, routed, notOwned(release, uid, present), revisions);
    }

    private static int ready(JsonNode slice) {
        int ready = 0;
        for (JsonNode endpoint : slice.path("endpoints")) {
            ready += endpoint.path("conditions").path("ready").asBoolean(true) ? 1 : 0;
        }
        return ready;
    }

    private static Observed.Version version(JsonNode deployment, int readyEndpoints) {
        JsonNode status = deployment.path("status");
        int wanted = deployment.path("spec").path("replicas").asInt(1);
        boolean rolledOut = status.path("observedGeneration").asLong()
                        >= deployment.path("metadata").path("generation").asLong()
                && status.path("updatedReplicas").asInt() >= wanted
                && status.path("replicas").asInt() <= wanted
                && status.path("availableReplicas").asInt() >= wanted;
        return new Observed.Version(wanted, status.path("readyReplicas").asInt(), readyEndpoints, rolledOut);
    }

    /** Wanted names that are taken by objects which this release does not own. */
    private List<String> notOwned(Release release, String uid, Set<String> present) {
        List<String[]> wanted = new ArrayList<>();
        wanted.add(new String[] {"v1", "Service", release.service()});
        if (release.strategy() != Release.Strategy.NONE) {
            wanted.add(new String[] {"networking.istio.io/v1beta1", "VirtualService", release.service()});
        }
        for (Release.Version version : release.versions()) {
            if (version.existing() == null) {
                wanted.add(new String[] {"apps/v1", "Deployment", version.name()});
            }
            wanted.add(new String[] {"v1", "Service", version.name()});
        }
        List<String> taken = new ArrayList<>();
        for (String[] one : wanted) {
            if (!present.contains(one[1] + "/" + one[2])) {
                Optional<JsonNode> found = world.find(one[0], one[1], release.namespace(), one[2]);
                if (found.isPresent() && !owns(found.get(), uid)) {
                    taken.add(one[1] + "/" + one[2]);
                }
            }
        }
        return taken;
    }

    private static boolean owns(JsonNode object, String uid) {
        for (JsonNode owner : object.path("metadata").path("ownerReferences")) {
            if (owner.path("uid").asText().equals(uid)) {
                return true;
            }
        }
        return false;
    }

    private void act(Action action, JsonNode object, Release release, List<JsonNode> owned, ReleaseObjects objects) {
        switch (action) {
            case Action.RecordRevision _ -> record(object, owned, objects);
            case Action.ApplyVersion(Release.Version version) -> {
                if (version.existing() == null) {
                    world.apply(objects.deployment(version));
                }
                world.apply(objects.service(version));
            }
            case Action.ApplyEntrance _ -> world.apply(objects.entrance());
            case Action.ApplyWeightConfig(String version, int percent, int specPercent) ->
                world.apply(objects.weightConfig(version, percent, specPercent));
            case Action.ApplyRoute(var plan) -> world.apply(objects.route(routers.require(release.router()), plan));
            case Action.RemoveRoute _ ->
                owned.stream()
                        .filter(one -> one.path("kind").asText().equals("VirtualService"))
                        .forEach(world::delete);
            case Action.Retire(Set<String> keep) ->
                owned.stream().filter(one -> retired(one, keep)).forEach(world::delete);
        }
    }

    private static boolean retired(JsonNode object, Set<String> keep) {
        JsonNode version = object.path("metadata").path("labels").path(ReleaseObjects.VERSION);
        boolean made = Set.of("Deployment", "Service", "ConfigMap")
                .contains(object.path("kind").asText());
        return made && version.isTextual() && !keep.contains(version.asText());
    }

    private void record(JsonNode object, List<JsonNode> owned, ReleaseObjects objects) {
        CRC32 crc = new CRC32();
        crc.update(object.path("spec").toString().getBytes(StandardCharsets.UTF_8));
        String hash = HexFormat.of().toHexDigits((int) crc.getValue());
        List<JsonNode> revisions = owned.stream()
                .filter(one -> one.path("kind").asText().equals("ControllerRevision"))
                .sorted(java.util.Comparator.comparingLong(
                        one -> one.path("revision").asLong()))
                .toList();
        boolean known = revisions.stream()
                .anyMatch(one -> one.path("metadata").path("name").asText().endsWith("-" + hash));
        if (!known) {
            world.apply(objects.revision(
                    object.path("spec"),
                    hash,
                    object.path("metadata").path("generation").asLong()));
        }
        revisions.stream().limit(Math.max(0, revisions.size() - KEPT_REVISIONS)).forEach(world::delete);
    }

    /** Writes the status if it differs; false if somebody else wrote meanwhile, which ends the pass. */
    private boolean report(JsonNode release, Decision decision) {
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        long generation = release.path("metadata").path("generation").asLong();
        status.put("observedGeneration", generation);
        status.put("strategy", release.path("spec").path("strategy").asText("None"));
        Decision.Status now = decision.status();
        status.put("primary", now.primary()).put("candidate", now.candidate()).put("weight", now.weight());
        ArrayNode why = status.putArray("why");
        decision.why().stream().limit(64).forEach(why::add);
        ArrayNode conditions = status.putArray("conditions");
        boolean ready = now.phase() == Decision.Phase.READY;
        condition(conditions, release, "Ready", ready, now, generation);
        condition(conditions, release, "Reconciling", now.phase() == Decision.Phase.RECONCILING, now, generation);
        condition(conditions, release, "Stalled", now.phase() == Decision.Phase.STALLED, now, generation);
        ArrayNode versions = status.putArray("versions");
        for (Decision.VersionStatus version : now.versions()) {
            ObjectNode one = versions.addObject();
            one.put("name", version.name()).put("role", version.role()).put("ready", version.ready());
            one.put("readyReplicas", version.readyReplicas()).put("replicas", version.replicas());
            if (!version.weight().isEmpty()) {
                one.put("weight", version.weight());
            }
        }
        if (status.toString().equals(sorted(release.path("status"), status).toString())) {
            return true;
        }
        if (!world.writeStatus(release, status)) {
            return false;
        }
        String before = reason(release);
        if (!before.equals(now.reason())) {
            world.event(
                    release, now.phase() == Decision.Phase.STALLED ? "Warning" : "Normal", now.reason(), now.message());
        }
        return true;
    }

    /** The present status with its keys in the order of the new one, for comparing. */
    private static JsonNode sorted(JsonNode present, JsonNode like) {
        if (present.isObject() && like.isObject()) {
            ObjectNode sorted = JsonNodeFactory.instance.objectNode();
            like.properties().forEach(entry -> {
                if (present.has(entry.getKey())) {
                    sorted.set(entry.getKey(), sorted(present.get(entry.getKey()), entry.getValue()));
                }
            });
            present.properties().forEach(entry -> {
                if (!sorted.has(entry.getKey())) {
                    sorted.set(entry.getKey(), entry.getValue());
                }
            });
            return sorted;
        }
        if (present.isArray() && like.isArray() && present.size() == like.size()) {
            ArrayNode sorted = JsonNodeFactory.instance.arrayNode();
            for (int i = 0; i < present.size(); i++) {
                sorted.add(sorted(present.get(i), like.get(i)));
            }
            return sorted;
        }
        return present;
    }

    private static String reason(JsonNode release) {
        for (JsonNode condition : release.path("status").path("conditions")) {
            if (condition.path("type").asText().equals("Ready")) {
                return condition.path("reason").asText();
            }
        }
        return "";
    }

    private void condition(
            ArrayNode conditions, JsonNode release, String type, boolean value, Decision.Status now, long generation) {
        String status = value ? "True" : "False";
        String since = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        for (JsonNode old : release.path("status").path("conditions")) {
            if (old.path("type").asText().equals(type)
                    && old.path("status").asText().equals(status)) {
                since = old.path("lastTransitionTime").asText();
            }
        }
        conditions
                .addObject()
                .put("type", type)
                .put("status", status)
                .put("observedGeneration", generation)
                .put("lastTransitionTime", since)
                .put("reason", now.reason())
                .put("message", now.message());
    }
}
