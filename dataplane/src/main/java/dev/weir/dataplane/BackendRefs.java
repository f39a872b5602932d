package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.dataplane.ReferenceGrants.End;
import java.util.List;
import java.util.Optional;

/**
 * Tells which Service a backendRef means, and if none, why.
 *
 * @param namespace of the HTTPRoute
 * @param open true if Services of other namespaces may be named without a grant, as in the mesh
 */
record BackendRefs(String namespace, ServiceTable services, ReferenceGrants grants, boolean open) {
    /** Gateway API's reasons. */
    enum Problem {
        InvalidKind,
        BackendNotFound,
        RefNotPermitted,
        UnsupportedValue
    }

    /**
     * A reference that was looked at.
     *
     * @param host the service's full name, also if nobody has it yet; empty if it cannot be one that may be asked
     * @param message what is wrong, for people
     */
    record Backend(String host, int port, Optional<Problem> problem, String message) {}

    Backend resolve(JsonNode reference) {
        String group = reference.path("group").asText("");
        String kind = reference.path("kind").asText("Service");
        String name = reference.path("name").asText();
        String in = reference.path("namespace").asText(namespace);
        int port = reference.path("port").asInt();
        if (!group.isEmpty() || !kind.equals("Service")) {
            return nothing(Problem.InvalidKind, (group.isEmpty() ? "" : group + "/") + kind + " is not Service");
        }
        End from = new End("gateway.networking.k8s.io", "HTTPRoute", namespace);
        if (!open && !grants.allows(from, new End("", "Service", in), name)) {
            return nothing(
                    Problem.RefNotPermitted,
                    "no ReferenceGrant of namespace " + in + " lets HTTPRoutes of " + namespace + " refer to Service "
                            + name);
        }
        if (port == 0) {
            return nothing(Problem.UnsupportedValue, "the port of Service " + in + "/" + name + " is missing");
        }
        String host = name + "." + in + ServiceTable.DOMAIN;
        ServiceTable.Service service = services.service(host);
        if (service == null) {
            return new Backend(
                    host, port, Optional.of(Problem.BackendNotFound), "there is no Service " + in + "/" + name);
        }
        if (!service.endpoints().containsKey(port)) {
            return new Backend(
                    host,
                    port,
                    Optional.of(Problem.BackendNotFound),
                    "Service " + in + "/" + name + " has no port " + port + ", but "
                            + List.copyOf(service.endpoints().keySet()));
        }
        return new Backend(host, port, Optional.empty(), "");
    }

    private static Backend nothing(Problem problem, String message) {
        return new Backend("", 0, Optional.of(problem), message);
    }
}
