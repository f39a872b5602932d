package dev.weir.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.weir.engine.Match;
import dev.weir.engine.MirrorPercent;
import dev.weir.engine.Share;
import dev.weir.engine.TrafficPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every router keeps to. */
abstract class TrafficRouterContract {
    private static final int PLANS = 500;

    private final long seed = Long.getLong("test.seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);

    abstract TrafficRouter router();

    /** Any plan that every router can express. */
    private TrafficPlan plan() {
        List<TrafficPlan.Rule> rules = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            rules.add(rule(IntStream.range(0, random.nextInt(1, 4))
                    .mapToObj(_ -> match())
                    .toList()));
        }
        rules.add(rule(List.of()));
        return new TrafficPlan(
                "app",
                "ns",
                random.nextInt(80, 83),
                List.of("app.ns", "app.ns.svc", "app.ns.svc.cluster.local"),
                random.nextBoolean() ? List.of() : List.of("my-gateway", "other/gateway"),
                rules);
    }

    private TrafficPlan.Rule rule(List<Match> matches) {
        List<Integer> weights =
                random.ints(random.nextInt(1, 4), 0, 101).boxed().toList();
        List<Share> shares = Share.of(weights);
        List<TrafficPlan.Backend> backends = IntStream.range(0, shares.size())
                .mapToObj(i -> new TrafficPlan.Backend("app-" + i, 80 + random.nextInt(3), shares.get(i)))
                .toList();
        List<TrafficPlan.Mirror> mirrors = IntStream.range(0, random.nextInt(3))
                .mapToObj(i -> new TrafficPlan.Mirror("copy-" + i, 80, new MirrorPercent(random.nextInt(101))))
                .toList();
        return new TrafficPlan.Rule(matches, backends, mirrors);
    }

    private Match match() {
        Match.Http any = new Match.Http(
                switch (random.nextInt(4)) {
                    case 0 -> new Match.Text(Match.Kind.EXACT, "/a.b");
                    case 1 -> new Match.Text(Match.Kind.PREFIX, "/v1.0/(x)");
                    case 2 -> new Match.Text(Match.Kind.REGEX, "/[a-z]+");
                    default -> null;
                },
                random.nextBoolean() ? "POST" : null,
                conditions("x-tester", "traffic"),
                conditions("q", "p"));
        return any.equals(Match.Http.ALWAYS) ? Match.Http.header("traffic", "test") : any;
    }

    private List<Match.Named> conditions(String... names) {
        return Arrays.stream(names)
                .filter(_ -> random.nextInt(3) == 0)
                .map(name -> new Match.Named(
                        name,
                        random.nextBoolean()
                                ? new Match.Text(Match.Kind.EXACT, "te st")
                                : new Match.Text(Match.Kind.REGEX, "t.*")))
                .toList();
    }

    @Test
    void readsBackWhatItRenders() {
        for (int i = 0; i < PLANS; i++) {
            TrafficPlan plan = plan();
            assertThat(router().read(router().render(plan), plan.port()))
                    .as("seed %d", seed)
                    .contains(plan);
        }
    }

    @Test
    void rendersItsKindUnderThePlansName() {
        ObjectNode object = router().render(plan());
        assertThat(object.path("apiVersion").asText()).isEqualTo(router().kind().apiVersion());
        assertThat(object.path("kind").asText()).isEqualTo(router().kind().kind());
        assertThat(object.path("metadata").path("name").asText()).isEqualTo("app");
        assertThat(object.path("metadata").path("namespace").asText()).isEqualTo("ns");
    }

    /** One edit anywhere in the spec: a value changed, a field removed, a field added. */
    @Test
    void noticesEveryEdit() {
        for (int i = 0; i < PLANS; i++) {
            TrafficPlan plan = plan();
            ObjectNode object = router().render(plan);
            JsonNode before = object.deepCopy();
            edit(object.path("spec"));
            Optional<TrafficPlan> read = router().read(object, plan.port());
            assertThat(read)
                    .as("seed %d: %s edited to %s", seed, before, object)
                    .isNotEqualTo(Optional.of(plan));
        }
    }

    private void edit(JsonNode node) {
        List<JsonNode> containers = new ArrayList<>();
        collect(node, containers);
        JsonNode container = containers.get(random.nextInt(containers.size()));
        if (container instanceof ObjectNode object) {
            List<String> names = new ArrayList<>();
            object.fieldNames().forEachRemaining(names::add);
            String name = names.isEmpty() ? "timeout" : names.get(random.nextInt(names.size()));
            switch (random.nextInt(3)) {
                case 0 -> object.put("timeout", "1s");
                case 1 -> object.remove(name);
                default -> object.set(name, other(object.path(name)));
            }
            if (names.isEmpty()) {
                object.put("timeout", "1s");
            }
        } else {
            ((ArrayNode) container).add(JsonNodeFactory.instance.objectNode());
        }
    }

    private static JsonNode other(JsonNode value) {
        return value.isNumber() ? IntNode.valueOf(value.asInt() + 1) : TextNode.valueOf(value.asText() + "x");
    }

    private static void collect(JsonNode node, List<JsonNode> containers) {
        if (node.isContainerNode()) {
            containers.add(node);
            node.forEach(child -> collect(child, containers));
        }
    }
}
