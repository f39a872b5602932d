package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.FieldSet;
import dev.weir.apiserver.schema.Schema;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What differs from kind to kind on the way of a write. Stateless; objects are changed in place. */
public interface ResourceStrategy {
    /** The kind's schema, for merging and field management. */
    Schema schema();

    /**
     * Drops what the kind does not know and refuses wrong types.
     *
     * @return the unknown or duplicate fields found, worded as strict decoding words them
     * @throws ApiException 400 for a value that the kind cannot hold
     */
    List<String> decode(ObjectNode object);

    /** Fills in defaults; must be idempotent. */
    void setDefaults(ObjectNode object);

    /** Sets what the server decides about a new object, such as the initial status. */
    void prepareForCreate(ObjectNode object);

    /** Carries over what an update of the main resource may not change. */
    void prepareForUpdate(ObjectNode object, ObjectNode old);

    /**
     * What is wrong with an object.
     *
     * @param old null on create
     * @param ofMetadata what is already known to be wrong with its metadata; comes first in the answer
     */
    List<FieldError> validate(ObjectNode object, @Nullable ObjectNode old, List<FieldError> ofMetadata);

    /** What the writer of this object should be told although it is accepted. */
    List<String> warnings(ObjectNode object);

    /** Paths that the main resource ({@code ""}) or a subresource does not write. */
    FieldSet resetFields(String subresource);

    /** True if {@code metadata.generation} counts the changes of this kind. */
    boolean hasGeneration();

    /** True if two states differ in what {@code generation} counts. */
    boolean specChanged(ObjectNode object, ObjectNode old);

    /** True if an update may leave out the resource version. */
    boolean allowsUnconditionalUpdate();

    /** True if strategic merge patches are served. */
    boolean servesStrategicMerge();

    /** Turns a stored object into this version's form; changes nothing in place. */
    ObjectNode onRead(ObjectNode stored);

    /** What whoever asks for this version should be told; empty if the version is in good standing. */
    default Optional<String> deprecation() {
        return Optional.empty();
    }

    /** Fields beyond the usual that lists and watches may select by, such as {@code spec.color}. */
    default Set<String> selectableFields() {
        return Set.of();
    }

    /** Hides what is stored but not shown to readers and to writers of the main resource; changes nothing in place. */
    default ObjectNode shown(ObjectNode object) {
        return object;
    }
}
