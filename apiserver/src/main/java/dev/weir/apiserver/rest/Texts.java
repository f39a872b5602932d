package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.LinkedHashMap;
import java.util.Map;

/** Values that JSON can spell but Kubernetes does not know: halves of characters, numbers beyond all bounds. */
final class Texts {
    private static final char REPLACEMENT = '\uFFFD';

    private Texts() {}

    /**
     * The document with every lone surrogate replaced, as Go does; changed in place.
     *
     * @throws ApiException 400 if a number is too great for a 64-bit floating point number
     */
    @SuppressWarnings("ReferenceEquality") // what is clean comes back itself; comparing would walk the tree again
    static JsonNode clean(JsonNode node) {
        if (node instanceof ObjectNode object) {
            cleanObject(object);
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                array.set(i, clean(array.get(i)));
            }
        } else if (node.isTextual() && !isWhole(node.textValue())) {
            return TextNode.valueOf(whole(node.textValue()));
        } else if (node.isDouble() && !Double.isFinite(node.doubleValue())) {
            throw ApiException.badRequest(
                    "error decoding request body: json: cannot unmarshal number into Go value of type float64");
        }
        return node;
    }

    @SuppressWarnings("ReferenceEquality") // as above
    private static void cleanObject(ObjectNode object) {
        boolean wholeKeys = true;
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            entry.setValue(clean(entry.getValue()));
            wholeKeys &= isWhole(entry.getKey());
        }
        if (!wholeKeys) {
            Map<String, JsonNode> all = new LinkedHashMap<>();
            object.properties().forEach(entry -> all.put(whole(entry.getKey()), entry.getValue()));
            object.removeAll();
            object.setAll(all);
        }
    }

    private static boolean isWhole(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return whole(text).equals(text);
            }
        }
        return true;
    }

    private static String whole(String text) {
        StringBuilder whole = new StringBuilder(text.length());
        text.codePoints().forEach(point -> {
            boolean half = point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
            whole.appendCodePoint(half ? REPLACEMENT : point);
        });
        return whole.toString();
    }
}
