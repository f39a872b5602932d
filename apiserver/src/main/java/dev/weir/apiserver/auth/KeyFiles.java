package dev.weir.apiserver.auth;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;

/**
 * A folder with the keys that a server keeps from one start to the next, in PEM files that only their owner may read:
 * {@code ca.key} and {@code ca.crt}, {@code sa.key} and {@code sa.pub}. What is absent is made.
 */
public final class KeyFiles {
    private final Path folder;

    /** @throws IOException if the folder is absent and cannot be made */
    public KeyFiles(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectories(folder);
    }

    /** @throws IOException if files cannot be read or written, or hold something else; the message names the file */
    public CertificateAuthority authority() throws IOException {
        Path certificate = folder.resolve("ca.crt");
        Path key = folder.resolve("ca.key");
        // the certificate is written last: without it there was no server yet that used the key
        if (Files.exists(certificate)) {
            return CertificateAuthority.of(
                    new CertificateAuthority.Identity(privateKey(key), certificate(certificate)));
        }
        CertificateAuthority made = CertificateAuthority.create();
        write(key, made.root().keyPem());
        write(certificate, made.root().certificatePem());
        return made;
    }

    /** What signs the tokens of service accounts. */
    public KeyPair signingKey() throws IOException {
        Path secret = folder.resolve("sa.key");
        Path open = folder.resolve("sa.pub");
        if (Files.exists(open)) {
            return new KeyPair(publicKey(open), privateKey(secret));
        }
        KeyPair made = CertificateAuthority.keys();
        write(secret, CertificateAuthority.pem("PRIVATE KEY", made.getPrivate().getEncoded()));
        write(open, CertificateAuthority.pem("PUBLIC KEY", made.getPublic().getEncoded()));
        return made;
    }

    private static void write(Path file, String text) throws IOException {
        Path unfinished = file.resolveSibling(file.getFileName() + ".tmp");
        Files.deleteIfExists(unfinished);
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(
                    unfinished, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } else {
            Files.createFile(unfinished);
        }
        Files.writeString(unfinished, text);
        try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static PrivateKey privateKey(Path file) throws IOException {
        byte[] encoded = decoded(file);
        try {
            return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
        } catch (GeneralSecurityException broken) {
            throw new IOException(file + " is no private key: " + broken.getMessage(), broken);
        }
    }

    private static PublicKey publicKey(Path file) throws IOException {
        byte[] encoded = decoded(file);
        try {
            return KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(encoded));
        } catch (GeneralSecurityException broken) {
            throw new IOException(file + " is no public key: " + broken.getMessage(), broken);
        }
    }

    private static X509Certificate certificate(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        } catch (GeneralSecurityException broken) {
            throw new IOException(file + " is no certificate: " + broken.getMessage(), broken);
        }
    }

    private static byte[] decoded(Path file) throws IOException {
        String text = Files.readString(file, StandardCharsets.US_ASCII);
        try {
            return Base64.getMimeDecoder().decode(text.replaceAll("-----[A-Z ]+-----", ""));
        } catch (IllegalArgumentException broken) {
            throw new IOException(file + " is not in PEM: " + broken.getMessage(), broken);
        }
    }
}
