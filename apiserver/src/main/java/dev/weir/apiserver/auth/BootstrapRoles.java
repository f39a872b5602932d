package dev.weir.apiserver.auth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The cluster roles and bindings that exist before anybody asks. */
public final class BootstrapRoles {
    private BootstrapRoles() {}

    /** New objects without uid and creation time; the aggregated ones have no rules yet. */
    public static List<ObjectNode> all() {
        List<ObjectNode> all = new ArrayList<>();
        try (InputStream in = BootstrapRoles.class.getResourceAsStream("roles.yaml");
                var documents = new YAMLMapper()
                        .readerFor(JsonNode.class)
                        .<JsonNode>readValues(Objects.requireNonNull(in, "roles.yaml"))) {
            while (documents.hasNext()) {
                if (documents.next() instanceof ObjectNode object) {
                    all.add(complete(object));
                }
            }
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return all;
    }

    private static ObjectNode complete(ObjectNode object) {
        object.put("apiVersion", "rbac.authorization.k8s.io/v1");
        ObjectNode metadata = object.withObject("/metadata");
        metadata.withObject("/labels").put("kubernetes.io/bootstrapping", "rbac-defaults");
        metadata.withObject("/annotations").put("rbac.authorization.kubernetes.io/autoupdate", "true");
        if (object.get("roleRef") instanceof ObjectNode role) {
            role.put("apiGroup", "rbac.authorization.k8s.io");
            object.path("subjects")
                    .forEach(subject -> ((ObjectNode) subject).put("apiGroup", "rbac.authorization.k8s.io"));
        }
        return object;
    }
}
