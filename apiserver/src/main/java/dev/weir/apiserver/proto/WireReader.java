package dev.weir.apiserver.proto;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads the protobuf wire format. */
final class WireReader {
    /** As deep as JSON may be; schemas of definitions can hold one another without end. */
    private static final int MOST_DEPTH = 250;

    private final byte[] data;
    private final int end;
    private final int depth;
    private int at;

    WireReader(byte[] data, int from, int end) {
        this(data, from, end, 0);
    }

    private WireReader(byte[] data, int from, int end, int depth) {
        this.data = data;
        this.at = from;
        this.end = end;
        this.depth = depth;
    }

    boolean hasMore() {
        return at < end;
    }

    long varint() throws IOException {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (at >= end) {
                throw new IOException("truncated");
            }
            byte b = data[at++];
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw new IOException("varint is too long");
    }

    private int length() throws IOException {
        long length = varint();
        if (length < 0 || length > end - at) {
            throw new IOException("truncated");
        }
        return (int) length;
    }

    byte[] bytes() throws IOException {
        int length = length();
        at += length;
        return Arrays.copyOfRange(data, at - length, at);
    }

    String text() throws IOException {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    /** The next length-delimited field as a reader of its own. */
    WireReader slice() throws IOException {
        int length = length();
        at += length;
        if (depth == MOST_DEPTH) {
            throw new IOException("nested too deeply: limit is " + MOST_DEPTH);
        }
        return new WireReader(data, at - length, at, depth + 1);
    }

    double fixedDouble() throws IOException {
        advance(8);
        return ByteBuffer.wrap(data, at - 8, 8).order(ByteOrder.LITTLE_ENDIAN).getDouble();
    }

    void skip(int wire) throws IOException {
        switch (wire) {
            case 0 -> varint();
            case 1 -> advance(8);
            case 2 -> slice();
            case 5 -> advance(4);
            default -> throw new IOException("unknown wire type " + wire);
        }
    }

    private void advance(int bytes) throws IOException {
        if (bytes > end - at) {
            throw new IOException("truncated");
        }
        at += bytes;
    }
}
