package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A simulated cluster on a virtual clock: objects with versions, caches that lag behind them, a Deployment controller
 * whose pods take their time, requests that fail before or after their effect.
 */
final class SimulatedCluster implements World {
    static final String NAMESPACE = "ns";
    static final String RELEASE = "app";
    private static final List<String> KINDS = List.of(
            "Release",
            "Deployment",
            "Service",
            "ConfigMap",
            "ControllerRevision",
            "EndpointSlice",
            "VirtualService",
            "HTTPRoute");
    /** Pods of this image never become ready. */
    static final String BROKEN = "broken";
    /** Deployments of this image are refused, as a policy does it. */
    static final String REFUSED = "refused";

    /** A request that failed and may be tried again. */
    static final class Transient extends RuntimeException {
        private static final long serialVersionUID = 1;

        Transient(String message) {
            super(message);
        }
    }

    /** The operator's process dies here. */
    static final class Crash extends Error {
        private static final long serialVersionUID = 1;
    }

    private record Pod(String template, Instant readyAt) {}

    private final SplittableRandom random;
    private final Map<String, ObjectNode> objects = new TreeMap<>();
    private final Map<String, JsonNode> cached = new TreeMap<>();
    /** The operator's own writes and deletions that its caches have not seen yet. */
    private final Map<String, JsonNode> own = new TreeMap<>();

    private final Set<String> gone = new TreeSet<>();
    /** Keys of writes of the operator's whose answer it did not get. */
    private final Set<String> unsure = new TreeSet<>();

    private final Map<String, ObjectNode> applied = new HashMap<>();
    private final Map<String, List<Pod>> pods = new HashMap<>();
    private final BiConsumer<String, JsonNode> written;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private long revision;
    private double faults;
    private int writes;

    /** @param written hears of every write of the operator's, as {@code apply}, {@code delete} or {@code status} */
    SimulatedCluster(SplittableRandom random, BiConsumer<String, JsonNode> written) {
        this.random = random;
        this.written = written;
    }

    Instant now() {
        return now;
    }

    /** How many writes the operator has made. */
    int writes() {
        return writes;
    }

    /** @param probability that a request of the operator's fails, loses its answer or is its last */
    void faults(double probability) {
        faults = probability;
    }

    static String key(String kind, String name) {
        return kind + "/" + name;
    }

    private static String key(JsonNode object) {
        return key(
                object.path("kind").asText(),
                object.path("metadata").path("name").asText());
    }

    /** An object as it is; null if there is none. */
    @Nullable
    ObjectNode get(String kind, String name) {
        return objects.get(key(kind, name));
    }

    /** An object as the operator sees it; null if it sees none. */
    @Nullable
    JsonNode seen(String kind, String name) {
        String key = key(kind, name);
        return gone.contains(key) ? null : own.getOrDefault(key, cached.get(key));
    }

    List<ObjectNode> all() {
        return List.copyOf(objects.values());
    }

    /** Writes an object as anybody. */
    void put(ObjectNode object) {
        ObjectNode before = objects.get(key(object));
        ObjectNode metadata = object.withObject("/metadata");
        if (before != null && before.equals(object)) {
            return;
        }
        long generation =
                before == null ? 0 : before.path("metadata").path("generation").asLong();
        boolean specChanged = before == null || !before.path("spec").equals(object.path("spec"));
        metadata.put("generation", generation + (specChanged ? 1 : 0));
        metadata.put(
                "uid",
                before == null
                        ? "uid-" + ++revision
                        : before.at("/metadata/uid").asText());
        metadata.put("resourceVersion", Long.toString(++revision));
        objects.put(key(object), object);
    }

    void remove(String kind, String name) {
        objects.remove(key(kind, name));
        applied.remove(key(kind, name));
    }

    /**
     * Lets time pass and caches catch up.
     *
     * @param current the probability that a kind's cache catches up
     * @return true if the operator saw a change
     */
    boolean step(Duration time, double current) {
        now = now.plus(time);
        deployments();
        // endpoints follow a while after the Deployment's status
        if (faults == 0 || random.nextInt(4) == 0) {
            slices();
        }
        boolean changed = false;
        for (String kind : KINDS) {
            if (random.nextDouble() < current) {
                changed |= sync(kind);
            }
        }
        return changed;
    }

    /** A new process lists everything before it begins. */
    void restarted() {
        KINDS.forEach(this::sync);
        unsure.clear();
    }

