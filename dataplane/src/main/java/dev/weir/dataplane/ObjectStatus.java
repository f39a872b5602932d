package dev.weir.dataplane;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.dataplane.MeshConfig.Kind;

/**
 * The status that an object of Gateway API should have.
 *
 * @param namespace empty for a GatewayClass
 * @param status its conditions have no {@code lastTransitionTime}; of an HTTPRoute the parents of this controller only
 */
public record ObjectStatus(Kind kind, String namespace, String name, ObjectNode status) {}
