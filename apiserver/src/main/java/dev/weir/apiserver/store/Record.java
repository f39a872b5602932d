package dev.weir.apiserver.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * What journal files consist of. A record in a file is its length, the checksum of its bytes, the checksum of these two
 * numbers (each four bytes, big-endian, CRC-32C), and its bytes: so a length that was altered is told from a record that
 * was not written to its end.
 */
sealed interface Record {
    int HEAD_BYTES = 12;
    /** Requests are smaller by far; a greater length is damage. */
    int MOST_BYTES = 64 << 20;

    ObjectMapper JSON = new ObjectMapper();

    /**
     * The first record of a file.
     *
     * @param revision the newest revision before the file's first write
     * @param skipped true if revisions were left out before this one, because it is not known which were given
     */
    record Start(long revision, boolean skipped) implements Record {}

    /** One write; in a snapshot, one object, {@code ADDED} at the revision of its last write. */
    record Write(VersionedStore.Change change, VersionedStore.Key key, long revision, ObjectNode object)
            implements Record {}

    /** The last record of a file that was finished. */
    record End(long revision) implements Record {}

    private static byte type(VersionedStore.Change change) {
        return (byte)
                switch (change) {
                    case ADDED -> 'A';
                    case MODIFIED -> 'M';
                    case DELETED -> 'D';
                };
    }

    /** The bytes of a write but for its revision, which {@link #framed} puts in. */
    static byte[] prepare(VersionedStore.Change change, VersionedStore.Key key, ObjectNode object) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(new byte[HEAD_BYTES]);
            out.writeByte(type(change));
            out.writeLong(0);
            out.writeUTF(key.resource());
            out.writeUTF(key.namespace());
            out.writeUTF(key.name());
            out.write(JSON.writeValueAsBytes(object));
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
        return bytes.toByteArray();
    }

    /** Completes the bytes that {@link #prepare} made, in place. */
    static byte[] framed(byte[] prepared, long revision) {
        ByteBuffer buffer = ByteBuffer.wrap(prepared);
        buffer.putLong(HEAD_BYTES + 1, revision);
        int length = prepared.length - HEAD_BYTES;
        buffer.putInt(0, length);
        buffer.putInt(4, checksum(prepared, HEAD_BYTES, length));
        buffer.putInt(8, checksum(prepared, 0, 8));
        return prepared;
    }

    /** The bytes of a start or an end. */
    static byte[] mark(Record record) {
        byte[] bytes = new byte[HEAD_BYTES + 1 + Long.BYTES];
        long revision = switch (record) {
            case Start start -> {
                bytes[HEAD_BYTES] = (byte) (start.skipped() ? 'G' : 'S');
                yield start.revision();
            }
            case End end -> {
                bytes[HEAD_BYTES] = 'E';
                yield end.revision();
            }
            case Write _ -> throw new IllegalArgumentException("a write is no mark");
        };
        return framed(bytes, revision);
    }

    static int checksum(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    /** @throws IOException if the bytes, though whole, are no record */
    static Record parse(byte[] file, int from, int length) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(file, from, length));
        int type = in.read();
        long revision = in.readLong();
        return switch (type) {
            case 'S' -> new Start(revision, false);
            case 'G' -> new Start(revision, true);
            case 'E' -> new End(revision);
            case 'A' -> write(VersionedStore.Change.ADDED, revision, in);
            case 'M' -> write(VersionedStore.Change.MODIFIED, revision, in);
            case 'D' -> write(VersionedStore.Change.DELETED, revision, in);
            default -> throw new IOException("unknown record type " + type);
        };
    }

    private static Write write(VersionedStore.Change change, long revision, DataInputStream in) throws IOException {
        VersionedStore.Key key = new VersionedStore.Key(in.readUTF(), in.readUTF(), in.readUTF());
        try {
            ObjectNode object = (ObjectNode) JSON.readTree(in.readAllBytes());
            object.withObject("/metadata").put("resourceVersion", Long.toString(revision));
            return new Write(change, key, revision, object);
        } catch (JsonProcessingException | ClassCastException malformed) {
            throw new IOException("no JSON object in it", malformed);
        }
    }
}
