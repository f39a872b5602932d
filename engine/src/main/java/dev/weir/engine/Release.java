package dev.weir.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A release as the user wants it, checked. The first version is the primary. */
public record Release(
        String name,
        String namespace,
        String router,
        Strategy strategy,
        String service,
        List<String> gateways,
        boolean adopt,
        List<Version> versions) {

    /** How traffic treats the versions after the first. */
    public enum Strategy {
        NONE,
        MIRROR
    }

    /**
     * One version of the application.
     *
     * @param hash of everything that decides what its pods run
     * @param workload metadata and spec of the Deployment that runs it; opaque
     * @param serviceTemplate metadata and spec over the generated Service; opaque, null for none
     * @param existing the name of a Deployment that somebody else made, instead of {@code workload}
     * @param mirrorPercent the spec's value; only candidates of a mirroring release use it
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
            MirrorPercent mirrorPercent) {}

    public Version primary() {
        return versions.getFirst();
    }

    public List<Version> candidates() {
        return versions.subList(1, versions.size());
    }

    public Optional<Version> version(String version) {
        return versions.stream().filter(v -> v.name().equals(version)).findFirst();
    }
}
