package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules of {@code metadata} that hold for every kind. Pure. */
public final class ObjectMeta {
    private static final String ALNUM =
            "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric"
                    + " character";
    private static final Pattern SUBDOMAIN =
            Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
    private static final Pattern DNS_1035 = Pattern.compile("[a-z]([-a-z0-9]*[a-z0-9])?");
    private static final Pattern QUALIFIED = Pattern.compile("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]");
    private static final int MOST_ANNOTATION_BYTES = 256 * 1024;

    private ObjectMeta() {}

    /** Which names a kind allows. */
    public enum NameRule {
        SUBDOMAIN,
        LABEL,
        DNS_1035,
        PATH_SEGMENT
    }

    /** The rule for a resource's names. */
    public static NameRule ruleOf(ResourceType type) {
        return switch (type.plural()) {
            case "services" -> NameRule.DNS_1035;
            case "namespaces", "statefulsets" -> NameRule.LABEL;
            case "events", "poddisruptionbudgets", "roles", "rolebindings", "clusterroles", "clusterrolebindings" ->
                NameRule.PATH_SEGMENT;
            default -> NameRule.SUBDOMAIN;
        };
    }

    /** What is wrong with the metadata of a new object. */
    public static List<FieldError> validate(ObjectNode object, NameRule rule) {
        JsonNode metadata = object.path("metadata");
        List<FieldError> errors = new ArrayList<>();
        String name = metadata.path("name").asText("");
        if (name.isEmpty()) {
            errors.add(new FieldError(
                    FieldError.Kind.REQUIRED, "metadata.name", null, "name or generateName is required"));
        } else {
            String problem = nameProblem(name, rule);
            if (problem != null) {
                errors.add(invalid("metadata.name", name, problem));
            }
        }
        errors.addAll(validateLabels(metadata.path("labels"), "metadata.labels"));
        validateAnnotations(metadata.path("annotations"), errors);
        validateOwners(metadata.path("ownerReferences"), errors);
        for (JsonNode finalizer : metadata.path("finalizers")) {
            String problem = qualifiedProblem(finalizer.asText());
            if (problem != null) {
                errors.add(invalid("metadata.finalizers", finalizer.asText(), problem));
            }
        }
        return errors;
    }

    private static FieldError invalid(String field, String value, String detail) {
        return new FieldError(FieldError.Kind.INVALID, field, "\"" + value + "\"", detail);
    }

    /** Null if the name is fine. */
    public static @Nullable String nameProblem(String name, NameRule rule) {
        return switch (rule) {
            case SUBDOMAIN ->
                name.length() > 253
                        ? "must be no more than 253 characters"
                        : SUBDOMAIN.matcher(name).matches()
                                ? null
                                : "a lowercase RFC 1123 subdomain " + ALNUM
                                        + " (e.g. 'example.com', regex used for validation is '" + SUBDOMAIN + "')";
            case LABEL ->
                name.length() > 63
                        ? "must be no more than 63 characters"
                        : LABEL.matcher(name).matches()
                                ? null
                                : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
                                        + " and must start and end with an alphanumeric character (e.g. 'my-name',  or"
                                        + " '123-abc', regex used for validation is '" + LABEL + "')";
            case DNS_1035 ->
                name.length() > 63
                        ? "must be no more than 63 characters"
                        : DNS_1035.matcher(name).matches()
                                ? null
                                : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with"
                                        + " an alphabetic character, and end with an alphanumeric character (e.g."
                                        + " 'my-name',  or 'abc-123', regex used for validation is '" + DNS_1035 + "')";
            case PATH_SEGMENT ->
                name.equals(".") || name.equals("..")
                        ? "may not be '" + name + "'"
                        : name.contains("/")
                                ? "may not contain '/'"
                                : name.contains("%") ? "may not contain '%'" : null;
        };
    }

    public static List<FieldError> validateLabels(JsonNode labels, String field) {
        List<FieldError> errors = new ArrayList<>();
        labels.properties().forEach(label -> {
            String problem = qualifiedProblem(label.getKey());
            if (problem != null) {
                errors.add(invalid(field, label.getKey(), problem));
            }
            String value = label.getValue().asText();
            String wrong = labelValueProblem(value);
            if (wrong != null) {
                errors.add(invalid(field, value, wrong));
            }
        });
        return errors;
    }

    /** Null if a label may have this value. */
    static @Nullable String labelValueProblem(String value) {
        if (value.length() > 63) {
            return "must be no more than 63 characters";
        }
        return value.isEmpty() || QUALIFIED.matcher(value).matches()
                ? null
                : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and"
                        + " must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or"
                        + " '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    }

    static @Nullable String qualifiedProblem(String key) {
        String name = key.substring(key.lastIndexOf('/') + 1);
        String prefix = key.contains("/") ? key.substring(0, key.lastIndexOf('/')) : null;
        if (prefix != null && prefix.isEmpty()) {
            return "prefix part must be non-empty";
        }
        if (prefix != null && !SUBDOMAIN.matcher(prefix).matches()) {
            return "prefix part a lowercase RFC 1123 subdomain " + ALNUM
                    + " (e.g. 'example.com', regex used for validation is '" + SUBDOMAIN + "')";
        }
        if (name.isEmpty()) {
            return "name part must be non-empty";
        }
        if (name.length() > 63) {
            return "name part must be no more than 63 characters";
        }
        return QUALIFIED.matcher(name).matches()
                ? null
                : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
                        + " alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for"
                        + " validation is '" + QUALIFIED + "')";
    }

    private static void validateAnnotations(JsonNode annotations, List<FieldError> errors) {
        long bytes = 0;
        for (var annotation : annotations.properties()) {
            String problem = qualifiedProblem(annotation.getKey().toLowerCase(java.util.Locale.ROOT));
            if (problem != null) {
                errors.add(invalid("metadata.annotations", annotation.getKey(), problem));
            }
            bytes += annotation.getKey().length()
                    + annotation.getValue().asText().length();
        }
        if (bytes > MOST_ANNOTATION_BYTES) {
            errors.add(new FieldError(
                    FieldError.Kind.TOO_LONG,
                    "metadata.annotations",
                    null,
                    "may not be more than " + MOST_ANNOTATION_BYTES + " bytes"));
        }
    }

    private static void validateOwners(JsonNode owners, List<FieldError> errors) {
        List<String> controllers = new ArrayList<>();
        for (int i = 0; i < owners.size(); i++) {
            for (String field : List.of("apiVersion", "kind", "name", "uid")) {
                if (owners.get(i).path(field).asText("").isEmpty()) {
                    errors.add(invalid("metadata.ownerReferences." + field, "", "must not be empty"));
                }
            }
            if (owners.get(i).path("apiVersion").asText().equals("v1")
                    && owners.get(i).path("kind").asText().equals("Event")) {
                errors.add(new FieldError(
                        FieldError.Kind.INVALID,
                        "metadata.ownerReferences",
                        owners.get(i).toString(),
                        "/v1, Kind=Event is disallowed from being an owner"));
            }
            if (owners.get(i).path("controller").asBoolean()) {
                controllers.add(owners.get(i).path("kind").asText() + "/"
                        + owners.get(i).path("name").asText());
            }
        }
        if (controllers.size() > 1) {
            errors.add(new FieldError(
                    FieldError.Kind.INVALID,
                    "metadata.ownerReferences",
                    owners.toString(),
                    "Only one reference can have Controller set to true. Found \"true\" in references for "
                            + String.join(" and ", controllers)));
        }
    }
}
