package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/** The cluster as the loop sees and changes it. */
public interface World {
    /** The objects that carry the release's label, from one look at the caches. */
    List<JsonNode> owned(String namespace, String release);

    /** An object by name whoever made it, asked of the server. */
    Optional<JsonNode> find(String apiVersion, String kind, String namespace, String name);

    /** Server-side apply, taking conflicting fields over. */
    void apply(ObjectNode object);

    /** Deletes an object if it is still there. */
    void delete(JsonNode object);

    /** Writes the status of a release with the resource version that it was read with; false on a conflict. */
    boolean writeStatus(JsonNode release, ObjectNode status);

    void event(JsonNode release, String type, String reason, String message);
}
