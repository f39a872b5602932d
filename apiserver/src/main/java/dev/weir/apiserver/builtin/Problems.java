package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import java.util.ArrayList;
import java.util.List;

/** What was found wrong with an object so far. */
final class Problems {
    private static final String PERCENT =
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used"
                    + " for validation is '[0-9]+%')";

    private final List<FieldError> found = new ArrayList<>();

    List<FieldError> found() {
        return found;
    }

    void required(String field, String detail) {
        found.add(new FieldError(Kind.REQUIRED, field, null, detail));
    }

    void forbidden(String field, String detail) {
        found.add(new FieldError(Kind.FORBIDDEN, field, null, detail));
    }

    void invalid(String field, JsonNode value, String detail) {
        found.add(new FieldError(Kind.INVALID, field, value.isMissingNode() ? "null" : Json.write(value), detail));
    }

    /** For the errors that print no value. */
    void invalid(String field, String detail) {
        found.add(new FieldError(Kind.INVALID, field, null, detail));
    }

    void unsupported(String field, JsonNode value, List<String> allowed) {
        found.add(new FieldError(
                Kind.NOT_SUPPORTED,
                field,
                Json.write(value),
                "supported values: \"" + String.join("\", \"", allowed) + "\""));
    }

    void notFound(String field, JsonNode value, String detail) {
        found.add(new FieldError(Kind.NOT_FOUND, field, Json.write(value), detail));
    }

    void duplicate(String field, JsonNode value) {
        found.add(new FieldError(Kind.DUPLICATE, field, Json.write(value), ""));
    }

    void all(List<FieldError> more) {
        found.addAll(more);
    }

    /** A number that is not negative, or a text that is a percentage of at most a hundred where that is asked. */
    void share(String field, JsonNode value, boolean atMostAll) {
        if (value.isTextual() && !value.asText().matches("[0-9]+%")) {
            invalid(field, value, PERCENT);
        } else if (value.isTextual()
                && atMostAll
                && value.asText().length() > 3
                && !value.asText().equals("100%")) {
            invalid(field, value, "must not be greater than 100%");
        } else if (value.isNumber() && value.asLong() < 0) {
            invalid(field, value, "must be greater than or equal to 0");
        }
    }

    /** A count of a status that another one bounds. */
    void atMost(JsonNode status, String field, String bound, String words) {
        if (status.path(field).asLong() > status.path(bound).asLong()) {
            found.add(new FieldError(
                    Kind.INVALID,
                    "status." + field,
                    Long.toString(status.path(field).asLong()),
                    "cannot be greater than " + words));
        }
    }

    /** Expressions of a label selector. */
    void selector(String path, JsonNode selector) {
        JsonNode expressions = selector.path("matchExpressions");
        for (int i = 0; i < expressions.size(); i++) {
            JsonNode one = expressions.get(i);
            String at = path + ".matchExpressions[" + i + "]";
            switch (one.path("operator").asText("")) {
                case "In", "NotIn" -> {
                    if (one.path("values").isEmpty()) {
                        required(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
                    }
                }
                case "Exists", "DoesNotExist" -> {
                    if (!one.path("values").isEmpty()) {
                        forbidden(at + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                    }
                }
                default -> invalid(at + ".operator", one.path("operator"), "not a valid selector operator");
            }
        }
    }
}
