package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.TrafficRouters;
import dev.weir.model.ReleaseStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Says what the operator would do about a release, by running its very loop on a copy of what the cluster has. Nothing
 * in the cluster is changed.
 */
public final class Preview {
    /** A release settles in a few passes; one that does not is cut off here. */
    private static final int MOST_PASSES = 30;

    /** What the operator only reads, and what it keeps for itself. */
    private static final Set<String> UNTOLD =
            Set.of(ObjectKind.ENDPOINT_SLICE.kind(), ObjectKind.CONTROLLER_REVISION.kind());

    private Preview() {}

    /**
     * One object that would change.
     *
     * @param before null for one that would be made
     * @param after null for one that would be deleted
     */
    public record Change(
            String kind,
            String name,
            @Nullable JsonNode before,
            @Nullable JsonNode after) {}

    /**
     * What happens up to a point at which the operator waits.
     *
     * @param changes in the order of kind and name
     * @param status what the release would say of itself then
     */
    public record Stage(List<Change> changes, ReleaseStatus status) {}

    /**
     * What the operator would do at once, and what once every pod is ready.
     *
     * @param release as it would be stored, with its uid and generation
     * @throws io.fabric8.kubernetes.client.KubernetesClientException if the cluster cannot be asked
     */
    public static List<Stage> of(KubernetesClient client, ObjectNode release, Instant now) {
        TrafficRouters routers = TrafficRouters.load();
        PreviewWorld world = new PreviewWorld(client, new ReleaseReader(client, routers), release);
        Time time = new Time(now);
        ReleaseLoop loop = new ReleaseLoop(world, routers, time);
        List<Stage> stages = new ArrayList<>();
        stages.add(stage(world, () -> settle(world, loop)));
        stages.add(stage(world, () -> {
            world.pretendReady();
            for (int pass = 0; pass < MOST_PASSES; pass++) {
                Optional<Instant> wake = settle(world, loop);
                if (wake.isEmpty()) {
                    return;
                }
                time.now = wake.get().isAfter(time.now) ? wake.get() : time.now;
                world.pretendReady();
            }
        }));
        return stages;
    }

    private static Stage stage(PreviewWorld world, Runnable passes) {
        Map<String, JsonNode> before = world.objects();
        passes.run();
        Map<String, JsonNode> after = world.objects();
        TreeSet<String> keys = new TreeSet<>(before.keySet());
        keys.addAll(after.keySet());
        List<Change> changes = new ArrayList<>();
        for (String key : keys) {
            JsonNode was = before.get(key);
            JsonNode is = after.get(key);
            String kind = key.substring(0, key.indexOf('/'));
            if (!UNTOLD.contains(kind) && !Objects.equals(wanted(was), wanted(is))) {
                changes.add(new Change(kind, key.substring(kind.length() + 1), wanted(was), shown(wanted(is), was)));
            }
        }
        return new Stage(changes, ReleaseStatus.of(world.release()));
    }

    /** An object without what servers write into it. */
    private static @Nullable JsonNode wanted(@Nullable JsonNode object) {
        if (!(object instanceof ObjectNode known)) {
            return null;
        }
        ObjectNode wanted = known.deepCopy();
        wanted.remove("status");
        if (wanted.path("metadata") instanceof ObjectNode metadata) {
            metadata.remove(
                    List.of("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"));
            metadata.path("ownerReferences").forEach(owner -> ((ObjectNode) owner).remove("uid"));
        }
        return wanted;
    }

    /** A new object without the addresses that the server would draw for it. */
    private static @Nullable JsonNode shown(@Nullable JsonNode wanted, @Nullable JsonNode before) {
        if (before == null && wanted != null && wanted.path("spec") instanceof ObjectNode spec) {
            spec.remove(List.of("clusterIP", "clusterIPs"));
        }
        return wanted;
    }

    /** Passes until nothing changes at the present time; when the loop asks to be woken. */
    private static Optional<Instant> settle(PreviewWorld world, ReleaseLoop loop) {
        Optional<Instant> wake = Optional.empty();
        for (int pass = 0; pass < MOST_PASSES; pass++) {
            Map<String, JsonNode> before = world.objects();
            JsonNode release = world.release();
            wake = loop.pass(release);
            if (before.equals(world.objects()) && release.equals(world.release())) {
                return wake;
            }
        }
        return wake;
    }

    /** Time that passes when told to. */
    private static final class Time extends Clock {
        private Instant now;

        Time(Instant now) {
            this.now = now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }
}
