package dev.weir.apiserver.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/** What a real API server of the imitated version answered; see NOTICE.txt beside the files. */
public final class Recorded {
    private static final String FOLDER = "/dev/weir/apiserver/kubernetes-1.34/";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Recorded() {}

    /** Reads a file, unpacked if its name ends in {@code .gz}. */
    public static byte[] bytes(String file) {
        try (InputStream in = Recorded.class.getResourceAsStream(FOLDER + file)) {
            Objects.requireNonNull(in, file);
            return file.endsWith(".gz") ? new GZIPInputStream(in, 65_536).readAllBytes() : in.readAllBytes();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** Reads a packed file as it is. */
    public static byte[] packed(String file) {
        try (InputStream in = Recorded.class.getResourceAsStream(FOLDER + file)) {
            return Objects.requireNonNull(in, file).readAllBytes();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    public static boolean exists(String file) {
        return Recorded.class.getResource(FOLDER + file) != null;
    }

    public static JsonNode json(String file) {
        try {
            return JSON.readTree(bytes(file));
        } catch (IOException failure) {
            throw new UncheckedIOException(file, failure);
        }
    }
}
