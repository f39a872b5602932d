package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.schema.Recorded;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An OpenAPI version 2 document without paths and definitions. kubectl asks for it about kinds that version 3 does not
 * have; only if there is a document does it go on to say that there is no such kind.
 */
final class OpenApiV2 {
    private static final String ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    /** The same as an answer says it: a media type holds no {@code @}. */
    private static final String ANSWERED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    private static final String SWAGGER = "2.0";
    private static final String TITLE = "Kubernetes";
    private static final String DESCRIPTION = "Schemas are served in OpenAPI version 3 only, at /openapi/v3.";

    private OpenApiV2() {}

    /** The document in protobuf for clients that ask for it, else in JSON. */
    static ApiResponse answer(String accept) {
        String version = Recorded.json("version.json").path("gitVersion").asText();
        Map<String, String> headers = Map.of("Vary", "Accept");
        return accept.contains(ASKED)
                ? new ApiResponse.Bytes(200, ANSWERED, protobuf(version), headers)
                : new ApiResponse.Bytes(200, "application/json", json(version), headers);
    }

    private static byte[] json(String version) {
        ObjectNode document = Json.MAPPER.createObjectNode();
        document.put("swagger", SWAGGER);
        document.putObject("info").put("title", TITLE).put("version", version).put("description", DESCRIPTION);
        document.putObject("paths");
        return Json.write(document).getBytes(StandardCharsets.UTF_8);
    }

    /** Fields by their numbers in gnostic's OpenAPIv2.proto. */
    private static byte[] protobuf(String version) {
        ByteArrayOutputStream info = new ByteArrayOutputStream();
        field(info, 1, TITLE.getBytes(StandardCharsets.UTF_8));
        field(info, 2, version.getBytes(StandardCharsets.UTF_8));
        field(info, 3, DESCRIPTION.getBytes(StandardCharsets.UTF_8));
        ByteArrayOutputStream document = new ByteArrayOutputStream();
        field(document, 1, SWAGGER.getBytes(StandardCharsets.UTF_8));
        field(document, 2, info.toByteArray());
        return document.toByteArray();
    }

    /** A field of known length, which is less than 128 bytes. */
    private static void field(ByteArrayOutputStream to, int number, byte[] value) {
        to.write(number << 3 | 2);
        to.write(value.length);
        to.writeBytes(value);
    }
}
