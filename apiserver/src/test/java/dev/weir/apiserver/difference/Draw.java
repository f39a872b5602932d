package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Draws values from templates; the same seed draws the same values. The templates' words are told in kinds.yaml. */
final class Draw {
    private final SplittableRandom random;

    Draw(SplittableRandom random) {
        this.random = random;
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    <T> T one(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    JsonNode one(JsonNode choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    /**
     * @param words what {@code $name} and the like stand for
     * @return the drawn value; an empty object if the template drew nothing
     */
    JsonNode value(JsonNode template, Map<String, String> words) {
        JsonNode drawn = draw(template, words);
        return drawn == null ? JsonNodeFactory.instance.objectNode() : drawn;
    }

    private @Nullable JsonNode draw(JsonNode template, Map<String, String> words) {
        if (template.isTextual()) {
            String text = template.asText();
            for (Map.Entry<String, String> word : words.entrySet()) {
                text = text.replace(word.getKey(), word.getValue());
            }
            return JsonNodeFactory.instance.textNode(text);
        }
        if (template instanceof ArrayNode array) {
            ArrayNode drawn = JsonNodeFactory.instance.arrayNode();
            array.forEach(item -> add(drawn, draw(item, words)));
            return drawn;
        }
        if (!(template instanceof ObjectNode object)) {
            return template;
        }
        if (object.size() == 1) {
            String word = object.fieldNames().next();
            JsonNode of = object.path(word);
            switch (word) {
                case "$one" -> {
                    return draw(one(of), words);
                }
                case "$maybe" -> {
                    return random.nextBoolean() ? null : draw(of, words);
                }
                case "$some" -> {
                    ArrayNode some = JsonNodeFactory.instance.arrayNode();
                    of.forEach(item -> {
                        if (random.nextBoolean()) {
                            add(some, draw(item, words));
                        }
                    });
                    return some;
                }
                case "$int" -> {
                    return JsonNodeFactory.instance.numberNode(
                            random.nextInt(of.get(0).asInt(), of.get(1).asInt() + 1));
                }
                default -> {
                    // an ordinary object
                }
            }
        }
        return fields(object, words);
    }

    private ObjectNode fields(ObjectNode object, Map<String, String> words) {
        ObjectNode drawn = JsonNodeFactory.instance.objectNode();
        object.properties().forEach(entry -> {
            if (entry.getKey().equals("$oneOf")) {
                if (value(one(entry.getValue()), words) instanceof ObjectNode chosen) {
                    drawn.setAll(chosen);
                }
                return;
            }
            JsonNode value = draw(entry.getValue(), words);
            if (value != null) {
                drawn.set(entry.getKey(), value);
            }
        });
        return drawn;
    }

    private static void add(ArrayNode array, @Nullable JsonNode item) {
        if (item != null) {
            array.add(item);
        }
    }
}
