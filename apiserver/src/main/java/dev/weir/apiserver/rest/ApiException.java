package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A request that ends in a Status; worded as apimachinery's errors package words it. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final transient ObjectNode status;
    private transient List<String> warnings = List.of();

    private ApiException(int code, String reason, String message, @Nullable ObjectNode details) {
        super(message, null, false, false);
        this.code = code;
        this.status = status("Failure", message, reason, details, code);
    }

    /** The HTTP status code. */
    public int code() {
        return code;
    }

    /** The warnings to send along; empty if none. */
    public List<String> warnings() {
        return warnings;
    }

    /** This failure, with warnings about what was sent. */
    public ApiException withWarnings(List<String> about) {
        warnings = List.copyOf(about);
        return this;
    }

    /** The Status object to answer with. */
    public ObjectNode status() {
        return status;
    }

    /** A Status object, fields in the order in which Kubernetes writes them. */
    public static ObjectNode status(
            String outcome, @Nullable String message, @Nullable String reason, @Nullable ObjectNode details, int code) {
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        status.put("kind", "Status").put("apiVersion", "v1").putObject("metadata");
        status.put("status", outcome);
        if (message != null && !message.isEmpty()) {
            status.put("message", message);
        }
        if (reason != null && !reason.isEmpty()) {
            status.put("reason", reason);
        }
        if (details != null) {
            status.set("details", details);
        }
        if (code != 0) {
            status.put("code", code);
        }
        return status;
    }

    private static ObjectNode details(@Nullable String name, String group, String kind) {
        ObjectNode details = JsonNodeFactory.instance.objectNode();
        if (name != null && !name.isEmpty()) {
            details.put("name", name);
        }
        if (!group.isEmpty()) {
            details.put("group", group);
        }
        if (!kind.isEmpty()) {
            details.put("kind", kind);
        }
        return details;
    }

    public static ApiException notFound(ResourceType type, String name) {
        return new ApiException(
                404,
                "NotFound",
                type.qualifiedPlural() + " \"" + name + "\" not found",
                details(name, type.group(), type.plural()));
    }

    /** The answer for paths and subresources that nothing serves. */
    public static ApiException noSuchResource() {
        return new ApiException(
                404,
                "NotFound",
                "the server could not find the requested resource",
                JsonNodeFactory.instance.objectNode());
    }

    public static ApiException alreadyExists(ResourceType type, String name, boolean terminating) {
        String words = type.qualifiedPlural() + " \"" + name + "\" already exists";
        return new ApiException(
                409,
                "AlreadyExists",
                terminating ? "object is being deleted: " + words : words,
                details(name, type.group(), type.plural()));
    }

    /** Stale revision and the like: {@code Operation cannot be fulfilled on … : detail}. */
    public static ApiException conflict(ResourceType type, String name, String detail) {
        return conflict(type.qualifiedPlural(), type.group(), type.plural(), name, detail);
    }

    public static ApiException conflict(String qualified, String group, String kind, String name, String detail) {
        return new ApiException(
                409,
                "Conflict",
                "Operation cannot be fulfilled on " + qualified + " \"" + name + "\": " + detail,
                details(name, group, kind));
    }

    public static ApiException modified(ResourceType type, String name) {
        return conflict(
                type,
                name,
                "the object has been modified; please apply your changes to the latest version and try again");
    }

    /** A server-side apply whose fields others own. {@code causes} has one entry per field. */
    public static ApiException applyConflict(String message, List<ApplyCause> causes) {
        ObjectNode details = JsonNodeFactory.instance.objectNode();
        var list = details.putArray("causes");
        for (ApplyCause cause : causes) {
            list.addObject()
                    .put("reason", "FieldManagerConflict")
                    .put("message", cause.message())
                    .put("field", cause.field());
        }
        return new ApiException(409, "Conflict", message, details);
    }

    /** One field that another manager owns. */
    public record ApplyCause(String message, String field) {}

    public static ApiException badRequest(String message) {
        return new ApiException(400, "BadRequest", message, null);
    }

    public static ApiException invalid(ResourceType type, String name, List<FieldError> errors) {
        return invalid(type.group(), type.kind(), name, errors);
    }

    public static ApiException invalid(String group, String kind, String name, List<FieldError> errors) {
        ObjectNode details = details(name, group, kind);
        var causes = details.putArray("causes");
        for (FieldError error : errors) {
            causes.addObject()
                    .put("reason", error.kind().reason())
                    .put("message", error.body())
                    .put("field", error.field().isEmpty() ? "<nil>" : error.field());
        }
        String list = errors.stream().map(FieldError::message).distinct().collect(Collectors.joining(", "));
        String words = errors.size() == 1 || !list.contains(", ") && errors.size() < 2 ? list : "[" + list + "]";
        if (errors.stream().map(FieldError::message).distinct().count() == 1) {
            words = list;
        }
        String qualified = group.isEmpty() ? kind : kind + "." + group;
        return new ApiException(422, "Invalid", qualified + " \"" + name + "\" is invalid: " + words, details);
    }

    public static ApiException forbidden(ResourceType type, String name, String detail) {
        String subject = type.qualifiedPlural() + (name.isEmpty() ? "" : " \"" + name + "\"");
        return new ApiException(
                403, "Forbidden", subject + " is forbidden: " + detail, details(name, type.group(), type.plural()));
    }

    public static ApiException unauthorized() {
        return new ApiException(401, "Unauthorized", "Unauthorized", null);
    }

    public static ApiException forbiddenPath(String message) {
        return new ApiException(403, "Forbidden", message, JsonNodeFactory.instance.objectNode());
    }

    public static ApiException unsupportedMediaType(String message) {
        return new ApiException(415, "UnsupportedMediaType", message, null);
    }

    /** A media type that no patch has. */
    public static ApiException unknownMediaType() {
        return new ApiException(
                415, "UnsupportedMediaType", "415: Unsupported Media Type", JsonNodeFactory.instance.objectNode());
    }

    public static ApiException methodNotAllowed() {
        return new ApiException(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
                JsonNodeFactory.instance.objectNode());
    }

    /** As custom resources say it, which are routed apart. */
    public static ApiException methodNotSupported(ResourceType type, String verb) {
        return new ApiException(
                405,
                "MethodNotAllowed",
                verb + " is not supported on resources of kind \"" + type.qualifiedPlural() + "\"",
                details(null, type.group(), type.plural()));
    }

    public static ApiException notAcceptable(String message) {
        return new ApiException(406, "NotAcceptable", message, null);
    }

    /**
     * No representation that is served is one that the client takes.
     *
     * @param more further ones, each with a comma before it
     */
    public static ApiException nothingAcceptable(String more) {
        return new ApiException(
                406,
                "NotAcceptable",
                "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml,"
                        + " application/vnd.kubernetes.protobuf" + more,
                JsonNodeFactory.instance.objectNode());
    }

    public static ApiException expired(String message) {
        return new ApiException(410, "Expired", message, null);
    }

    /** An eviction that a disruption budget does not allow now; {@code why} says what the budget needs. */
    public static ApiException tooManyRequests(String message, String why) {
        ObjectNode details = JsonNodeFactory.instance.objectNode();
        details.putArray("causes").addObject().put("reason", "DisruptionBudget").put("message", why);
        return new ApiException(429, "TooManyRequests", message, details);
    }

    /** A revision that is not there yet; the client may ask again. */
    public static ApiException tooLargeRevision(String asked, long newest) {
        ObjectNode details = JsonNodeFactory.instance.objectNode();
        details.putArray("causes")
                .addObject()
                .put("reason", "ResourceVersionTooLarge")
                .put("message", "Too large resource version");
        details.put("retryAfterSeconds", 1);
        return new ApiException(
                504, "Timeout", "Timeout: Too large resource version: " + asked + ", current: " + newest, details);
    }

    public static ApiException tooLarge(String message) {
        return new ApiException(413, "RequestEntityTooLarge", message, null);
    }

    /** A patch that cannot be carried out on the object as it is. */
    public static ApiException rejectedPatch() {
        return new ApiException(
                422,
                "Invalid",
                "the server rejected our request due to an error in our request",
                JsonNodeFactory.instance.objectNode());
    }

    public static ApiException internal(String message) {
        return new ApiException(500, "", message, null);
    }

    public static ApiException unavailable(int code, String reason, String message) {
        return new ApiException(code, reason, message, null);
    }
}
