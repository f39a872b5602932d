package dev.weir.apiserver.rest;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.proto.ProtobufDecoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Reads request bodies. */
public final class Bodies {
    private static final String ACCEPTED =
            "the body of the request was in an unknown format - accepted media types include: ";
    /** Deeper than any object of Kubernetes, and not too deep for a thread's stack. */
    private static final StreamReadConstraints NESTING =
            StreamReadConstraints.builder().maxNestingDepth(250).build();

    private static final ObjectMapper STRICT_JSON = JsonMapper.builder(
                    JsonFactory.builder().streamReadConstraints(NESTING).build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final ObjectMapper YAML = YAMLMapper.builder(
                    YAMLFactory.builder().streamReadConstraints(NESTING).build())
            .build();

    private Bodies() {}

    /** An object sent to be stored, or options. */
    public static ObjectNode object(ApiRequest request) {
        JsonNode node = switch (request.contentType()) {
            case "application/vnd.kubernetes.protobuf" -> Texts.clean(ProtobufDecoder.decode(request.body()));
            case "application/yaml" -> parse(YAML, request.body());
            case "", "application/json", "*/*" -> parse(STRICT_JSON, request.body());
            default ->
                throw ApiException.unsupportedMediaType(
                        ACCEPTED + "application/json, application/yaml, application/vnd.kubernetes.protobuf");
        };
        if (!(node instanceof ObjectNode object)) {
            throw ApiException.badRequest("couldn't get version/kind; json parse error: json: cannot unmarshal "
                    + node.getNodeType().name().toLowerCase(java.util.Locale.ROOT)
                    + " into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind"
                    + " string \"json:\\\"kind,omitempty\\\"\" }");
        }
        return object;
    }

    /** A patch; YAML where server-side apply allows it. */
    public static JsonNode patch(ApiRequest request) {
        return request.contentType().equals("application/apply-patch+yaml")
                ? parse(looksLikeJson(request.body()) ? STRICT_JSON : YAML, request.body())
                : parse(STRICT_JSON, request.body());
    }

    private static boolean looksLikeJson(byte[] body) {
        for (byte b : body) {
            if (b > ' ') {
                return b == '{';
            }
        }
        return false;
    }

    private static JsonNode parse(ObjectMapper mapper, byte[] body) {
        try {
            if (mapper.equals(YAML)) {
                refuseAliases(body);
            }
            JsonNode node = mapper.readTree(body);
            return node.isMissingNode() ? Json.MAPPER.createObjectNode() : Texts.clean(node);
        } catch (JsonProcessingException malformed) {
            throw ApiException.badRequest("error decoding request body: " + malformed.getOriginalMessage());
        } catch (IOException impossible) {
            throw ApiException.badRequest(String.valueOf(impossible.getMessage()));
        }
    }

    /** Aliases make a little text stand for a lot; clients send what they stand for. */
    private static void refuseAliases(byte[] body) throws IOException {
        try (YAMLParser parser = (YAMLParser) YAML.getFactory().createParser(body)) {
            while (parser.nextToken() != null) {
                if (parser.isCurrentAlias()) {
                    throw ApiException.badRequest("error decoding request body: yaml: aliases are not supported");
                }
            }
        }
    }

    /** A type of patch that a kind does not take; custom ones, which are routed apart, say what they take. */
    public static ApiException unknownPatchType(boolean custom) {
        return custom
                ? ApiException.unsupportedMediaType(ACCEPTED
                        + "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml")
                : ApiException.unknownMediaType();
    }

    static String text(byte[] body) {
        return new String(body, StandardCharsets.UTF_8);
    }
}
