package dev.weir.metrics;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Whose requests are asked for.
 *
 * @param namespace of all the versions
 * @param versions each once
 */
public record Subject(String namespace, List<Version> versions) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]*[a-z0-9])?");

    /**
     * One version.
     *
     * @param name of its Service, and of its workload where that has no other name
     * @param workload the name of its Deployment or what else runs it
     * @param onlyCopies true if no answer of it reaches a client, so that only its servers' side can tell of its requests
     */
    public record Version(String name, String workload, boolean onlyCopies) {
        public Version {
            require(name);
            require(workload);
        }
    }

    /** @throws IllegalArgumentException if a name is none that Kubernetes would accept */
    public Subject {
        require(namespace);
        versions = List.copyOf(versions);
    }

    private static void require(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("\"" + name + "\" is no name of an object");
        }
    }
}
