package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import java.security.GeneralSecurityException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Certificates by the Secret that has them. Immutable. */
final class Secrets {
    private final Map<String, TlsIdentity> identities = new HashMap<>();
    private final Map<String, String> problems = new HashMap<>();

    Secrets(List<JsonNode> secrets) {
        for (JsonNode secret : secrets) {
            try {
                identities.put(RouteTable.name(secret), TlsIdentity.of(secret));
            } catch (GeneralSecurityException wrong) {
                problems.put(RouteTable.name(secret), String.valueOf(wrong.getMessage()));
            }
        }
    }

    Optional<TlsIdentity> find(String namespace, String name) {
        return Optional.ofNullable(identities.get(namespace + "/" + name));
    }

    /** Why there is none of that name. */
    String problem(String namespace, String name) {
        return "Secret " + namespace + "/" + name + ": "
                + problems.getOrDefault(namespace + "/" + name, "there is none of the type kubernetes.io/tls");
    }

    Set<TlsIdentity> all() {
        return new HashSet<>(identities.values());
    }
}
