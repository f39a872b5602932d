package dev.weir.apiserver.rest;

import org.jspecify.annotations.Nullable;

/**
 * One thing wrong with one field, worded as Kubernetes words it (field.Error in apimachinery).
 *
 * @param field path such as {@code spec.ports[0].port}; empty for the whole object
 * @param value the offending value as Go would print it (strings quoted), or null where the kind of error prints none
 * @param detail what is wrong or what is allowed; may be empty
 */
public record FieldError(Kind kind, String field, @Nullable String value, String detail) {
    /** The causes that a Status names, with the words that begin their message. */
    public enum Kind {
        REQUIRED("FieldValueRequired", "Required value"),
        INVALID("FieldValueInvalid", "Invalid value"),
        NOT_SUPPORTED("FieldValueNotSupported", "Unsupported value"),
        DUPLICATE("FieldValueDuplicate", "Duplicate value"),
        FORBIDDEN("FieldValueForbidden", "Forbidden"),
        TOO_LONG("FieldValueTooLong", "Too long"),
        TOO_MANY("FieldValueTooMany", "Too many"),
        NOT_FOUND("FieldValueNotFound", "Not found"),
        TYPE_INVALID("FieldValueTypeInvalid", "Invalid value"),
        INTERNAL("InternalError", "Internal error");

        private final String reason;
        private final String words;

        Kind(String reason, String words) {
            this.reason = reason;
            this.words = words;
        }

        /** {@code details.causes[].reason}. */
        public String reason() {
            return reason;
        }

        /** The words before the value. */
        public String words() {
            return words;
        }
    }

    /** {@code details.causes[].message}: everything but the field. */
    public String body() {
        StringBuilder text = new StringBuilder(kind.words());
        if (value != null) {
            text.append(": ").append(value);
        }
        if (!detail.isEmpty()) {
            text.append(": ").append(detail);
        }
        return text.toString();
    }

    /** The field and what is wrong with it, as the Status message lists it. */
    public String message() {
        return (field.isEmpty() ? "<nil>" : field) + ": " + body();
    }
}
