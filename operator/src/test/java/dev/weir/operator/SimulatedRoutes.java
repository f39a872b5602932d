package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.engine.TrafficPlan;
import dev.weir.kubernetes.TrafficRouter;
import dev.weir.kubernetes.TrafficRouters;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Follows, as it really is, since when routes and the application's Service are what they are. */
final class SimulatedRoutes {
    /** Loaded once: it takes longer than many a run. */
    static final TrafficRouters LOADED = TrafficRouters.load();

    private static final List<String> ROUTERS = List.of("Istio", "GatewayAPI");
    /** What proxies need to follow a change, at the least: the status that says since when has whole seconds. */
    private static final Duration FOLLOWED = Duration.ofSeconds(1);

    private static final int MOST_READ = 100;

    private final SimulatedCluster cluster;
    /** By routing object: objects are never changed, only replaced. */
    private final Map<JsonNode, Optional<TrafficPlan>> read = new IdentityHashMap<>();

    private String entranceType = "";
    private Instant entranceSince = Instant.MIN;
    /** By kind: the plan in force. */
    private final Map<String, TrafficPlan> lastRoutes = new HashMap<>();
    /** By kind: when each plan last came into force. */
    private final Map<String, Map<TrafficPlan, Instant>> routedSince = new HashMap<>();

    SimulatedRoutes(SimulatedCluster cluster) {
        this.cluster = cluster;
    }

    /** The router that a release asks for. */
    TrafficRouter router(JsonNode release) {
        return LOADED.require(release.path("spec").path("router").asText());
    }

    /** The router whose objects are of a kind; empty if none's are. */
    Optional<TrafficRouter> ofKind(String kind) {
        return ROUTERS.stream()
                .map(LOADED::require)
                .filter(router -> router.kind().kind().equals(kind))
                .findFirst();
    }

    /** True if the operator sees a routing object, whatever it says. */
    boolean existed() {
        return ROUTERS.stream()
                .map(name -> LOADED.require(name).kind().kind())
                .anyMatch(kind -> cluster.seen(kind, SimulatedCluster.RELEASE) != null);
    }

    /** True if the Service that is about to be written makes another router's of what it is. */
    boolean moves(JsonNode service) {
        return !entranceType.isEmpty() && !type(service).equals(entranceType);
    }

    /** True if proxies had time to follow the application's Service as it is. */
    boolean entranceTaken() {
        return !cluster.now().isBefore(entranceSince.plus(FOLLOWED));
    }

    /** The plan that an object says; null if there is none or somebody edited it. */
    @Nullable
    TrafficPlan plan(@Nullable JsonNode route, TrafficRouter router) {
        return route == null
                ? null
                : read.computeIfAbsent(route, object -> router.read(object, 80)).orElse(null);
    }

    /** The plans in force, of every kind. */
    List<TrafficPlan> inForce() {
        return ROUTERS.stream()
                .map(LOADED::require)
                .map(router -> plan(cluster.get(router.kind().kind(), SimulatedCluster.RELEASE), router))
                .filter(Objects::nonNull)
                .toList();
    }

    private static String type(@Nullable JsonNode service) {
        return service == null ? "" : service.at("/spec/type").asText("ClusterIP");
    }

    /** To be called after every change. */
    void follow() {
        if (read.size() > MOST_READ) {
            read.clear();
        }
        String entrance = type(cluster.get("Service", SimulatedCluster.RELEASE));
        if (!entrance.equals(entranceType)) {
            entranceSince = cluster.now();
        }
        entranceType = entrance;
        for (String name : ROUTERS) {
            TrafficRouter router = LOADED.require(name);
            String kind = router.kind().kind();
            TrafficPlan plan = plan(cluster.get(kind, SimulatedCluster.RELEASE), router);
            if (plan == null) {
                lastRoutes.remove(kind);
            } else if (!plan.equals(lastRoutes.put(kind, plan))) {
                routedSince.computeIfAbsent(kind, _ -> new HashMap<>()).put(plan, cluster.now());
            }
        }
    }

    /** True if proxies had time to take the route that the operator sees. */
    boolean taken(TrafficRouter router) {
        String kind = router.kind().kind();
        TrafficPlan seen = plan(cluster.seen(kind, SimulatedCluster.RELEASE), router);
        if (seen == null) {
            return false;
        }
        Instant since = routedSince.getOrDefault(kind, Map.of()).getOrDefault(seen, cluster.now());
        return !cluster.now().isBefore(since.plus(FOLLOWED));
    }
}
