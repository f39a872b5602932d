package dev.weir.apiserver.auth;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Writes the few ASN.1 values that a certificate consists of (X.690). */
final class Der {
    private static final int LONG_FORM = 0x80;
    private static final int FIRST_GENERALIZED_YEAR = 2050;

    private Der() {}

    /** A value of any type from the parts of its content. */
    static byte[] of(int tag, byte[]... parts) {
        byte[] content = join(parts);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        if (content.length < LONG_FORM) {
            out.write(content.length);
        } else {
            byte[] length = BigInteger.valueOf(content.length).toByteArray();
            int zeros = length[0] == 0 ? 1 : 0;
            out.write(LONG_FORM | length.length - zeros);
            out.write(length, zeros, length.length - zeros);
        }
        out.writeBytes(content);
        return out.toByteArray();
    }

    static byte[] sequence(byte[]... parts) {
        return of(0x30, parts);
    }

    static byte[] set(byte[]... parts) {
        return of(0x31, parts);
    }

    static byte[] integer(BigInteger value) {
        return of(0x02, value.toByteArray());
    }

    static byte[] yes() {
        return of(0x01, new byte[] {(byte) 0xff});
    }

    static byte[] text(String value) {
        return of(0x0c, value.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] octets(byte[] content) {
        return of(0x04, content);
    }

    /** @param unused how many bits of the last byte do not count */
    static byte[] bits(int unused, byte[] content) {
        return of(0x03, new byte[] {(byte) unused}, content);
    }

    /** An object identifier from its dotted form. */
    static byte[] oid(String dotted) {
        String[] arcs = dotted.split("\\.");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(base128(40L * Long.parseLong(arcs[0]) + Long.parseLong(arcs[1])));
        for (int i = 2; i < arcs.length; i++) {
            out.writeBytes(base128(Long.parseLong(arcs[i])));
        }
        return of(0x06, out.toByteArray());
    }

    private static byte[] base128(long value) {
        int length = 1;
        for (long rest = value >> 7; rest > 0; rest >>= 7) {
            length++;
        }
        byte[] bytes = new byte[length];
        for (int i = length - 1; i >= 0; i--) {
            bytes[i] = (byte) (value >> 7 * (length - 1 - i) & 0x7f | (i < length - 1 ? 0x80 : 0));
        }
        return bytes;
    }

    /** A time of a certificate, in seconds: two digits of the year until 2049, as RFC 5280 wants it. */
    static byte[] time(Instant at) {
        boolean generalized = at.atZone(ZoneOffset.UTC).getYear() >= FIRST_GENERALIZED_YEAR;
        String text = DateTimeFormatter.ofPattern(generalized ? "yyyyMMddHHmmss'Z'" : "yyMMddHHmmss'Z'", Locale.ROOT)
                .withZone(ZoneOffset.UTC)
                .format(at);
        return of(generalized ? 0x18 : 0x17, text.getBytes(StandardCharsets.US_ASCII));
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
