package dev.weir.apiserver.merge;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What must hold of server-side apply whatever is applied. The seed of a failure is in its message. */
class ApplyPropertiesTest {
    private static final int ROUNDS = 400;
    private static final String SCHEMA = """
            type: object
            properties:
              spec:
                type: object
                properties:
                  size: {type: string}
                  count: {type: integer}
                  labels: {type: object, additionalProperties: {type: string}}
                  window: {type: object, x-kubernetes-map-type: atomic, properties: {from: {type: string}, to: {type: string}}}
                  tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                  steps: {type: array, items: {type: string}}
                  parts:
                    type: array
                    x-kubernetes-list-type: map
                    x-kubernetes-list-map-keys: [name]
                    items:
                      type: object
                      properties: {name: {type: string}, weight: {type: integer}, note: {type: string}}
            """;
    private static final Schema META = Schema.structural(
            Json.MAPPER.createObjectNode().put("type", "object").put("x-kubernetes-preserve-unknown-fields", true));
    private static final FieldManagement MANAGEMENT = new FieldManagement(schema(), "example.com/v1", new FieldSet());

    private static Schema schema() {
        try {
            return Schema.structural(new YAMLMapper().readTree(SCHEMA)).withRoot(META);
        } catch (java.io.IOException malformed) {
            throw new java.io.UncheckedIOException(malformed);
        }
    }

    private interface Property {
        void check(Random random);
    }

    private static void forAll(Property property) {
        long first = Long.getLong("seed", System.nanoTime());
        for (long seed = first; seed < first + ROUNDS; seed++) {
            try {
                property.check(new Random(seed));
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("with -Dseed=" + seed + ": " + failure, failure);
            }
        }
    }

    private static FieldManagement.Writer writer(String manager) {
        return new FieldManagement.Writer(manager, "", "2026-01-01T00:00:00Z");
    }

    private static ObjectNode object() {
        ObjectNode object = Json.MAPPER.createObjectNode();
        object.put("apiVersion", "example.com/v1").put("kind", "Widget");
        object.putObject("metadata").put("name", "x");
        return object;
    }

