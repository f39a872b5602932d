package dev.weir.engine;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What was seen of a release's objects, all from one look.
 *
 * @param versions by name, also those that the spec has dropped
 * @param weightConfigs by version name
 * @param routed true if the routing object exists
 * @param notOwned wanted names that objects of others hold, each as {@code Kind/name}
 */
public record Observed(
        Map<String, Version> versions,
        Map<String, WeightConfig> weightConfigs,
        boolean routed,
        List<String> notOwned,
        Set<String> revisions) {

    /**
     * @param readyEndpoints ready addresses behind the version's service
     * @param rolledOut true if every pod is of the newest template and ready
     */
    public record Version(int replicas, int readyReplicas, int readyEndpoints, boolean rolledOut) {
        public static final Version ABSENT = new Version(0, 0, 0, false);

        public boolean ready() {
            return readyEndpoints > 0;
        }
    }

    /** @param annotation the percentage as it stands; {@code specPercent} the spec's value when it was written */
    public record WeightConfig(String annotation, String specPercent) {}

    public Version version(String name) {
        return versions.getOrDefault(name, Version.ABSENT);
    }
}
