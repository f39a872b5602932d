package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLException;

/** A certificate with its key, of a Secret, and what a server needs to show it. */
record TlsIdentity(SslContext context) {
    /** Reading keys is slow beside what else a new configuration takes, and most do not change. */
    private static final Map<String, TlsIdentity> READ = new ConcurrentHashMap<>();

    /**
     * Reads {@code tls.crt} and {@code tls.key}.
     *
     * @throws GeneralSecurityException if one of them is missing or malformed, or they do not belong together
     */
    static TlsIdentity of(JsonNode secret) throws GeneralSecurityException {
        String chain = text(secret, "tls.crt");
        String key = text(secret, "tls.key");
        TlsIdentity known = READ.get(chain + key);
        if (known == null) {
            known = read(chain, key);
            READ.put(chain + key, known);
        }
        return known;
    }

    /** Forgets those that no configuration has any more. */
    static void retain(Set<TlsIdentity> used) {
        READ.values().retainAll(used);
    }

    private static String text(JsonNode secret, String name) throws GeneralSecurityException {
        JsonNode value = secret.path("data").path(name);
        if (!value.isTextual()) {
            throw new GeneralSecurityException("data." + name + " is missing");
        }
        try {
            return new String(Base64.getMimeDecoder().decode(value.asText()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException wrong) {
            throw new GeneralSecurityException("data." + name + " is not base64", wrong);
        }
    }

    private static TlsIdentity read(String chain, String key) throws GeneralSecurityException {
        X509Certificate[] certificates = CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(chain.getBytes(StandardCharsets.UTF_8)))
                .toArray(X509Certificate[]::new);
        if (certificates.length == 0) {
            throw new GeneralSecurityException("data.tls.crt has no certificate");
        }
        try {
            return new TlsIdentity(SslContextBuilder.forServer(PemKey.read(key), certificates)
                    .sslProvider(SslProvider.JDK)
                    .protocols("TLSv1.3", "TLSv1.2")
                    .applicationProtocolConfig(new ApplicationProtocolConfig(
                            Protocol.ALPN,
                            SelectorFailureBehavior.NO_ADVERTISE,
                            SelectedListenerFailureBehavior.ACCEPT,
                            ApplicationProtocolNames.HTTP_2,
                            ApplicationProtocolNames.HTTP_1_1))
                    .build());
        } catch (SSLException | IllegalArgumentException wrong) {
            throw new GeneralSecurityException(wrong.getMessage(), wrong);
        }
    }
}
