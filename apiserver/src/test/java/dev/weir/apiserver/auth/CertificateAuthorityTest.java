package dev.weir.apiserver.auth;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;

class CertificateAuthorityTest {
    private final CertificateAuthority authority = CertificateAuthority.create();

    @Test
    void aClientsCertificateNamesItsUserAndGroups() throws Exception {
        X509Certificate certificate =
                authority.client("jane", List.of("team:a", "system:masters")).certificate();
        assertThat(certificate.getSubjectX500Principal().getName()).isEqualTo("CN=jane,O=system:masters,O=team:a");
        assertThat(certificate.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.2");
        assertThat(certificate.getVersion()).isEqualTo(3);
        var path = CertificateFactory.getInstance("X.509").generateCertPath(List.of(certificate));
        PKIXParameters trust = new PKIXParameters(Set.of(new TrustAnchor(authority.certificate(), null)));
        trust.setRevocationEnabled(false);
        assertThat(CertPathValidator.getInstance("PKIX").validate(path, trust)).isNotNull();
    }

    @Test
    void theAuthorityMaySignAndOthersMayNot() {
        assertThat(authority.certificate().getBasicConstraints()).isEqualTo(Integer.MAX_VALUE);
        assertThat(authority.certificate().getKeyUsage()).startsWith(true, false, false, false, false, true);
        assertThat(authority.server("x", List.of("x")).certificate().getBasicConstraints())
                .isEqualTo(-1);
    }

    @Test
    void whatIsWrittenAsPemReadsTheSame() throws Exception {
        CertificateAuthority.Identity identity = authority.server("x", List.of("localhost"));
        try (InputStream in = new ByteArrayInputStream(identity.certificatePem().getBytes(StandardCharsets.UTF_8))) {
            assertThat(CertificateFactory.getInstance("X.509").generateCertificate(in))
                    .isEqualTo(identity.certificate());
        }
        String body = identity.keyPem().replaceAll("-----[A-Z ]+-----|\n", "");
        assertThat(KeyFactory.getInstance("EC")
                        .generatePrivate(
                                new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body))))
                .isEqualTo(identity.key());
    }

    /** A TLS handshake in which the client checks the name against the certificate. */
    @Test
    void aServersCertificateIsGoodForItsNamesAndAddresses() throws Exception {
        CertificateAuthority.Identity identity = authority.server("x", List.of("127.0.0.1", "localhost"));
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry("x", identity.key(), new char[0], new X509Certificate[] {identity.certificate()});
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, new char[0]);
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", authority.certificate());
        TrustManagerFactory others = TrustManagerFactory.getInstance("PKIX");
        others.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), others.getTrustManagers(), null);
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        try (var server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 1, loopback)) {
            Thread.startVirtualThread(() -> {
                try (var accepted = server.accept()) {
                    accepted.getOutputStream().write('!');
                } catch (java.io.IOException refused) {
                    // the client says why
                }
            });
            try (var client = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", server.getLocalPort())) {
                SSLParameters checked = client.getSSLParameters();
                checked.setEndpointIdentificationAlgorithm("HTTPS");
                client.setSSLParameters(checked);
                assertThat(client.getInputStream().read()).isEqualTo('!');
            }
        }
    }
}
