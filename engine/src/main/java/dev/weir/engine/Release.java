package dev.weir.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A release as the user wants it, checked. The first version is the primary.
 *
 * @param service the name that clients call it by
 * @param port of the Service of that name
 * @param gateways attachment points besides the mesh
 * @param adopt whether objects of others are taken over
 */
public record Release(
        String name,
        String namespace,
        String router,
        Strategy strategy,
        String service,
        int port,
        List<String> gateways,
        boolean adopt,
        List<Version> versions) {

    /** How traffic treats the versions after the first. */
    public enum Strategy {
        /** Every request goes to the primary. */
        NONE,
        /** A candidate gets copies, whose answers nobody sees. */
        MIRROR,
        /** A candidate gets the requests that match its conditions. */
        CANARY,
        /** Every version gets its share of all requests. */
        BLUE_GREEN
    }

    /**
     * One version of the application.
     *
     * @param hash of everything that decides what its pods run
     * @param workload metadata and spec of the Deployment that runs it; opaque
     * @param serviceTemplate metadata and spec over the generated Service; opaque, null for none
     * @param existing the name of a Deployment that somebody else made, instead of {@code workload}
     * @param mirrorPercent the spec's value; only candidates of a mirroring release use it
     * @param share relative weight, 0 to 1 000 000; only a blue-green release uses it
     * @param matches which requests a candidate gets; only a canary release uses it, and there it is never empty
     */
    public record Version(
            String name,
            String hash,
            int port,
            Map<String, String> labels,
            Map<String, String> annotations,
            ObjectNode workload,
            @Nullable JsonNode serviceTemplate,
            @Nullable String existing,
            MirrorPercent mirrorPercent,
            int share,
            List<Match> matches) {
        public Version {
            matches = List.copyOf(matches);
        }
    }

    public Version primary() {
        return versions.getFirst();
    }

    public List<Version> candidates() {
        return versions.subList(1, versions.size());
    }

    /** The versions whose weight a user may override. */
    public List<Version> weighted() {
        return switch (strategy) {
            case NONE, CANARY -> List.of();
            case MIRROR -> candidates();
            case BLUE_GREEN -> versions;
        };
    }

    public Optional<Version> version(String version) {
        return versions.stream().filter(v -> v.name().equals(version)).findFirst();
    }
}
