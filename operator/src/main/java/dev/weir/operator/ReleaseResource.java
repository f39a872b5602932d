package dev.weir.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.NullUnmarked;

/** A Release as the client library sees it; {@link dev.weir.model.ReleaseSpec} says what is in it. */
@Group("weir.dev")
@Version("v1alpha1")
@Kind("Release")
@Plural("releases")
@NullUnmarked
final class ReleaseResource extends CustomResource<ObjectNode, ObjectNode> implements Namespaced {
    private static final long serialVersionUID = 1;

    @Override
    protected ObjectNode initSpec() {
        return null;
    }

    @Override
    protected ObjectNode initStatus() {
        return null;
    }
}
