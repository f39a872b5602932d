package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import java.util.List;
import java.util.Optional;

/**
 * The cluster as the loop sees and changes it. Every call has a timeout; what the server refuses is a {@link Refused},
 * everything else that fails is worth another try.
 */
public interface World {
    /** The server will go on refusing this until somebody changes the cluster or the spec. */
    final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        public Refused(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /**
     * The objects that carry the release's label, whoever made them, from one look at the caches; own writes are among
     * them at once, also those whose answer was lost.
     */
    List<JsonNode> labelled(String namespace, String release);

    /** The objects that are part of the release. */
    default List<JsonNode> owned(JsonNode release) {
        JsonNode metadata = release.path("metadata");
        return ReleaseObjects.partsOf(
                release,
                labelled(
                        metadata.path("namespace").asText(),
                        metadata.path("name").asText()));
    }

    /**
     * An object by name whoever made it, asked of the server.
     *
     * @throws Refused if it may not be asked for
     */
    Optional<JsonNode> find(ObjectKind kind, String namespace, String name);

    /**
     * Server-side apply, taking conflicting fields over. One with a resource version fails if the object is no longer of
     * that version.
     */
    void apply(ObjectNode object);

    /** Deletes an object, as it was seen, if it is still there. */
    void delete(JsonNode object);

    /** Writes the status of a release with the resource version that it was read with; false on a conflict. */
    boolean writeStatus(JsonNode release, ObjectNode status);

    /** Tells users; nothing depends on its arrival. */
    void event(JsonNode release, String type, String reason, String message);
}
