package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.FieldError.Kind;
import dev.weir.apiserver.rest.ObjectMeta;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A rule that one field of a kind keeps, whatever the others are. Paths are as errors print them, with {@code []} for
 * every item of a list: {@code webhooks[].timeoutSeconds}. Pure.
 */
@FunctionalInterface
interface FieldRule {
    Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
    String IMMUTABLE = "field is immutable";
    String NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    String NO_RANGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

    /** Adds what is wrong; {@code old} is null for a new object. */
    void check(ObjectNode object, @Nullable ObjectNode old, List<FieldError> errors);

    /** Something must be there, where its parent is. */
    static FieldRule required(String path, String detail) {
        return (object, _, errors) -> each(object, path, (node, at) -> {
            if (node.isNull()
                    || node.isMissingNode()
                    || node.isContainerNode() && node.isEmpty()
                    || isEmptyText(node)) {
                errors.add(new FieldError(Kind.REQUIRED, at, null, detail));
            }
        });
    }

    private static boolean isEmptyText(JsonNode node) {
        return node.isTextual() && node.asText().isEmpty();
    }

    /** A number that is there must be at least this; {@code words} are what Kubernetes says of the bound. */
    static FieldRule atLeast(long least, String words, String... paths) {
        return (object, _, errors) -> {
            for (String path : paths) {
                each(object, path, (node, at) -> {
                    if (node.isNumber() && node.asLong() < least) {
                        errors.add(new FieldError(Kind.INVALID, at, node.asText(), words));
                    }
                });
            }
        };
    }

    static FieldRule notNegative(String... paths) {
        return atLeast(0, "must be greater than or equal to 0", paths);
    }

    /** A text that is there must be one of these, which are told in this order. */
    static FieldRule oneOf(String path, String... allowed) {
        String words = "supported values: \"" + String.join("\", \"", allowed) + "\"";
        return (object, _, errors) -> each(object, path, (node, at) -> {
            if (node.isTextual() && !List.of(allowed).contains(node.asText())) {
                errors.add(new FieldError(Kind.NOT_SUPPORTED, at, Json.write(node), words));
            }
        });
    }

    /** A rule that only new objects keep. */
    static FieldRule ofNew(FieldRule rule) {
        return (object, old, errors) -> {
            if (old == null) {
                rule.check(object, null, errors);
            }
        };
    }

    /** Stays as it was made. */
    static FieldRule immutable(String... fields) {
        return (object, old, errors) -> {
            for (String field : fields) {
                JsonNode now = at(object, field);
                String none = old != null && at(old, field).isTextual() ? "\"\"" : "null";
                if (old != null && !same(now, at(old, field))) {
                    errors.add(new FieldError(
                            Kind.INVALID, field, now.isMissingNode() ? none : Json.write(now), IMMUTABLE));
                }
            }
        };
    }

    /** Stays as it was made; {@code detail} are the words of that. */
    static FieldRule fixed(String field, String detail) {
        return (object, old, errors) -> {
            if (old != null && !same(at(object, field), at(old, field))) {
                errors.add(new FieldError(Kind.FORBIDDEN, field, null, detail));
            }
        };
    }

    private static boolean same(JsonNode now, JsonNode before) {
        boolean both = isNothing(now) && isNothing(before);
        return both || Json.same(now, before);
    }

    private static boolean isNothing(JsonNode node) {
        return node.isMissingNode() || node.isNull() || node.isContainerNode() && node.isEmpty();
    }

    /** A text that is there keeps the rule of names. */
    static FieldRule named(ObjectMeta.NameRule rule, String path) {
        return (object, _, errors) -> each(object, path, (node, at) -> {
            String problem = node.isTextual() ? ObjectMeta.nameProblem(node.asText(), rule) : null;
            if (problem != null) {
                errors.add(new FieldError(Kind.INVALID, at, Json.write(node), problem));
            }
        });
    }

    /** An IP address. */
    static FieldRule address(String path) {
        return (object, _, errors) -> each(object, path, (node, at) -> {
            if (node.isTextual() && !isAddress(node.asText())) {
                errors.add(new FieldError(Kind.INVALID, at, Json.write(node), NO_ADDRESS));
            }
        });
    }

    static boolean isAddress(String text) {
        return ADDRESS.matcher(text).matches();
    }

    /** A range of addresses, such as {@code 10.9.8.0/24}. */
    static FieldRule range(String path) {
        return (object, _, errors) -> each(object, path, (node, at) -> {
            String[] parts = node.asText("").split("/", -1);
            if (node.isTextual() && (parts.length != 2 || !isAddress(parts[0]) || !parts[1].matches("\\d{1,3}"))) {
                errors.add(new FieldError(Kind.INVALID, at, Json.write(node), NO_RANGE));
            }
        });
    }

    /** A port number. */
    static FieldRule port(String... paths) {
        return (object, _, errors) -> {
            for (String path : paths) {
                each(object, path, (node, at) -> {
                    if (node.isNumber() && (node.asLong() < 1 || node.asLong() > 65_535)) {
                        errors.add(new FieldError(
                                Kind.INVALID, at, node.asText(), "must be between 1 and 65535, inclusive"));
                    }
                });
            }
        };
    }

    /** Calls back for what a path leads to, also where the last step leads to nothing. */
    static void each(JsonNode from, String path, BiConsumer<JsonNode, String> found) {
        each(from, path, "", found);
    }

    private static void each(JsonNode from, String path, String at, BiConsumer<JsonNode, String> found) {
        int dot = path.indexOf('.');
        String step = dot < 0 ? path : path.substring(0, dot);
        String rest = dot < 0 ? "" : path.substring(dot + 1);
        boolean list = step.endsWith("[]");
        String name = list ? step.substring(0, step.length() - 2) : step;
        JsonNode next = from.path(name);
        String place = at.isEmpty() ? name : at + "." + name;
        if (!list) {
            if (rest.isEmpty()) {
                found.accept(next, place);
            } else if (next.isObject()) {
                each(next, rest, place, found);
            }
            return;
        }
        for (int i = 0; i < next.size(); i++) {
            if (rest.isEmpty()) {
                found.accept(next.get(i), place + "[" + i + "]");
            } else {
                each(next.get(i), rest, place + "[" + i + "]", found);
            }
        }
    }

    /** What a path without lists leads to. */
    static JsonNode at(JsonNode object, String path) {
        JsonNode node = object;
        for (String step : path.split("\\.")) {
            node = node.path(step);
        }
        return node;
    }
}
