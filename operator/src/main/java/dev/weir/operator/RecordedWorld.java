package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.kubernetes.ObjectKind;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A world whose writes are counted, and logged with the release that they are for. */
final class RecordedWorld implements World {
    private static final Logger LOGGER = LoggerFactory.getLogger(RecordedWorld.class);
    private static final String RELEASE = "release";

    private final World world;
    private final OperatorMetrics metrics;

    RecordedWorld(World world, OperatorMetrics metrics) {
        this.world = world;
        this.metrics = metrics;
    }

    private static String release(JsonNode object) {
        JsonNode metadata = object.path("metadata");
        String name = metadata.path("labels")
                .path(dev.weir.kubernetes.ReleaseObjects.RELEASE)
                .asText(metadata.path("name").asText());
        return metadata.path("namespace").asText() + "/" + name;
    }

    private static String named(JsonNode object) {
        return object.path("kind").asText() + "/"
                + object.path("metadata").path("name").asText();
    }

    private void write(String verb, JsonNode object, Runnable write) {
        String kind = object.path("kind").asText();
        boolean done = false;
        try {
            write.run();
            done = true;
        } finally {
            metrics.wrote(kind, verb, done);
            LOGGER.atInfo()
                    .addKeyValue(RELEASE, release(object))
                    .addKeyValue("object", named(object))
                    .log(done ? "{} {}" : "{} {} failed", verb, named(object));
        }
    }

    @Override
    public List<JsonNode> labelled(String namespace, String release) {
        return world.labelled(namespace, release);
    }

    @Override
    public Optional<JsonNode> find(ObjectKind kind, String namespace, String name) {
        return world.find(kind, namespace, name);
    }

    @Override
    public void apply(ObjectNode object) {
        write("apply", object, () -> world.apply(object));
    }

    @Override
    public void delete(JsonNode object) {
        write("delete", object, () -> world.delete(object));
    }

    @Override
    public boolean writeStatus(JsonNode release, ObjectNode status) {
        boolean written = false;
        try {
            written = world.writeStatus(release, status);
        } finally {
            metrics.wrote("Release", "status", written);
        }
        return written;
    }

    @Override
    public void event(JsonNode release, String type, String reason, String message) {
        LOGGER.atInfo()
                .addKeyValue(RELEASE, release(release))
                .addKeyValue("reason", reason)
                .log("{}: {}", reason, message);
        world.event(release, type, reason, message);
    }
}
