package dev.weir.apiserver.proto;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;

final class ProtobufMessages {
    ObjectNode envelope(byte[] body) {
        throw ApiException.unsupportedMediaType("protobuf" + body.length);
    }
}