    /** A configuration over the fields that a manager uses; {@code own} makes names that no other manager uses. */
    private static ObjectNode config(Random random, String own) {
        ObjectNode config = object();
        ObjectNode spec = config.putObject("spec");
        boolean shared = own.isEmpty();
        if (shared && random.nextBoolean()) {
            spec.put("size", pick(random));
        }
        if (shared && random.nextBoolean()) {
            spec.put("count", random.nextInt(3));
        }
        if (shared && random.nextInt(3) == 0) {
            spec.putObject("window").put("from", pick(random));
        }
        if (shared && random.nextInt(3) == 0) {
            spec.putArray("steps").add(pick(random)).add(pick(random));
        }
        for (int i = random.nextInt(3); i > 0; i--) {
            spec.withObject("/labels").put(own + pick(random), shared ? pick(random) : own);
        }
        Set<String> tags = new TreeSet<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            tags.add(own + pick(random));
        }
        tags.forEach(spec.withArray("tags")::add);
        Set<String> parts = new TreeSet<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            parts.add(own + pick(random));
        }
        List<String> order = new ArrayList<>(parts);
        Collections.shuffle(order, random);
        for (String name : order) {
            ObjectNode part = spec.withArray("parts").addObject().put("name", name);
            if (random.nextBoolean()) {
                part.put("weight", random.nextInt(3));
            }
        }
        if (spec.path("tags").isEmpty()) {
            spec.remove("tags");
        }
        if (spec.isEmpty()) {
            // whoever applies an empty object goes on owning its name when it goes, as in the original
            spec.withObject("/labels").put(own + pick(random), shared ? pick(random) : own);
        }
        return config;
    }

    private static String pick(Random random) {
        return String.valueOf((char) ('a' + random.nextInt(4)));
    }

    private static ObjectNode apply(ObjectNode live, ObjectNode config, String manager) {
        return MANAGEMENT.apply(live, config, writer(manager), true).orElse(live);
    }

    private static ObjectNode created(Random random) {
        ObjectNode live = config(random, "");
        // an object that is left without any field becomes null and goes, as in the original
        live.withObject("/spec").put("size", pick(random));
        MANAGEMENT.track(null, live, writer("creator"));
        return live;
    }

    private static ObjectNode data(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        copy.withObject("/metadata").remove("managedFields");
        return copy;
    }

    /** The data with the items of unordered lists in order. */
    private static JsonNode unordered(JsonNode node) {
        if (node instanceof ObjectNode object) {
            ObjectNode copy = Json.MAPPER.createObjectNode();
            object.properties().forEach(entry -> {
                JsonNode value = unordered(entry.getValue());
                if (Set.of("tags", "parts").contains(entry.getKey())) {
                    List<JsonNode> items = new ArrayList<>();
                    value.forEach(items::add);
                    items.sort((a, b) -> a.toString().compareTo(b.toString()));
                    value = Json.MAPPER.createArrayNode().addAll(items);
                }
                copy.set(entry.getKey(), value);
            });
            return Json.sorted(copy);
        }
        return node;
    }

    private static FieldSet owned(ObjectNode object, String manager) {
        for (JsonNode entry : object.path("metadata").path("managedFields")) {
            if (entry.path("manager").asText().equals(manager)) {
                return FieldSet.fromFieldsV1(entry.path("fieldsV1"));
            }
        }
        return new FieldSet();
    }

    @Test
    void applyingTwiceIsApplyingOnce() {
        forAll(random -> {
            ObjectNode config = config(random, "");
            ObjectNode once = apply(created(random), config, "alpha");
            Optional<ObjectNode> twice = MANAGEMENT.apply(once, config, writer("alpha"), false);
            assertThat(twice).isEmpty();
        });
    }

    @Test
    void whatIsAppliedIsThereAndOwned() {
        forAll(random -> {
            ObjectNode config = config(random, "");
            ObjectNode live = apply(apply(created(random), config(random, ""), "beta"), config, "alpha");
            FieldSet set = TypedValues.fields(schema(), data(config));
            FieldSet untracked = FieldManagement.topLevel(List.of("apiVersion", "kind", "metadata"));
            assertThat(owned(live, "alpha")).isEqualTo(set.recursiveDifference(untracked));
            assertThat(unordered(data(apply(live, config, "gamma")))).isEqualTo(unordered(data(live)));
        });
    }

    @Test
    void everyOwnerOwnsOnlyWhatIsThere() {
        forAll(random -> {
            ObjectNode live = created(random);
            for (int i = 0; i < 6; i++) {
                live = apply(live, config(random, ""), List.of("alpha", "beta").get(random.nextInt(2)));
                FieldSet present = TypedValues.fields(schema(), data(live)).withNamedFields(schema());
                for (JsonNode entry : live.path("metadata").path("managedFields")) {
                    FieldSet fields = FieldSet.fromFieldsV1(entry.path("fieldsV1"));
                    assertThat(fields.difference(present).isEmpty())
                            .as("%s of %s beyond %s", fields, entry.path("manager"), data(live))
                            .isTrue();
                }
            }
        });
    }

    @Test
    void appliersOfDifferentFieldsDoNotMindTheOrder() {
        forAll(random -> {
            ObjectNode live = created(random);
            ObjectNode first = config(random, "one-");
            ObjectNode second = config(random, "two-");
            ObjectNode there = apply(apply(live, first, "alpha"), second, "beta");
            ObjectNode back = apply(apply(live, second, "beta"), first, "alpha");
            assertThat(unordered(data(there))).isEqualTo(unordered(data(back)));
            assertThat(owned(there, "alpha")).isEqualTo(owned(back, "alpha"));
            assertThat(owned(there, "beta")).isEqualTo(owned(back, "beta"));
            // and neither is in the other's way
            assertThat(MANAGEMENT.apply(there, first, writer("alpha"), false)).isEmpty();
        });
    }

    @Test
    void whatOneAppliedAloneGoesWhenItIsNoLongerApplied() {
        forAll(random -> {
            ObjectNode before = created(random);
            ObjectNode with = apply(before, config(random, "own-"), "alpha");
            ObjectNode without = apply(with, object(), "alpha");
            assertThat(unordered(data(without))).isEqualTo(unordered(data(before)));
            assertThat(owned(without, "alpha").isEmpty()).isTrue();
        });
    }

    @Test
    void whatBothAppliedStaysForTheOther() {
        forAll(random -> {
            ObjectNode config = config(random, "");
            ObjectNode both = apply(apply(created(random), config, "alpha"), config, "beta");
            ObjectNode one = apply(both, object(), "alpha");
            assertThat(unordered(data(one))).isEqualTo(unordered(data(both)));
            assertThat(owned(one, "beta")).isEqualTo(owned(both, "beta"));
        });
    }

    @Test
    void withoutForceOnlyUndisputedChangesHappen() {
        forAll(random -> {
            ObjectNode live = apply(created(random), config(random, ""), "beta");
            ObjectNode config = config(random, "");
            ObjectNode forced = apply(live, config, "alpha");
            try {
                ObjectNode merged =
                        MANAGEMENT.apply(live, config, writer("alpha"), false).orElse(live);
                assertThat(data(merged)).isEqualTo(data(forced));
                assertThat(owned(live, "beta").difference(owned(merged, "beta")).isEmpty())
                        .isTrue();
            } catch (ApiException conflict) {
                assertThat(conflict.code()).isEqualTo(409);
                ArrayNode causes = (ArrayNode) conflict.status().at("/details/causes");
                assertThat(causes).isNotEmpty();
                assertThat(data(forced)).isNotEqualTo(data(live));
            }
        });
    }

    @Test
    void updatesTakeWhatTheyChange() {
        forAll(random -> {
            ObjectNode live = apply(created(random), config(random, ""), "alpha");
            ObjectNode next = data(live);
            next.withObject("/spec")
                    .put("size", "changed")
                    .withObject("/labels")
                    .put("new", "x");
            MANAGEMENT.track(live, next, writer("updater"));
            FieldSet updater = owned(next, "updater");
            assertThat(updater.toString()).contains("f:size", "f:new");
            assertThat(owned(next, "alpha").intersection(updater).isEmpty()).isTrue();
            assertThat(owned(next, "creator").intersection(updater).isEmpty()).isTrue();
        });
    }
}
