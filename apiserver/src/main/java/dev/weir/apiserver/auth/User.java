package dev.weir.apiserver.auth;

import java.util.List;

/** Who asks. */
public record User(String name, String uid, List<String> groups) {
    /** True for members of {@code system:masters}, whom no rule can refuse. */
    public boolean isMaster() {
        return groups.contains("system:masters");
    }
}
