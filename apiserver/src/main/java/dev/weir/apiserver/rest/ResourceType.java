package dev.weir.apiserver.rest;

import java.util.List;
import java.util.Set;

/**
 * One kind as one group version serves it.
 *
 * @param group empty for the core group
 * @param verbs as discovery lists them, for example {@code get} and {@code watch}
 * @param subresources names such as {@code status} and {@code scale}
 */
public record ResourceType(
        String group,
        String version,
        String plural,
        String singular,
        String kind,
        String listKind,
        boolean namespaced,
        List<String> shortNames,
        List<String> categories,
        List<String> verbs,
        Set<String> subresources) {

    /** {@code v1} for the core group, else {@code group/version}. */
    public String apiVersion() {
        return group.isEmpty() ? version : group + "/" + version;
    }

    /** The name that error messages use: {@code pods}, {@code deployments.apps}. */
    public String qualifiedPlural() {
        return group.isEmpty() ? plural : plural + "." + group;
    }
}