    private boolean sync(String kind) {
        // what came and went in between was told too
        boolean caughtUp = own.keySet().removeIf(key -> key.startsWith(kind + "/"))
                | gone.removeIf(key -> key.startsWith(kind + "/"));
        Map<String, JsonNode> next = new TreeMap<>();
        objects.forEach((key, object) -> {
            if (key.startsWith(kind + "/")) {
                next.put(key, object);
            }
        });
        Map<String, JsonNode> before = new TreeMap<>(cached);
        before.keySet().removeIf(key -> !key.startsWith(kind + "/"));
        // objects are replaced, never changed
        if (before.size() == next.size()
                && next.entrySet().stream().allMatch(e -> same(before.get(e.getKey()), e.getValue()))) {
            return caughtUp;
        }
        cached.keySet().removeIf(key -> key.startsWith(kind + "/"));
        cached.putAll(next);
        return true;
    }

    @SuppressWarnings("ReferenceEquality")
    private static boolean same(@Nullable JsonNode one, JsonNode other) {
        return one == other;
    }

    /** A new pod for a new template; the old one goes once the new one is ready. */
    private void deployments() {
        pods.keySet().removeIf(name -> get("Deployment", name) == null);
        for (ObjectNode deployment : all()) {
            if (!deployment.path("kind").asText().equals("Deployment")) {
                continue;
            }
            String name = deployment.path("metadata").path("name").asText();
            String template = deployment.at("/spec/template").toString();
            List<Pod> own = pods.computeIfAbsent(name, _ -> new ArrayList<>());
            if (own.stream().noneMatch(pod -> pod.template().equals(template))) {
                own.add(new Pod(template, readyAt(template)));
            }
            boolean there = own.stream().anyMatch(pod -> pod.template().equals(template) && ready(pod));
            if (there) {
                own.removeIf(pod -> !pod.template().equals(template));
            }
            if (faults > 0 && random.nextInt(200) == 0) {
                own.replaceAll(pod -> new Pod(pod.template(), readyAt(pod.template())));
            }
            status(deployment, own, template);
        }
    }

    private Instant readyAt(String template) {
        return template.contains(BROKEN) ? Instant.MAX : now.plusSeconds(random.nextInt(1, 15));
    }

    private boolean ready(Pod pod) {
        return !pod.readyAt().isAfter(now);
    }

    private void status(ObjectNode deployment, List<Pod> own, String template) {
        int ready = (int) own.stream().filter(this::ready).count();
        ObjectNode status = JsonNodeFactory.instance
                .objectNode()
                .put("observedGeneration", deployment.at("/metadata/generation").asLong())
                .put("replicas", own.size())
                .put("updatedReplicas", (int) own.stream()
                        .filter(pod -> pod.template().equals(template))
                        .count())
                .put("readyReplicas", ready)
                .put("availableReplicas", ready);
        if (!status.equals(deployment.path("status"))) {
            ObjectNode next = deployment.deepCopy();
            next.set("status", status);
            put(next);
        }
    }

    /** One slice for each Service that has pods of a Deployment of its name. */
    private void slices() {
        for (ObjectNode object : all()) {
            String name = object.path("metadata").path("name").asText();
            if (object.path("kind").asText().equals("EndpointSlice") && get("Service", name) == null) {
                remove("EndpointSlice", name);
            } else if (object.path("kind").asText().equals("Service")
                    && object.at("/spec/selector").isObject()) {
                ObjectNode slice = JsonNodeFactory.instance.objectNode();
                slice.put("apiVersion", "discovery.k8s.io/v1").put("kind", "EndpointSlice");
                ObjectNode metadata =
                        slice.putObject("metadata").put("name", name).put("namespace", NAMESPACE);
                metadata.putObject("labels")
                        .put("kubernetes.io/service-name", name)
                        .put(ReleaseObjects.RELEASE, RELEASE);
                ArrayNode endpoints = slice.putArray("endpoints");
                pods.getOrDefault(name, List.of())
                        .forEach(pod ->
                                endpoints.addObject().putObject("conditions").put("ready", ready(pod)));
                ObjectNode before = get("EndpointSlice", name);
                if (before == null || !before.path("endpoints").equals(endpoints)) {
                    put(slice);
                }
            }
        }
    }

    /** True if a version has a ready pod behind its Service. */
    boolean ready(String version) {
        return readyEndpoint(get("EndpointSlice", version));
    }

