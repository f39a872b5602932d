package dev.weir.apiserver.auth;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A certificate authority of one server's own: it signs what the server and its clients show (X.509 version 3, RFC 5280,
 * with keys on the curve P-256).
 */
public final class CertificateAuthority {
    private static final Duration VALID = Duration.ofDays(3650);
    /** Clocks of clients may be a little behind. */
    private static final Duration EARLIER = Duration.ofHours(1);

    private static final byte[] ECDSA_WITH_SHA256 = Der.sequence(Der.oid("1.2.840.10045.4.3.2"));
    private static final String COMMON_NAME = "2.5.4.3";
    private static final String ORGANIZATION = "2.5.4.10";
    private static final String SERVER = "1.3.6.1.5.5.7.3.1";
    private static final String CLIENT = "1.3.6.1.5.5.7.3.2";
    private static final int LINE = 64;

    private final Identity root;

    /** A key and its certificate. */
    public record Identity(PrivateKey key, X509Certificate certificate) {
        public String keyPem() {
            return pem("PRIVATE KEY", key.getEncoded());
        }

        public String certificatePem() {
            try {
                return pem("CERTIFICATE", certificate.getEncoded());
            } catch (CertificateEncodingException broken) {
                throw new IllegalStateException(broken);
            }
        }
    }

    private CertificateAuthority(Identity root) {
        this.root = root;
    }

    /** A new authority with a fresh key. */
    public static CertificateAuthority create() {
        KeyPair keys = keys();
        byte[] name = Der.sequence(part(COMMON_NAME, "weir-ca"));
        byte[] extensions = Der.sequence(
                extension("2.5.29.19", true, Der.sequence(Der.yes())),
                // digitalSignature and keyCertSign
                extension("2.5.29.15", true, Der.bits(2, new byte[] {(byte) 0x84})));
        X509Certificate certificate = sign(name, name, keys.getPublic(), extensions, keys.getPrivate());
        return new CertificateAuthority(new Identity(keys.getPrivate(), certificate));
    }

    /** An authority that signs with a key that it had before. */
    static CertificateAuthority of(Identity root) {
        return new CertificateAuthority(root);
    }

    Identity root() {
        return root;
    }

    public X509Certificate certificate() {
        return root.certificate();
    }

    public String certificatePem() {
        return root.certificatePem();
    }

    /** A server's certificate for these names and IPv4 addresses. */
    public Identity server(String commonName, List<String> names) {
        byte[][] alternatives = names.stream()
                .map(name -> name.matches("[0-9.]+")
                        ? Der.of(0x87, address(name))
                        : Der.of(0x82, name.getBytes(StandardCharsets.US_ASCII)))
                .toArray(byte[][]::new);
        return issue(
                Der.sequence(part(COMMON_NAME, commonName)),
                purpose(SERVER),
                extension("2.5.29.17", false, Der.sequence(alternatives)));
    }

    private static byte[] address(String dotted) {
        String[] numbers = dotted.split("\\.");
        byte[] bytes = new byte[numbers.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(numbers[i]);
        }
        return bytes;
    }

    /** A client's certificate: the name is the user, each organization a group. */
    public Identity client(String user, List<String> groups) {
        List<byte[]> name = new ArrayList<>();
        groups.forEach(group -> name.add(part(ORGANIZATION, group)));
        name.add(part(COMMON_NAME, user));
        return issue(Der.sequence(name.toArray(byte[][]::new)), purpose(CLIENT));
    }

    private Identity issue(byte[] subject, byte[]... extensions) {
        KeyPair keys = keys();
        byte[] issuer = root.certificate().getSubjectX500Principal().getEncoded();
        X509Certificate certificate = sign(issuer, subject, keys.getPublic(), Der.sequence(extensions), root.key());
        return new Identity(keys.getPrivate(), certificate);
    }

    private static byte[] part(String type, String value) {
        return Der.set(Der.sequence(Der.oid(type), Der.text(value)));
    }

    private static byte[] purpose(String oid) {
        return extension("2.5.29.37", false, Der.sequence(Der.oid(oid)));
    }

    private static byte[] extension(String oid, boolean critical, byte[] value) {
        return Der.sequence(Der.oid(oid), critical ? Der.yes() : new byte[0], Der.octets(value));
    }

    private static X509Certificate sign(
            byte[] issuer, byte[] subject, PublicKey key, byte[] extensions, PrivateKey signer) {
        Instant now = Instant.now();
        byte[] version3 = Der.of(0xa0, Der.integer(BigInteger.TWO));
        byte[] body = Der.sequence(
                version3,
                Der.integer(new BigInteger(120, new SecureRandom())),
                ECDSA_WITH_SHA256,
                issuer,
                Der.sequence(Der.time(now.minus(EARLIER)), Der.time(now.plus(VALID))),
                subject,
                key.getEncoded(),
                Der.of(0xa3, extensions));
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(signer);
            signature.update(body);
            byte[] certificate = Der.sequence(body, ECDSA_WITH_SHA256, Der.bits(0, signature.sign()));
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(certificate));
        } catch (GeneralSecurityException broken) {
            throw new IllegalStateException(broken);
        }
    }

    /** A fresh pair on the curve P-256. */
    public static KeyPair keys() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(256);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException broken) {
            throw new IllegalStateException(broken);
        }
    }

    static String pem(String label, byte[] der) {
        return "-----BEGIN " + label + "-----\n"
                + Base64.getMimeEncoder(LINE, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END " + label + "-----\n";
    }
}
