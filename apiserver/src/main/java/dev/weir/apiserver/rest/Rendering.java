package dev.weir.apiserver.rest;

/**
 * In which form the client wants objects, from its Accept header.
 *
 * @param includeObject for tables: {@code None}, {@code Metadata} or {@code Object}
 */
public record Rendering(Kind kind, String includeObject) {
    /** The forms. */
    public enum Kind {
        PLAIN,
        TABLE,
        METADATA
    }

    static Rendering of(ApiRequest request) {
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
            if (text.contains("as=Table")) {
                return new Rendering(Kind.TABLE, include);
            }
            if (text.contains("as=PartialObjectMetadata")) {
                return new Rendering(Kind.METADATA, include);
            }
        }
        if (request.accept().contains("application/vnd.kubernetes.protobuf")
                || request.accept().contains("application/yaml")
                || request.accept().contains("text/")) {
            return new Rendering(Kind.PLAIN, include);
        }
        throw ApiException.notAcceptable(
                "only the following media types are accepted: application/json, application/yaml,"
                        + " application/vnd.kubernetes.protobuf, application/json;stream=watch");
    }
}
