package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.FieldError;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rules of one built-in kind that are known elsewhere. */
@FunctionalInterface
public interface KindCheck {
    /** Checks nothing. */
    KindCheck NONE = (_, _) -> List.of();

    /** @param old null on create */
    List<FieldError> problems(ObjectNode object, @Nullable ObjectNode old);
}
