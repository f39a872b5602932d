package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.engine.Attachment;
import dev.weir.engine.Observed;
import dev.weir.engine.Release;
import dev.weir.engine.Standing;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.model.ReleaseStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One look at a release's objects, in the engine's words. */
final class ReleaseObserver {
    private final World world;
    private final Gateways gateways;
    private final TrafficRouters routers;
    private final TrafficRouter router;
    private final Release release;
    private final String uid;
    private final List<JsonNode> owned;

    /**
     * @param uid of the Release
     * @param owned what is part of it
     */
    ReleaseObserver(
            World world, Gateways gateways, TrafficRouters routers, Release release, String uid, List<JsonNode> owned) {
        this.world = world;
        this.gateways = gateways;
        this.routers = routers;
        this.router = routers.require(release.router());
        this.release = release;
        this.uid = uid;
        this.owned = owned;
    }

    private static String name(JsonNode object) {
        return object.path("metadata").path("name").asText();
    }

    private static boolean is(JsonNode object, ObjectKind kind) {
        return object.path("kind").asText().equals(kind.kind());
    }

    private static String version(JsonNode object) {
        return object.path("metadata")
                .path("labels")
                .path(ReleaseObjects.VERSION)
                .asText();
    }

    /** @param status the stored one, which remembers how versions stand */
    Observed observe(ReleaseStatus status) {
        Map<String, Standing> standings = new HashMap<>();
        status.versions().forEach(version -> standings.put(version.name(), version.standing()));
        Map<String, Integer> endpoints = endpoints();
        Map<String, JsonNode> deployments = deployments();
        Map<String, Integer> ports = new HashMap<>();
        owned.stream()
                .filter(object ->
                        is(object, ObjectKind.SERVICE) && !version(object).isEmpty())
                .forEach(service -> ports.put(
                        version(service), service.at("/spec/ports/0/port").asInt()));
        Set<String> names = new LinkedHashSet<>(deployments.keySet());
        names.addAll(ports.keySet());
        Map<String, Observed.Version> versions = new HashMap<>();
        for (String version : names) {
            versions.put(
                    version,
                    version(
                            deployments.get(version),
                            ports.getOrDefault(version, 0),
                            endpoints.getOrDefault(version, 0),
                            standings.getOrDefault(version, Standing.NEW)));
        }
        return new Observed(
                versions,
                weightConfigs(),
                route(),
                Objects.requireNonNullElse(status.serving(), ""),
                status.routed() == null ? null : status.routed().routed(),
                oldRoutes(),
                oldEntrance(),
                notOwned());
    }

    /** Ready addresses by Service. */
    private Map<String, Integer> endpoints() {
        Map<String, Integer> endpoints = new HashMap<>();
        for (JsonNode slice : owned) {
            if (is(slice, ObjectKind.ENDPOINT_SLICE)) {
                int ready = 0;
                for (JsonNode endpoint : slice.path("endpoints")) {
                    ready += endpoint.path("conditions").path("ready").asBoolean(true) ? 1 : 0;
                }
                String service = slice.path("metadata")
                        .path("labels")
                        .path("kubernetes.io/service-name")
                        .asText();
                endpoints.merge(service, ready, Integer::sum);
            }
        }
        return endpoints;
    }

    /** By version: those of the release, and those of others that a version refers to. */
    private Map<String, JsonNode> deployments() {
        Map<String, JsonNode> deployments = new HashMap<>();
        for (JsonNode object : owned) {
            if (is(object, ObjectKind.DEPLOYMENT)) {
                deployments.put(version(object), object);
            }
        }
        for (Release.Version version : release.versions()) {
            existing(version).ifPresent(found -> deployments.put(version.name(), found));
        }
        return deployments;
    }

    /** The Deployment of somebody else that a version refers to, if it does and there is one. */
    Optional<JsonNode> existing(Release.Version version) {
        return version.existing() == null
                ? Optional.empty()
                : world.find(ObjectKind.DEPLOYMENT, release.namespace(), version.existing());
    }

    private static Observed.Version version(
            @Nullable JsonNode deployment, int port, int readyEndpoints, Standing standing) {
        if (deployment == null) {
            return new Observed.Version("", port, 0, 0, readyEndpoints, false, standing);
        }
        JsonNode status = deployment.path("status");
        int wanted = deployment.path("spec").path("replicas").asInt(1);
        boolean rolledOut = status.path("observedGeneration").asLong()
                        >= deployment.path("metadata").path("generation").asLong()
                && status.path("updatedReplicas").asInt() >= wanted
                && status.path("replicas").asInt() <= wanted
                && status.path("availableReplicas").asInt() >= wanted;
        String hash = deployment
                .path("metadata")
                .path("annotations")
                .path(ReleaseObjects.HASH)
                .asText();
        return new Observed.Version(
                hash, port, wanted, status.path("readyReplicas").asInt(), readyEndpoints, rolledOut, standing);
    }

