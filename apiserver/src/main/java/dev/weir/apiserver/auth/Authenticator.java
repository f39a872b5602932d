package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.store.VersionedStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.jspecify.annotations.Nullable;

/** Finds out who asks: by bearer token, service-account token or client certificate. */
public final class Authenticator {
    private final Map<String, User> tokens;
    private final ServiceAccountTokens accounts;
    private final VersionedStore store;

    private static final String AUTHENTICATED = "system:authenticated";

    public Authenticator(Map<String, User> tokens, ServiceAccountTokens accounts, VersionedStore store) {
        Map<String, User> known = new HashMap<>();
        tokens.forEach((token, user) -> known.put(token, authenticated(user)));
        this.tokens = Map.copyOf(known);
        this.accounts = accounts;
        this.store = store;
    }

    /** Whoever proved who he is belongs to a group of its own. */
    private static User authenticated(User user) {
        if (user.groups().contains(AUTHENTICATED)) {
            return user;
        }
        List<String> groups = new ArrayList<>(user.groups());
        groups.add(AUTHENTICATED);
        return new User(user.name(), user.uid(), List.copyOf(groups));
    }

    /** Empty for strangers. */
    public Optional<User> authenticate(@Nullable String authorization, @Nullable X509Certificate certificate) {
        if (authorization != null && authorization.startsWith("Bearer ")) {
            String token = authorization.substring("Bearer ".length()).strip();
            User known = tokens.get(token);
            return known != null ? Optional.of(known) : account(token);
        }
        return certificate == null ? Optional.empty() : ofCertificate(certificate);
    }

    private Optional<User> account(String token) {
        return accounts.verify(token)
                .filter(claims -> store.get(
                                new VersionedStore.Key("serviceaccounts", claims.namespace(), claims.name()))
                        .map(entry -> entry.object().path("metadata"))
                        .map(metadata -> isLive(metadata, claims.uid()))
                        .orElse(false))
                .map(ServiceAccountTokens.Claims::user);
    }

    private static boolean isLive(JsonNode metadata, String uid) {
        return metadata.path("uid").asText().equals(uid) && !metadata.has("deletionTimestamp");
    }

    private static Optional<User> ofCertificate(X509Certificate certificate) {
        String name = "";
        List<String> groups = new ArrayList<>();
        try {
            for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (part.getType().equalsIgnoreCase("CN")) {
                    name = part.getValue().toString();
                } else if (part.getType().equalsIgnoreCase("O")) {
                    groups.add(part.getValue().toString());
                }
            }
        } catch (InvalidNameException malformed) {
            return Optional.empty();
        }
        groups.add(AUTHENTICATED);
        return name.isEmpty() ? Optional.empty() : Optional.of(new User(name, "", groups));
    }
}
