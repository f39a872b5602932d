package dev.weir.apiserver.proto;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.ApiException;

/** Reads {@code application/vnd.kubernetes.protobuf} bodies. */
public final class ProtobufDecoder {
    private ProtobufDecoder() {}

    /** @throws ApiException 400 if the bytes are not a Kubernetes protobuf envelope of a known kind */
    public static ObjectNode decode(byte[] body) {
        return new ProtobufMessages().envelope(body);
    }
}
