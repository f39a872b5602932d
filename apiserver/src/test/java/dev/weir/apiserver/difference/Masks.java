package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Hides what two servers can never agree on: identities, times, revisions. */
final class Masks {
    private static final Set<String> TIMES =
            Set.of("creationTimestamp", "time", "deletionTimestamp", "lastTransitionTime", "lastUpdateTime");
    private static final Pattern UID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Pattern GENERATED = Pattern.compile("\\bgen-[a-z0-9]{5}\\b");
    private static final Pattern QUOTED = Pattern.compile(
            "(Invalid value: \"|is missing in '|unable to decode |cannot restore \\w+ from )\\{.*", Pattern.DOTALL);
    private static final Pattern NODE_PORT = Pattern.compile(":3\\d{4}/");
    /** The same errors are among the causes, one by one. */
    private static final Pattern SEVERAL = Pattern.compile("( is invalid: )\\[.*", Pattern.DOTALL);

    private static final Pattern TOKEN = Pattern.compile("(continue key is not valid: ).*", Pattern.DOTALL);
    /** Values within messages that upstream prints as the structs of its own code. */
    private static final Pattern STRUCT = Pattern.compile("(Invalid value: )[\\[{].*[]}](: )", Pattern.DOTALL);
    /** A comparison of specs, line by line. */
    private static final Pattern COMPARED = Pattern.compile("\\n@@ .*", Pattern.DOTALL);

    private static final Pattern AGE = Pattern.compile("\\d+[smhd](\\d+[smh])?");
    private static final Pattern REVISION = Pattern.compile(
            "((?:resource ?version|current|ResourceVersion in [a-z ]+): |ResourceVersion in record \\()[0-9]+( \\([0-9]+\\))?",
            Pattern.CASE_INSENSITIVE);
    /** From the ranges that both servers allocate from. */
    private static final Pattern ADDRESS = Pattern.compile("10\\.(9[6-9]|1[01]\\d)\\.\\d+\\.\\d+");

    private static final int LONGEST = Integer.getInteger("difference.longest", 400);
    private static final Set<String> NUMBERS = Set.of("nodePort", "healthCheckNodePort");
    private static final Pattern TIME = Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");

    private Masks() {}

    static JsonNode mask(JsonNode node, String key) {
        if (node instanceof ObjectNode object) {
            ObjectNode masked = JsonNodeFactory.instance.objectNode();
            object.properties()
                    .forEach(entry -> masked.set(
                            UID.matcher(entry.getKey()).replaceAll("<uid>"), mask(entry.getValue(), entry.getKey())));
            return masked;
        }
        if (node instanceof ArrayNode array) {
            List<JsonNode> items = new ArrayList<>();
            array.forEach(items::add);
            if (key.equals("managedFields")) {
                items.sort(Comparator.comparing(entry -> entry.path("manager").asText() + "|"
                        + entry.path("operation").asText() + "|"
                        + entry.path("subresource").asText() + "|"
                        + entry.path("apiVersion").asText()));
            }
            if (items.stream().anyMatch(item -> item.path("reason").asText().equals("FieldManagerConflict"))) {
                // the original goes through the managers in no order
                items.sort(Comparator.comparing(item ->
                        item.path("message").asText() + "|" + item.path("field").asText()));
            }
            ArrayNode masked = JsonNodeFactory.instance.arrayNode();
            items.forEach(item -> masked.add(mask(item, key)));
            return key.equals("causes") ? distinct(masked) : masked;
        }
        JsonNodeFactory json = JsonNodeFactory.instance;
        boolean empty = node.isNull() || node.asText().isEmpty();
        if (!empty && (key.equals("resourceVersion") || key.equals("continue") || TIMES.contains(key))) {
            return json.textNode("<" + key + ">");
        }
        if (NUMBERS.contains(key) && node.asInt() >= 30_000) {
            return json.textNode("<" + key + ">");
        }
        return node.isTextual() ? json.textNode(text(node.asText(), key)) : node;
    }

    /**
     * Upstream finds what is wrong with metadata in several places and lists it as often, and goes through the fields of
     * custom resources in no order.
     */
    private static ArrayNode distinct(ArrayNode causes) {
        ArrayNode once = JsonNodeFactory.instance.arrayNode();
        new TreeSet<>(causes.valueStream()
                        .map(cause -> Json.sorted(cause).toString())
                        .toList())
                .forEach(once::add);
        return once;
    }

    private static String text(String text, String key) {
        String masked = UID.matcher(text).replaceAll("<uid>");
        masked = GENERATED.matcher(masked).replaceAll("gen-<suffix>");
        masked = SEVERAL.matcher(masked).replaceAll("$1<several>");
        masked = TOKEN.matcher(masked).replaceAll("$1<why>");
        masked = COMPARED.matcher(masked).replaceAll("");
        masked = NODE_PORT.matcher(masked).replaceAll(":<port>/");
        masked = STRUCT.matcher(masked).replaceAll("$1<struct>$2");
        masked = REVISION.matcher(masked).replaceAll("$1<revision>");
        masked = ADDRESS.matcher(masked).replaceAll("<address>");
        masked = QUOTED.matcher(masked).replaceAll("$1<object>");
        if ((key.isEmpty() || key.equals("cells")) && AGE.matcher(masked).matches()) {
            return "<age>";
        }
        return TIME.matcher(masked).matches() ? "<time>" : masked;
    }

    /** Adds a line for each place where the two differ. */
    static void compare(JsonNode wanted, JsonNode got, String path, List<String> differences) {
        if (wanted.isObject() && got.isObject()) {
            Set<String> names = new TreeSet<>();
            wanted.fieldNames().forEachRemaining(names::add);
            got.fieldNames().forEachRemaining(names::add);
            names.forEach(name -> compare(wanted.path(name), got.path(name), path + "/" + name, differences));
        } else if (wanted.isArray() && got.isArray() && wanted.size() == got.size()) {
            for (int i = 0; i < wanted.size(); i++) {
                compare(wanted.get(i), got.get(i), path + "/" + i, differences);
            }
        } else if (!Json.same(wanted, got)) {
            differences.add(path + ": want " + shorten(wanted) + " got " + shorten(got));
        }
    }

    private static String shorten(JsonNode node) {
        String text = node.toString();
        return text.length() > LONGEST ? text.substring(0, LONGEST) : text;
    }
}
