package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Signs and checks the tokens of service accounts: JWTs with ES256. Safe for concurrent use. */
public final class ServiceAccountTokens {
    /** ECDSA as RFC 7518 wants it: both numbers side by side. */
    private static final String ALGORITHM = "SHA256withECDSAinP1363Format";

    private static final String ISSUER = "https://kubernetes.default.svc.cluster.local";

    private final KeyPair key;
    private final Clock clock;

    /** @param key on the curve P-256 */
    public ServiceAccountTokens(KeyPair key, Clock clock) {
        this.key = key;
        this.clock = clock;
    }

    public record Issued(String token, Instant expires) {}

    /** Whom a valid token names; whether that account still exists is for the caller to check. */
    public record Claims(String namespace, String name, String uid) {
        public User user() {
            return new User(
                    "system:serviceaccount:" + namespace + ":" + name,
                    uid,
                    List.of("system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"));
        }
    }

    /** @param seconds how long it is valid, at least ten minutes */
    public Issued issue(String namespace, String name, String uid, long seconds) {
        Instant now = clock.instant();
        Instant expires = now.plusSeconds(Math.max(600, seconds));
        ObjectNode claims = Json.MAPPER.createObjectNode();
        claims.put("iss", ISSUER).putArray("aud").add(ISSUER);
        claims.put("iat", now.getEpochSecond()).put("nbf", now.getEpochSecond()).put("exp", expires.getEpochSecond());
        claims.put("sub", "system:serviceaccount:" + namespace + ":" + name);
        ObjectNode kubernetes = claims.putObject("kubernetes.io");
        kubernetes.put("namespace", namespace);
        kubernetes.putObject("serviceaccount").put("name", name).put("uid", uid);
        String head = encode("{\"alg\":\"ES256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8));
        String body = encode(Json.write(claims).getBytes(StandardCharsets.UTF_8));
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initSign(key.getPrivate());
            signature.update((head + "." + body).getBytes(StandardCharsets.US_ASCII));
            return new Issued(head + "." + body + "." + encode(signature.sign()), expires);
        } catch (GeneralSecurityException broken) {
            throw new IllegalStateException(broken);
        }
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Empty if the token is not ours, altered or expired. */
    public Optional<Claims> verify(String token) {
        String[] parts = token.split("\\.");
        if (parts.length != 3) {
            return Optional.empty();
        }
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initVerify(key.getPublic());
            signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            if (!signature.verify(Base64.getUrlDecoder().decode(parts[2]))) {
                return Optional.empty();
            }
            JsonNode claims = Json.MAPPER.readTree(Base64.getUrlDecoder().decode(parts[1]));
            if (claims.path("exp").asLong() <= clock.instant().getEpochSecond()) {
                return Optional.empty();
            }
            JsonNode account = claims.path("kubernetes.io").path("serviceaccount");
            return Optional.of(new Claims(
                    claims.path("kubernetes.io").path("namespace").asText(),
                    account.path("name").asText(),
                    account.path("uid").asText()));
        } catch (GeneralSecurityException | IOException | IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }
}
