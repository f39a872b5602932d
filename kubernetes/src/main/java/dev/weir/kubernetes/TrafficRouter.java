package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.TrafficPlan;
import java.util.Optional;

/**
 * Turns a traffic plan into the routing object of one technology, and back. Stateless and pure; found by ServiceLoader.
 *
 * <p>{@code read(render(plan))} is {@code plan}.
 */
public interface TrafficRouter {
    /** The value of {@code spec.router}. */
    String name();

    /** What {@link #render} makes. */
    ObjectKind kind();

    /** The object that puts the plan in force, without owner or labels. */
    ObjectNode render(TrafficPlan plan);

    /**
     * The plan that an object puts in force.
     *
     * @param object as the API server shows it, with its defaults
     * @return empty if it says something that no plan says
     */
    Optional<TrafficPlan> read(JsonNode object);
}
