package dev.weir.local;

import io.fabric8.kubernetes.api.model.APIGroup;
import io.fabric8.kubernetes.api.model.APIResource;
import io.fabric8.kubernetes.api.model.APIResourceList;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.util.ArrayList;
import java.util.List;

/** Empties a namespace that is being deleted, then lets it go. */
final class NamespaceCleanup {
    private NamespaceCleanup() {}

    static void run(KubernetesClient client, Namespace namespace) {
        String name = namespace.getMetadata().getName();
        boolean empty = true;
        for (ResourceDefinitionContext kind : namespacedKinds(client)) {
            List<GenericKubernetesResource> left = client.genericKubernetesResources(kind)
                    .inNamespace(name)
                    .list()
                    .getItems();
            empty &= left.isEmpty();
            left.stream()
                    .filter(object -> object.getMetadata().getDeletionTimestamp() == null)
                    .forEach(object -> client.genericKubernetesResources(kind)
                            .inNamespace(name)
                            .withName(object.getMetadata().getName())
                            .delete());
        }
        if (!empty) {
            throw new IllegalStateException("namespace " + name + " still has content");
        }
        String body = "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" + name
                + "\"},\"spec\":{\"finalizers\":[]}}";
        client.raw("/api/v1/namespaces/" + name + "/finalize", "PUT", body);
    }

    static List<ResourceDefinitionContext> namespacedKinds(KubernetesClient client) {
        List<ResourceDefinitionContext> kinds = new ArrayList<>();
        add(client, "v1", kinds);
        for (APIGroup group : client.getApiGroups().getGroups()) {
            add(client, group.getPreferredVersion().getGroupVersion(), kinds);
        }
        return kinds;
    }

    private static void add(KubernetesClient client, String groupVersion, List<ResourceDefinitionContext> kinds) {
        APIResourceList resources = client.getApiResources(groupVersion);
        if (resources == null) {
            return;
        }
        for (APIResource resource : resources.getResources()) {
            boolean deletable = resource.getVerbs().contains("delete")
                    && resource.getVerbs().contains("list");
            boolean alias = groupVersion.startsWith("events.k8s.io");
            if (Boolean.TRUE.equals(resource.getNamespaced())
                    && deletable
                    && !alias
                    && !resource.getName().contains("/")) {
                int slash = groupVersion.indexOf('/');
                kinds.add(new ResourceDefinitionContext.Builder()
                        .withGroup(slash < 0 ? "" : groupVersion.substring(0, slash))
                        .withVersion(groupVersion.substring(slash + 1))
                        .withKind(resource.getKind())
                        .withPlural(resource.getName())
                        .withNamespaced(true)
                        .build());
            }
        }
    }
}