    private Map<String, Observed.WeightConfig> weightConfigs() {
        Map<String, Observed.WeightConfig> configs = new HashMap<>();
        for (JsonNode object : owned) {
            if (is(object, ObjectKind.CONFIG_MAP)) {
                JsonNode annotations = object.path("metadata").path("annotations");
                configs.put(
                        version(object),
                        new Observed.WeightConfig(
                                annotations.path(ReleaseObjects.WEIGHT).asText(""),
                                annotations.path(ReleaseObjects.SPEC_WEIGHT).asText("")));
            }
        }
        return configs;
    }

    private Observed.Route route() {
        return owned.stream()
                .filter(object -> is(object, router.kind()) && name(object).equals(release.service()))
                .findFirst()
                .<Observed.Route>map(object -> {
                    Optional<TrafficPlan> plan = router.read(object, release.port());
                    JsonNode metadata = object.path("metadata");
                    String revision = metadata.path("uid").asText() + "/"
                            + metadata.path("generation").asLong();
                    return plan.isPresent() ? inForce(object, plan.get(), revision) : new Observed.Route.Edited();
                })
                .orElseGet(Observed.Route.Missing::new);
    }

    /** With what is said of the route, and which gateways do not exist. */
    private Observed.Route inForce(JsonNode route, TrafficPlan plan, String revision) {
        Map<String, Attachment> told = new LinkedHashMap<>();
        for (TrafficRouter.Attached attached : router.attached(route)) {
            told.put(
                    attached.gateway().isEmpty() ? attached.attachment().parent() : attached.gateway(),
                    attached.attachment());
        }
        for (String gateway : plan.gateways()) {
            if (absent(gateway, told)) {
                String full = full(gateway);
                told.put(full, new Attachment("Gateway " + full, Attachment.Verdict.ABSENT, ""));
            }
        }
        List<String> absent = release.gateways().stream()
                .filter(gateway -> absent(gateway, told))
                .toList();
        return new Observed.Route.InForce(plan, revision, List.copyOf(told.values()), absent);
    }

    private String full(String gateway) {
        return gateway.indexOf('/') < 0 ? release.namespace() + "/" + gateway : gateway;
    }

    private boolean absent(String gateway, Map<String, Attachment> told) {
        Attachment said = told.get(full(gateway));
        if (said != null && said.verdict() == Attachment.Verdict.ABSENT) {
            return true;
        }
        return (said == null || said.verdict() != Attachment.Verdict.SERVED)
                && !gateways.mayExist(router.gateway(), full(gateway));
    }

    private boolean oldEntrance() {
        String wanted = type(router.entrance(release.service(), release.port()));
        return owned.stream()
                .filter(object -> is(object, ObjectKind.SERVICE) && name(object).equals(release.service()))
                .anyMatch(service -> !type(service.path("spec")).equals(wanted));
    }

    private static String type(JsonNode service) {
        return service.path("type").asText("ClusterIP");
    }

    private List<String> oldRoutes() {
        return owned.stream()
                .filter(object -> routers.kinds().stream().anyMatch(kind -> is(object, kind)))
                .filter(object -> !is(object, router.kind()) || !name(object).equals(release.service()))
                .map(object -> object.path("kind").asText() + "/" + name(object))
                .sorted()
                .toList();
    }

    /** Wanted names that are taken by objects which this release does not own. */
    private List<Observed.Taken> notOwned() {
        Set<String> present = new HashSet<>();
        owned.forEach(object -> present.add(object.path("kind").asText() + "/" + name(object)));
        List<Observed.Taken> taken = new ArrayList<>();
        wanted().forEach((kind, names) -> {
            for (String name : names) {
                if (!present.contains(kind.kind() + "/" + name)) {
                    world.find(kind, release.namespace(), name)
                            .filter(found -> !ReleaseObjects.owns(uid, found))
                            .ifPresent(found -> taken.add(new Observed.Taken(kind.kind() + "/" + name, holder(found))));
                }
            }
        });
        return taken;
    }

    /** The Release that an object is part of, if there is one still; else empty. */
    private String holder(JsonNode object) {
        for (JsonNode owner : object.path("metadata").path("ownerReferences")) {
            String name = owner.path("name").asText();
            boolean alive = owner.path("kind").asText().equals(ObjectKind.RELEASE.kind())
                    && world.find(ObjectKind.RELEASE, release.namespace(), name)
                            .filter(found -> found.path("metadata").path("uid").equals(owner.path("uid")))
                            .isPresent();
            if (alive) {
                return name;
            }
        }
        return "";
    }

    private Map<ObjectKind, List<String>> wanted() {
        List<String> deployments = new ArrayList<>();
        List<String> services = new ArrayList<>(List.of(release.service()));
        for (Release.Version version : release.versions()) {
            services.add(version.name());
            if (version.existing() == null) {
                deployments.add(version.name());
            }
        }
        Map<ObjectKind, List<String>> wanted = new LinkedHashMap<>();
        wanted.put(ObjectKind.DEPLOYMENT, deployments);
        wanted.put(ObjectKind.SERVICE, services);
        wanted.put(router.kind(), List.of(release.service()));
        wanted.put(
                ObjectKind.CONFIG_MAP,
                release.weighted().stream()
                        .map(version -> ReleaseObjects.weightConfigName(version.name()))
                        .toList());
        return wanted;
    }
}
