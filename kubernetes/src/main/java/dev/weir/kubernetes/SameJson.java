package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;

/** Compares JSON as Kubernetes means it: the order of fields and the kind of a number do not matter. */
public final class SameJson {
    private SameJson() {}

    /** True if both say the same. */
    public static boolean test(JsonNode one, JsonNode other) {
        return within(one, other) && within(other, one);
    }

    /**
     * True if {@code whole} says all that {@code part} says: it may have further fields at any depth, also within the
     * elements of lists, but no further elements.
     */
    public static boolean within(JsonNode part, JsonNode whole) {
        if (part.isObject() && whole.isObject()) {
            for (var entry : part.properties()) {
                JsonNode other = whole.get(entry.getKey());
                if (other == null || !within(entry.getValue(), other)) {
                    return false;
                }
            }
            return true;
        }
        if (part.isArray() && whole.isArray() && part.size() == whole.size()) {
            for (int i = 0; i < part.size(); i++) {
                if (!within(part.get(i), whole.get(i))) {
                    return false;
                }
            }
            return true;
        }
        if (part.isNumber() && whole.isNumber()) {
            return part.decimalValue().compareTo(whole.decimalValue()) == 0;
        }
        return part.equals(whole);
    }
}
