package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Attachment;
import dev.weir.engine.TrafficPlan;
import java.util.List;
import java.util.Optional;

/**
 * Turns a traffic plan into the routing object of one technology, and back. Stateless and pure; found by ServiceLoader.
 *
 * <p>{@code read(render(plan), plan.port())} is {@code plan}.
 */
public interface TrafficRouter {
    /** The value of {@code spec.router}. */
    String name();

    /** What {@link #render} makes. */
    ObjectKind kind();

    /**
     * What the Service of the application's own name says, for clients that the routing object does not reach or that
     * need it to be there.
     *
     * @param service the application's name
     * @return its {@code spec}
     */
    ObjectNode entrance(String service, int port);

    /**
     * The object that puts the plan in force, without owner or labels.
     *
     * @throws IllegalArgumentException if the technology cannot say a match of the plan
     */
    ObjectNode render(TrafficPlan plan);

    /**
     * The plan that an object puts in force.
     *
     * @param object as the API server shows it, with its defaults
     * @param port the plan's, where the object does not say it
     * @return empty if it says something that no plan says
     */
    Optional<TrafficPlan> read(JsonNode object, int port);

    /** What a plan's gateways are. */
    ObjectKind gateway();

    /**
     * What those who serve an object say of it.
     *
     * @param object as the API server shows it
     * @return empty if nobody says anything of this kind of objects
     */
    List<Attached> attached(JsonNode object);

    /**
     * One place where an object is to be served.
     *
     * @param gateway {@code namespace/name}; empty for the mesh
     */
    record Attached(String gateway, Attachment attachment) {}
}
