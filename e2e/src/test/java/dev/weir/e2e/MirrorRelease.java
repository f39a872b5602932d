package dev.weir.e2e;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The Release {@code httpbin} of one namespace, as a user writes it and sees it. */
final class MirrorRelease {
    private static final PatchContext APPLY = new PatchContext.Builder()
            .withPatchType(PatchType.SERVER_SIDE_APPLY)
            .withFieldManager("user")
            .withForce(true)
            .build();

    private final KubernetesClient client;
    private final String namespace;

    MirrorRelease(KubernetesClient client, String namespace) {
        this.client = client;
        this.namespace = namespace;
    }

    String namespace() {
        return namespace;
    }

    String host() {
        return "httpbin." + namespace;
    }

    /** A version; {@code percent} of the primary is ignored. */
    record Version(String label, String image, int percent) {}

    /** Makes the gateway that the release names, without which it is not ready. */
    void openGateway() throws IOException {
        try (InputStream in = MirrorRelease.class.getResourceAsStream("/demo/mirror/gateway.yaml")) {
            client.load(in).inNamespace(namespace).create();
        }
    }

    /** Applies the primary and, if given, a candidate. */
    void apply(Version primary, Version... candidates) {
        StringBuilder text = new StringBuilder("""
                apiVersion: weir.dev/v1alpha1
                kind: Release
                metadata: {name: httpbin, namespace: %s}
                spec:
                  strategy: Mirror
                  service: {name: httpbin, port: 80}
                  gateways: [my-gateway]
                  versions:
                  - {name: httpbin-0, image: "%s", labels: {app.kubernetes.io/version: %s}}
                """.formatted(namespace, primary.image(), primary.label()));
        for (Version candidate : candidates) {
            text.append("""
                  - {name: httpbin-1, image: "%s", mirrorPercent: %d, labels: {app.kubernetes.io/version: %s}}
                """.formatted(candidate.image(), candidate.percent(), candidate.label()));
        }
        client.resource(Serialization.unmarshal(text.toString(), GenericKubernetesResource.class))
                .patch(APPLY);
    }

    /** True if the Ready condition speaks of the newest spec and holds. */
    boolean ready() {
        GenericKubernetesResource release = client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                .inNamespace(namespace)
                .withName("httpbin")
                .get();
        if (release == null || !(release.get("status", "conditions") instanceof List<?> conditions)) {
            return false;
        }
        return release.getMetadata()
                        .getGeneration()
                        .equals(((Number) release.get("status", "observedGeneration")).longValue())
                && conditions.stream()
                        .anyMatch(c -> c instanceof Map<?, ?> condition
                                && "Ready".equals(condition.get("type"))
                                && "True".equals(condition.get("status")));
    }

    /** What the VirtualService mirrors, in percent; empty if nothing, "gone" if there is none. */
    String mirrored() {
        GenericKubernetesResource found = virtualService();
        if (found == null) {
            return "gone";
        }
        Object value = found.get("spec", "http", 0, "mirrorPercentage", "value");
        return found.get("spec", "http", 0, "mirror") == null || value == null ? "" : value.toString();
    }

    @Nullable
    GenericKubernetesResource virtualService() {
        return client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(namespace)
                .withName("httpbin")
                .get();
    }

    /** Uid of the primary's pod, empty while there is none or several. */
    String primaryPod() {
        var pods = client.pods()
                .inNamespace(namespace)
                .withLabel("app", "httpbin-0")
                .list()
                .getItems();
        return pods.size() == 1 ? pods.getFirst().getMetadata().getUid() : "";
    }

    /** Somebody else's edit: the hosts no longer name the service. */
    void misroute() {
        client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(namespace)
                .withName("httpbin")
                .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":{\"hosts\":[\"drift.example\"]}}");
    }

    void deleteRoute() {
        client.genericKubernetesResources("networking.istio.io/v1beta1", "VirtualService")
                .inNamespace(namespace)
                .withName("httpbin")
                .delete();
    }

    /** True if the route names the service. */
    boolean routed() {
        GenericKubernetesResource found = virtualService();
        return found != null && found.get("spec", "hosts") instanceof List<?> hosts && hosts.contains(host());
    }

    boolean candidateExists() {
        return client.apps()
                        .deployments()
                        .inNamespace(namespace)
                        .withName("httpbin-1")
                        .get()
                != null;
    }
}
