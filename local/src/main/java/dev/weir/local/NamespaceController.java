package dev.weir.local;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.NamespaceCondition;
import io.fabric8.kubernetes.api.model.NamespaceConditionBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Gives each namespace what pods expect in it; empties one that is being deleted, then lets it go. */
final class NamespaceController {
    private static final String ROOT_CA = "kube-root-ca.crt";
    private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

    private final KubernetesClient client;
    private final ServedKinds kinds;

    NamespaceController(KubernetesClient client) {
        this.client = client;
        this.kinds = new ServedKinds(client);
    }

    Optional<Duration> reconcile(String name) {
        @Nullable Namespace namespace = client.namespaces().withName(name).get();
        if (namespace == null) {
            return Optional.empty();
        }
        if (namespace.getMetadata().getDeletionTimestamp() != null) {
            return empty(namespace) ? Optional.empty() : Optional.of(LOOK_AGAIN);
        }
        ensure(new ServiceAccountBuilder()
                .withNewMetadata()
                .withName("default")
                .withNamespace(name)
                .endMetadata()
                .build());
        String authority = client.getConfiguration().getCaCertData();
        if (authority != null) {
            ensure(new ConfigMapBuilder()
                    .withNewMetadata()
                    .withName(ROOT_CA)
                    .withNamespace(name)
                    .addToAnnotations(
                            "kubernetes.io/description",
                            "Contains a CA bundle that can be used to verify the kube-apiserver.")
                    .endMetadata()
                    .withData(
                            Map.of("ca.crt", new String(Base64.getDecoder().decode(authority), StandardCharsets.UTF_8)))
                    .build());
        }
        return Optional.empty();
    }

    private void ensure(HasMetadata object) {
        try {
            client.resource(object).create();
        } catch (KubernetesClientException refused) {
            // it is there, or the namespace has gone meanwhile
            if (refused.getCode() != 409 && refused.getCode() != 404 && refused.getCode() != 403) {
                throw refused;
            }
        }
    }

    /** Deletes what is in the namespace; true once it is empty and gone. */
    private boolean empty(Namespace namespace) {
        String name = namespace.getMetadata().getName();
        Map<String, Integer> left = new TreeMap<>();
        Map<String, Integer> finalizers = new TreeMap<>();
        for (ResourceDefinitionContext kind : kinds.namespaced()) {
            List<GenericKubernetesResource> objects = client.genericKubernetesResources(kind)
                    .inNamespace(name)
                    .list()
                    .getItems();
            if (!objects.isEmpty()) {
                left.put(kind.getPlural() + (kind.getGroup().isEmpty() ? "" : "." + kind.getGroup()), objects.size());
            }
            for (GenericKubernetesResource object : objects) {
                object.getMetadata().getFinalizers().forEach(f -> finalizers.merge(f, 1, Integer::sum));
                if (object.getMetadata().getDeletionTimestamp() == null) {
                    client.genericKubernetesResources(kind)
                            .inNamespace(name)
                            .withName(object.getMetadata().getName())
                            .delete();
                }
            }
        }
        if (!left.isEmpty()) {
            report(namespace, left, finalizers);
            return false;
        }
        String body = "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" + name
                + "\"},\"spec\":{\"finalizers\":[]}}";
        client.raw("/api/v1/namespaces/" + name + "/finalize", "PUT", body);
        return true;
    }

    /** Says in the namespace's conditions what keeps it. */
    private void report(Namespace namespace, Map<String, Integer> left, Map<String, Integer> finalizers) {
        List<NamespaceCondition> before = namespace.getStatus() == null
                ? List.of()
                : namespace.getStatus().getConditions();
        List<String> resources = new ArrayList<>();
        left.forEach((kind, count) -> resources.add(kind + " has " + count + " resource instances"));
        List<String> held = new ArrayList<>();
        finalizers.forEach((name, count) -> held.add(name + " in " + count + " resource instances"));
        List<NamespaceCondition> conditions = List.of(
                condition(
                        before,
                        "NamespaceDeletionDiscoveryFailure",
                        false,
                        "ResourcesDiscovered",
                        "All resources successfully discovered"),
                condition(
                        before,
                        "NamespaceDeletionContentFailure",
                        false,
                        "ContentDeleted",
                        "All content successfully deleted, may be waiting on finalization"),
                condition(
                        before,
                        "NamespaceContentRemaining",
                        true,
                        "SomeResourcesRemain",
                        "Some resources are remaining: " + String.join(", ", resources)),
                held.isEmpty()
                        ? condition(
                                before,
                                "NamespaceFinalizersRemaining",
                                false,
                                "ContentHasNoFinalizers",
                                "All content-preserving finalizers finished")
                        : condition(
                                before,
                                "NamespaceFinalizersRemaining",
                                true,
                                "SomeFinalizersRemain",
                                "Some content in the namespace has finalizers remaining: " + String.join(", ", held)));
        if (!conditions.equals(before)) {
            client.resource(new NamespaceBuilder(namespace)
                            .editOrNewStatus()
                            .withConditions(conditions)
                            .endStatus()
                            .build())
                    .updateStatus();
        }
    }

    private static NamespaceCondition condition(
            List<NamespaceCondition> before, String type, boolean value, String reason, String message) {
        String status = value ? "True" : "False";
        Optional<NamespaceCondition> old =
                before.stream().filter(c -> c.getType().equals(type)).findFirst();
        boolean sameStatus = old.filter(c -> c.getStatus().equals(status)).isPresent();
        return new NamespaceConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .withLastTransitionTime(sameStatus ? old.get().getLastTransitionTime() : PodStatuses.now())
                .build();
    }
}
