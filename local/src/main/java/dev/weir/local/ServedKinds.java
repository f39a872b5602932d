package dev.weir.local;

import io.fabric8.kubernetes.api.model.APIGroup;
import io.fabric8.kubernetes.api.model.APIResource;
import io.fabric8.kubernetes.api.model.APIResourceList;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The kinds that the API server serves, as its discovery says. */
final class ServedKinds {
    private final KubernetesClient client;

    ServedKinds(KubernetesClient client) {
        this.client = client;
    }

    /** The namespaced kinds whose objects can be listed and deleted, each once. */
    List<ResourceDefinitionContext> namespaced() {
        List<ResourceDefinitionContext> kinds = new ArrayList<>(in("v1"));
        for (APIGroup group : client.getApiGroups().getGroups()) {
            // the same events are served as v1
            if (!group.getName().equals("events.k8s.io")) {
                kinds.addAll(in(group.getPreferredVersion().getGroupVersion()));
            }
        }
        kinds.removeIf(kind -> !kind.isNamespaceScoped());
        return kinds;
    }

    /** A kind of a group and version, namespaced or not; empty if it is not served. */
    Optional<ResourceDefinitionContext> find(String groupVersion, String kind) {
        return in(groupVersion).stream()
                .filter(context -> context.getKind().equals(kind))
                .findFirst();
    }

    private List<ResourceDefinitionContext> in(String groupVersion) {
        APIResourceList resources = client.getApiResources(groupVersion);
        List<ResourceDefinitionContext> kinds = new ArrayList<>();
        if (resources == null) {
            return kinds;
        }
        int slash = groupVersion.indexOf('/');
        for (APIResource resource : resources.getResources()) {
            boolean deletable = resource.getVerbs().contains("delete")
                    && resource.getVerbs().contains("list");
            if (deletable && !resource.getName().contains("/")) {
                kinds.add(new ResourceDefinitionContext.Builder()
                        .withGroup(slash < 0 ? "" : groupVersion.substring(0, slash))
                        .withVersion(groupVersion.substring(slash + 1))
                        .withKind(resource.getKind())
                        .withPlural(resource.getName())
                        .withNamespaced(Boolean.TRUE.equals(resource.getNamespaced()))
                        .build());
            }
        }
        return kinds;
    }
}