    /** The same as the operator sees it. */
    boolean seenReady(String version) {
        return readyEndpoint(seen("EndpointSlice", version));
    }

    private static boolean readyEndpoint(@Nullable JsonNode slice) {
        if (slice != null) {
            for (JsonNode endpoint : slice.path("endpoints")) {
                if (endpoint.at("/conditions/ready").asBoolean()) {
                    return true;
                }
            }
        }
        return false;
    }

    private void before(String what) {
        if (random.nextDouble() < faults) {
            throw new Transient(what);
        }
    }

    private void after(String what, JsonNode object) {
        writes++;
        written.accept(what, object);
        if (random.nextDouble() < faults) {
            if (random.nextBoolean()) {
                throw new Crash();
            }
            throw new Transient(what + ", answer lost");
        }
    }

    @Override
    public List<JsonNode> labelled(String namespace, String release) {
        for (String key : List.copyOf(unsure)) {
            before("look again");
            ObjectNode object = objects.get(key);
            if (object != null) {
                own.put(key, object);
            }
            unsure.remove(key);
        }
        Map<String, JsonNode> visible = new TreeMap<>(cached);
        visible.putAll(own);
        gone.forEach(visible::remove);
        return visible.values().stream()
                .filter(object -> release.equals(object.path("metadata")
                        .path("labels")
                        .path(ReleaseObjects.RELEASE)
                        .asText()))
                .toList();
    }

    @Override
    public Optional<JsonNode> find(ObjectKind kind, String namespace, String name) {
        before("find");
        return Optional.ofNullable(get(kind.kind(), name)).map(ObjectNode::deepCopy);
    }

    @Override
    public void apply(ObjectNode object) {
        before("apply " + key(object));
        if (object.at("/spec/template/spec/containers/0/image").asText().equals(REFUSED)) {
            throw new Refused(key(object) + ": the image is not allowed", new IllegalArgumentException(REFUSED));
        }
        ObjectNode live = objects.get(key(object));
        String version = object.at("/metadata/resourceVersion").asText();
        if (!version.isEmpty()
                && (live == null
                        || !version.equals(live.at("/metadata/resourceVersion").asText()))) {
            throw new Transient("conflict: " + key(object));
        }
        ObjectNode next = live == null ? JsonNodeFactory.instance.objectNode() : live.deepCopy();
        ObjectNode last = applied.get(key(object));
        if (last != null) {
            drop(next, last, object);
        }
        merge(next, object);
        applied.put(key(object), object.deepCopy());
        put(next);
        unsure.add(key(object));
        after("apply", object);
        unsure.remove(key(object));
        own.put(key(object), next.deepCopy());
        gone.remove(key(object));
    }

    /** Removes what was applied before and is no longer. */
    private static void drop(ObjectNode live, ObjectNode last, JsonNode wanted) {
        last.properties().forEach(entry -> {
            JsonNode still = wanted.path(entry.getKey());
            if (still.isMissingNode()) {
                live.remove(entry.getKey());
            } else if (entry.getValue() instanceof ObjectNode nested
                    && live.get(entry.getKey()) instanceof ObjectNode liveNested) {
                drop(liveNested, nested, still);
            }
        });
    }

    private static void merge(ObjectNode live, ObjectNode wanted) {
        wanted.properties().forEach(entry -> {
            if (entry.getValue() instanceof ObjectNode nested && live.get(entry.getKey()) instanceof ObjectNode into) {
                merge(into, nested);
            } else {
                live.set(entry.getKey(), entry.getValue().deepCopy());
            }
        });
    }

    @Override
    public void delete(JsonNode object) {
        before("delete " + key(object));
        remove(
                object.path("kind").asText(),
                object.path("metadata").path("name").asText());
        after("delete", object);
        own.remove(key(object));
        gone.add(key(object));
    }

    @Override
    public boolean writeStatus(JsonNode release, ObjectNode status) {
        before("status");
        ObjectNode live = get("Release", RELEASE);
        if (live == null || !live.at("/metadata/resourceVersion").equals(release.at("/metadata/resourceVersion"))) {
            return false;
        }
        ObjectNode next = live.deepCopy();
        next.set("status", status.deepCopy());
        put(next);
        after("status", next);
        return true;
    }

    @Override
    public void event(JsonNode release, String type, String reason, String message) {
        // nothing depends on events
    }
}
