package dev.weir.engine;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was seen of a release's objects, all from one look, and what its status remembers.
 *
 * @param versions by name, also those that the spec has dropped
 * @param weightConfigs by version name
 * @param route what the routing object says at present
 * @param serving the version that answered when a route of ours was last seen; empty if none ever was
 * @param routed the route that was in force when last decided, and since when; null if it was not the wanted one
 * @param oldRoutes routing objects of the release under another name or of another router, each as {@code Kind/name}
 * @param oldEntrance true if the application's Service is of the type that another router needs
 * @param notOwned wanted names that objects of others hold
 */
public record Observed(
        Map<String, Version> versions,
        Map<String, WeightConfig> weightConfigs,
        Route route,
        String serving,
        @Nullable Routed routed,
        List<String> oldRoutes,
        boolean oldEntrance,
        List<Taken> notOwned) {
    public Observed {
        versions = Map.copyOf(versions);
        weightConfigs = Map.copyOf(weightConfigs);
        oldRoutes = List.copyOf(oldRoutes);
        notOwned = List.copyOf(notOwned);
    }

    /** The routing object, read back. */
    public sealed interface Route {
        /** There is none. */
        record Missing() implements Route {}

        /**
         * It says what this plan says, and nothing else.
         *
         * @param revision tells the object as it is from what it was and from others of its name
         * @param attachments where it is to be served; a place that says nothing, and need not, may be left out
         * @param absent gateways that the release wants, as it names them, and that are known not to exist
         */
        record InForce(TrafficPlan plan, String revision, List<Attachment> attachments, List<String> absent)
                implements Route {
            public InForce {
                attachments = List.copyOf(attachments);
                absent = List.copyOf(absent);
            }
        }

        /** It says something that no plan says: somebody edited it. */
        record Edited() implements Route {}
    }

    /**
     * @param hash of the template that its pods shall run; empty if unknown
     * @param port of its Service; 0 without one
     * @param readyEndpoints ready addresses behind the version's service
     * @param rolledOut true if every pod is of the newest template and ready
     * @param standing what the status remembers of its readiness
     */
    public record Version(
            String hash,
            int port,
            int replicas,
            int readyReplicas,
            int readyEndpoints,
            boolean rolledOut,
            Standing standing) {
        public static final Version ABSENT = new Version("", 0, 0, 0, 0, false, Standing.NEW);

        public boolean ready() {
            return readyEndpoints > 0;
        }
    }

    /**
     * An object of somebody else.
     *
     * @param object {@code Kind/name}
     * @param release the Release that it is part of; empty if it is of none that exists
     */
    public record Taken(String object, String release) {
        String words() {
            return release.isEmpty() ? object : object + " of Release/" + release;
        }
    }

    /** @param annotation the weight as it stands; {@code specWeight} the spec's value when it was written */
    public record WeightConfig(String annotation, String specWeight) {}

    public Version version(String name) {
        return versions.getOrDefault(name, Version.ABSENT);
    }
}
