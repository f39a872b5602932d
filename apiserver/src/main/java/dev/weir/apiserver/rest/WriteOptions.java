package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.auth.User;
import dev.weir.apiserver.merge.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The query parameters of a write, checked. */
public record WriteOptions(boolean dryRun, String fieldValidation, String manager, boolean force, User user) {
    private static final int LONGEST_MANAGER = 128;
    private static final Set<String> VALIDATIONS = Set.of("", "Ignore", "Strict", "Warn");

    /** @param kind the options' kind in error messages, such as {@code CreateOptions} */
    static WriteOptions of(ApiRequest request, String kind) {
        List<FieldError> errors = new ArrayList<>();
        String dryRun = request.queryOr("dryRun", "");
        if (!dryRun.isEmpty() && !dryRun.equals("All")) {
            errors.add(new FieldError(
                    FieldError.Kind.NOT_SUPPORTED, "dryRun", "[\"" + dryRun + "\"]", "supported values: \"All\""));
        }
        String validation = request.queryOr("fieldValidation", "");
        if (!VALIDATIONS.contains(validation)) {
            errors.add(new FieldError(
                    FieldError.Kind.NOT_SUPPORTED,
                    "fieldValidation",
                    "\"" + validation + "\"",
                    "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""));
        }
        errors.addAll(ofManager(request.queryOr("fieldManager", "")));
        boolean apply = request.contentType().equals("application/apply-patch+yaml");
        if (apply && request.queryOr("fieldManager", "").isEmpty()) {
            errors.add(new FieldError(FieldError.Kind.REQUIRED, "fieldManager", null, "is required for apply patch"));
        }
        if (kind.equals("PatchOptions") && !apply && request.query("force") != null) {
            errors.add(new FieldError(
                    FieldError.Kind.FORBIDDEN, "force", null, "may not be specified for non-apply patch"));
        }
        if (!errors.isEmpty()) {
            throw ApiException.invalid("meta.k8s.io", kind, "", errors);
        }
        return new WriteOptions(
                dryRun.equals("All"),
                validation.isEmpty() ? "Warn" : validation,
                request.manager(),
                request.flag("force"),
                request.user());
    }

    private static List<FieldError> ofManager(String manager) {
        List<FieldError> errors = new ArrayList<>();
        if (manager.codePointCount(0, manager.length()) > LONGEST_MANAGER) {
            errors.add(new FieldError(
                    FieldError.Kind.TOO_LONG,
                    "fieldManager",
                    null,
                    "may not be more than " + LONGEST_MANAGER + " bytes"));
        }
        manager.codePoints()
                .filter(Character::isISOControl)
                .findFirst()
                .ifPresent(control -> errors.add(new FieldError(
                        FieldError.Kind.INVALID,
                        "fieldManager",
                        Json.write(Json.MAPPER.getNodeFactory().textNode(manager)),
                        String.format(
                                "invalid character U+%04X (at position %d)",
                                control,
                                manager.codePoints()
                                        .takeWhile(c -> c != control)
                                        .count()))));
        return errors;
    }

    /** Turns unknown fields into warnings, or into an error if the caller is strict. */
    List<String> report(ResourceType type, List<String> unknown) {
        if (unknown.isEmpty() || fieldValidation.equals("Ignore")) {
            return List.of();
        }
        if (fieldValidation.equals("Strict")) {
            throw ApiException.badRequest(type.kind() + " in version \"" + type.version()
                    + "\" cannot be handled as a " + type.kind() + ": strict decoding error: "
                    + String.join(", ", unknown));
        }
        return unknown;
    }

    /** {@code dryRun} as a DELETE body may carry it. */
    boolean dryRunWith(JsonNode body) {
        return dryRun || body.path("dryRun").path(0).asText().equals("All");
    }
}
