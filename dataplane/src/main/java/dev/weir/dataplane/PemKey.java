package dev.weir.dataplane;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads private keys as tools write them: PKCS #8, and the older forms of RSA (PKCS #1) and EC (SEC 1) keys. */
final class PemKey {
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ((?:RSA |EC )?)PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END");
    private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500");
    private static final byte[] EC_OID = HexFormat.of().parseHex("06072a8648ce3d0201");
    private static final byte[] VERSION = {2, 1, 0};
    private static final int SEQUENCE = 0x30;
    private static final int OCTETS = 0x04;
    private static final int PARAMETERS = 0xa0;

    private PemKey() {}

    /** @throws GeneralSecurityException if there is no key, or none that can be used */
    static PrivateKey read(String pem) throws GeneralSecurityException {
        Matcher block = BLOCK.matcher(pem);
        if (!block.find()) {
            throw new GeneralSecurityException("there is no unencrypted private key");
        }
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(block.group(2).strip());
        } catch (IllegalArgumentException wrong) {
            throw new GeneralSecurityException("the private key is not base64", wrong);
        }
        byte[] pkcs8 = switch (block.group(1)) {
            case "RSA " -> wrap(RSA, der);
            case "EC " -> wrap(tagged(SEQUENCE, EC_OID, curve(der)), der);
            default -> der;
        };
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(pkcs8);
        GeneralSecurityException last = new GeneralSecurityException("the private key cannot be read");
        for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (GeneralSecurityException wrong) {
                last.addSuppressed(wrong);
            }
        }
        throw last;
    }

    private static byte[] wrap(byte[] algorithm, byte[] key) {
        return tagged(SEQUENCE, VERSION, algorithm, tagged(OCTETS, key));
    }

    /** The named curve, which SEC 1 keys have behind the number. */
    private static byte[] curve(byte[] key) throws GeneralSecurityException {
        for (int i = 0; i + 2 < key.length; i++) {
            int length = key[i + 1];
            boolean oid = key[i + 2] == 6 && i + 2 + length <= key.length && length > 2 && key[i + 3] == length - 2;
            if ((key[i] & 0xff) == PARAMETERS && oid) {
                return Arrays.copyOfRange(key, i + 2, i + 2 + length);
            }
        }
        throw new GeneralSecurityException("the private key names no curve");
    }

    private static byte[] tagged(int tag, byte[]... parts) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            content.writeBytes(part);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        int length = content.size();
        if (length > 0xff) {
            out.write(0x82);
            out.write(length >> 8);
        } else if (length > 0x7f) {
            out.write(0x81);
        }
        out.write(length);
        out.writeBytes(content.toByteArray());
        return out.toByteArray();
    }
}
