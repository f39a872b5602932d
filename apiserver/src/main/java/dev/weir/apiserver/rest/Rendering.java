package dev.weir.apiserver.rest;

import java.util.List;

/**
 * In which form the client wants objects, from its Accept header.
 *
 * @param includeObject for tables: {@code None}, {@code Metadata} or {@code Object}
 */
public record Rendering(Kind kind, String includeObject) {
    private static final List<String> INCLUDED = List.of("None", "Metadata", "Object", "");

    /** The forms. */
    public enum Kind {
        PLAIN,
        TABLE,
        METADATA
    }

    /** The form of a list. */
    static Rendering ofList(ApiRequest request, boolean builtIn) {
        return of(
                request, builtIn, ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch");
    }

    /** @param builtIn false for custom resources, which are routed apart */
    static Rendering of(ApiRequest request, boolean builtIn) {
        return of(request, builtIn, "");
    }

    /** @param more further representations that a refusal names */
    private static Rendering of(ApiRequest request, boolean builtIn, String more) {
        String include = request.queryOr("includeObject", "Metadata");
        if (request.accept().isEmpty()) {
            return new Rendering(Kind.PLAIN, include);
        }
        for (String clause : request.accept().split(",")) {
            String text = clause.replace(" ", "");
            boolean json =
                    text.startsWith("application/json") || text.startsWith("*/*") || text.startsWith("application/*");
            if (!json) {
                continue;
            }
            if (!text.contains(";as=")) {
                return new Rendering(Kind.PLAIN, include);
            }
            if (text.contains("as=Table") && text.matches(".*;v=v1(beta1)?(;.*)?")) {
                return new Rendering(Kind.TABLE, include);
            }
            if (text.contains("as=PartialObjectMetadata")) {
                return new Rendering(Kind.METADATA, include);
            }
        }
        boolean text = !request.accept().contains(";as=") && request.accept().startsWith("text/");
        if (text && builtIn) {
            throw ApiException.nothingAcceptable(more);
        }
        boolean other = request.accept().contains("application/vnd.kubernetes.protobuf")
                || request.accept().contains("application/yaml")
                || request.accept().contains("text/");
        if (other && !text) {
            return new Rendering(Kind.PLAIN, include);
        }
        throw ApiException.notAcceptable(
                "only the following media types are accepted: application/json, application/yaml,"
                        + " application/vnd.kubernetes.protobuf");
    }

    /** Refuses a table with what no table has; to be asked when there is something to show. */
    void requireTable() {
        if (kind == Kind.TABLE && !INCLUDED.contains(includeObject)) {
            throw ApiException.badRequest("Unable to convert to Table as requested: includeObject: Invalid value: \""
                    + includeObject + "\": must be 'Metadata', 'Object', 'None', or empty");
        }
    }

    /** Refuses a list to who wants the metadata of one object. */
    void requireList(ApiRequest request, ResourceType type, boolean builtIn) {
        boolean one = request.accept().replace(" ", "").contains("as=PartialObjectMetadata;");
        if (kind == Kind.METADATA && one) {
            String family = type.group().isEmpty() ? "core" : type.group().split("\\.", 2)[0];
            throw ApiException.notAcceptable(
                    "you requested PartialObjectMetadata, but the requested object is a list (*"
                            + (builtIn ? family + "." + type.listKind() : "unstructured.UnstructuredList") + ")");
        }
    }
}
