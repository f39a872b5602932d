package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.TrafficPlan;

/** Turns a traffic plan into the routing object of one technology. Stateless and pure; found by ServiceLoader. */
public interface TrafficRouter {
    /** The value of {@code spec.router}. */
    String name();

    /** The object that puts the plan in force, without owner or labels. */
    ObjectNode render(TrafficPlan plan);
}
